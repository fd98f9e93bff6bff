/**
 * Brings the database up to a version. Each migration is one transaction with its ledger row and its
 * verification, under the runners' lock: a kill leaves either all of it or nothing, and any number of
 * runners apply it once.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../tables.ts';
import { assess, isForeign, newerVersions, type KnownMigrations, type MigrationReport } from './assess.ts';
import { compareFacts, describeDifference, readFacts } from './catalogue.ts';
import { altersTablesBuiltOn, factsOf, tablesBuiltOn, tablesOf } from './expected-facts.ts';
import { createLedger, readLedger, recordMigration } from './ledger.ts';
import { lockRunners } from './lock-runners.ts';
import { failureOf, MigrationFailure } from './migration-failure.ts';
import type { Migration } from './migration-files.ts';
import { compareKinds } from './recognise-tables.ts';
import { refuseWithoutRights } from './refuse-without-rights.ts';
import { lockTables, retryLocked } from './runner-lock.ts';

export interface ApplyOptions {
  /** The last version to apply; all where absent. What is applied beyond it is run again with `force` all the same. */
  readonly to?: string;
  /** Also run again what is applied, to repair what drifted. */
  readonly force: boolean;
  /** How long one statement may wait for a table lock. */
  readonly lockTimeoutMs: number;
  readonly onStep: (step: ApplyStep) => void;
}

export interface ApplyStep {
  readonly kind: 'applied' | 'adopted' | 'waiting';
  readonly version: string;
  readonly message: string;
}

/** @throws MigrationFailure with the exit code of its reason; what failed changed nothing */
export async function applyMigrations(
  db: Kysely<Tables>,
  known: KnownMigrations,
  options: ApplyOptions,
): Promise<void> {
  try {
    await refuseWithoutRights(db, known, options);
    if (options.force) await refuseNewer(db, known);
  } catch (error) {
    throw failureOf('The run', error);
  }
  // What is applied again may take back what a later one made of it: then that one follows.
  const follows = options.force ? await readLedger(db) : new Map<string, unknown>();
  for (const migration of known.migrations) {
    if (options.to !== undefined && migration.version > options.to && !follows.has(migration.version))
      continue;
    try {
      await applyOne(db, migration, known, options);
    } catch (error) {
      throw failureOf(`Migration ${migration.file}`, error);
    }
  }
}

/** What is applied again could take back what a newer migration made of it, which only that version could repair. */
async function refuseNewer(db: Kysely<Tables>, known: KnownMigrations): Promise<void> {
  const newer = newerVersions(await readLedger(db), known);
  if (newer.length === 0) return;
  throw new MigrationFailure(
    `A newer Keyward applied ${newer.join(', ')} here, which may have changed what this version would make again. Nothing was changed. Repair with the newer version.`,
    'failed',
  );
}

async function applyOne(
  db: Kysely<Tables>,
  migration: Migration,
  known: KnownMigrations,
  options: ApplyOptions,
): Promise<void> {
  const { version } = migration;
  const startedAt = performance.now();
  const onWaiting = (message: string): void => options.onStep({ kind: 'waiting', version, message });
  const parts = await partsToRun(db, migration);
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    const kind = await retryLocked(
      {
        what: `Migration ${version}`,
        aftermath:
          index === 0
            ? 'Nothing was changed.'
            : 'Its first part is in place and does no harm; a next run goes on.',
        onRetry: onWaiting,
      },
      async () =>
        db.transaction().execute(async (tx) => {
          await lockRunners(tx, options.lockTimeoutMs, { onWaiting });
          const report = await stateOf(tx, migration, known);
          if (!needsWork(report, options.force)) return null;
          refuseObstacle(report);
          const adopt = isAdoptable(report);
          const completes = isForeign(migration) && report.state === 'partial';
          if (!adopt) {
            await lockBuiltOn(tx, version, known, options);
            await sql.raw(part).execute(tx);
          }
          if (!isLast && !adopt) return null;
          await createLedger(tx);
          await recordMigration(tx, migration, {
            adopted: adopt || completes,
            durationMs: elapsed(startedAt),
          });
          if (!adopt) await verify(tx, migration, known, completes ? compareKinds : compareFacts);
          return adopt ? 'adopted' : completes ? 'completed' : 'applied';
        }),
    );
    if (kind === null) continue;
    options.onStep(stepOf(kind, migration, elapsed(startedAt)));
  }
}

function stepOf(
  kind: 'adopted' | 'completed' | 'applied',
  { version, file }: Migration,
  durationMs: number,
): ApplyStep {
  if (kind === 'applied') return { kind, version, message: `${file} in ${durationMs} ms` };
  const how =
    kind === 'adopted' ? 'the tables are there already' : 'some tables were there, the others are made';
  return { kind: 'adopted', version, message: `${file}: ${how}` };
}

/**
 * One table the SQL locks itself, as late and as little as it can; several it would lock one by one, and hold the
 * first meanwhile. At once as much as it will need: whoever read a table and then writes to it would wait for the
 * lesser lock, while the runner waits for it with the greater.
 */
async function lockBuiltOn(
  tx: Kysely<Tables>,
  version: string,
  { expected }: KnownMigrations,
  { force, lockTimeoutMs }: ApplyOptions,
): Promise<void> {
  const tables = tablesBuiltOn(expected, version);
  if (tables.length < 2) return;
  // What is applied again replaces its own triggers.
  const mode = force || altersTablesBuiltOn(expected, version) ? 'ACCESS EXCLUSIVE' : 'SHARE ROW EXCLUSIVE';
  await lockTables(tx, tables, { mode, lockTimeoutMs });
}

/** The transactions that a migration takes here: one, unless readers would notice it. */
export async function partsToRun(db: Kysely<Tables>, migration: Migration): Promise<readonly string[]> {
  return migration.parts.length > 1 && (await isLarge(db)) ? migration.parts : [migration.sql];
}

async function stateOf(
  tx: Kysely<Tables>,
  migration: Migration,
  known: KnownMigrations,
): Promise<MigrationReport> {
  const report = (await assess(tx, known)).find(({ version }) => version === migration.version);
  if (report === undefined) throw new Error(`no such migration: ${migration.version}`);
  return report;
}

function needsWork({ appliedAt, adopted }: MigrationReport, force: boolean): boolean {
  return appliedAt === null || (force && !adopted);
}

/** Only tables that nobody's ledger explains are adopted; later migrations are safe to run on what is there. */
export function isAdoptable(report: MigrationReport): boolean {
  return report.state === 'unrecorded' && isForeign(report);
}

/** @throws MigrationFailure when the tables that are there cannot become what the migration makes */
export function refuseObstacle({ obstacle }: MigrationReport): void {
  if (obstacle !== null) throw new MigrationFailure(obstacle, 'failed');
}

async function verify(
  tx: Kysely<Tables>,
  { version, file }: Migration,
  { expected }: KnownMigrations,
  compare: typeof compareFacts,
): Promise<void> {
  const found = await readFacts(tx, tablesOf(expected));
  const differences = compare(factsOf(expected, version), found);
  if (differences.length === 0) return;
  throw new MigrationFailure(
    `The verification of ${file} failed, so all of it was rolled back. ${differences.map(describeDifference).join('; ')}.`,
    'verificationFailed',
  );
}

/** On a table of this size building an index takes so long that readers would notice the lock of the columns. */
const largeBytes = 8 * 1024 * 1024;

async function isLarge(db: Kysely<Tables>): Promise<boolean> {
  const { rows } = await sql<{ bytes: string | null }>`
    SELECT pg_relation_size(to_regclass('llm_providers')) AS bytes`.execute(db);
  return Number(rows[0]?.bytes ?? 0) > largeBytes;
}

function elapsed(startedAt: number): number {
  return Math.round(performance.now() - startedAt);
}
