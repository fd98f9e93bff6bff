/**
 * Restores an archive into an empty database. Everything that could refuse it is looked at first; then all rows,
 * the event that tells of it and the revision are one transaction, so that a kill at any moment leaves either an
 * empty database or the whole.
 */
import { sql, type Kysely } from 'kysely';
import { appendEvents, lockChain, readHead } from '../audit/append-events.ts';
import type { Occasion } from '../audit/audit-event.ts';
import { auditKeyIsGone, makeAuditKey, openAuditKey } from '../audit/audit-key.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import { isConnectionLost } from '../database/database-fault.ts';
import type { Database } from '../database/database.ts';
import { applyMigrations, type ApplyStep } from '../database/migrations/apply.ts';
import type { KnownMigrations } from '../database/migrations/assess.ts';
import { readLedger } from '../database/migrations/ledger.ts';
import { lockRunners } from '../database/migrations/lock-runners.ts';
import { refuseAmbiguousSchema } from '../database/migrations/refuse-ambiguous-schema.ts';
import { defaultLockTimeoutMs, lockTables } from '../database/migrations/runner-lock.ts';
import { settleRevision } from '../database/revision.ts';
import type { Tables } from '../database/tables.ts';
import type { Clock } from '../foundation/clock.ts';
import { messageOf, UsageError } from '../foundation/errors.ts';
import { recordedArchive } from './archive-header.ts';
import { columnsUpTo } from './archived-columns.ts';
import { refuseUnlessEmpty } from './empty-database.ts';
import { refuseUnknownNames, TableLoader } from './load-tables.ts';
import type { ArchiveFile } from './read-archive.ts';
import { setTextForms } from './read-tables.ts';

export interface RestoreParts {
  readonly database: Database;
  readonly ring: KeyRing;
  readonly known: KnownMigrations;
  readonly clock: Clock;
  readonly occasion: Occasion;
}

export interface RestoreOptions {
  readonly onStep: (step: ApplyStep) => void;
  readonly onProgress: (progress: {
    readonly table: string;
    readonly rows: number;
    readonly of: number;
  }) => void;
}

export interface Restored {
  readonly revision: number;
  /** The place of the event in the trail. */
  readonly sequence: number;
  /** Rotations of keys that go on where they stood when a server starts. */
  readonly openRotations: number;
}

/**
 * @throws UsageError with exit code 6 that names what is in the database, or the version that it is at
 */
export async function refuseUnfitDatabase(
  { database, known }: Pick<RestoreParts, 'database' | 'known'>,
  { header: { schema_version: schema } }: ArchiveFile,
): Promise<void> {
  const { kysely: db, description } = database;
  await refuseAmbiguousSchema(db);
  await refuseUnlessEmpty(db, known, description);
  const newer = [...(await readLedger(db)).keys()].filter((version) => version > schema).toSorted();
  if (newer.length === 0) return;
  throw new UsageError(
    `The database is empty, but already at migration ${newer.at(-1)}, and the archive is of ${schema}: what ${newer.join(', ')} would make of its rows could not be made any more. Nothing was changed. Restore into a database without tables; the migrations are applied on the way.`,
    { exitCode: 6 },
  );
}

/**
 * The archive was proven before; it is proven once more as it is loaded.
 * @throws UsageError when the database is not empty by now; whatever is thrown, nothing of the archive is in it
 */
export async function restoreArchive(
  parts: RestoreParts,
  archive: ArchiveFile,
  options: RestoreOptions,
): Promise<Restored> {
  try {
    return await migrateAndLoad(parts, archive, options);
  } catch (error) {
    if (!isConnectionLost(error)) throw error;
    throw new UsageError(
      `The connection to the database was lost: ${messageOf(error)}. All of the archive is in it, or nothing: restore again, and it goes on or says what is there.`,
      { cause: error },
    );
  }
}

async function migrateAndLoad(
  parts: RestoreParts,
  archive: ArchiveFile,
  options: RestoreOptions,
): Promise<Restored> {
  const { database, known } = parts;
  const { kysely: db } = database;
  const apply = { force: false, lockTimeoutMs: defaultLockTimeoutMs, onStep: options.onStep };
  await applyMigrations(db, known, { ...apply, to: archive.header.schema_version });
  const restored = await db.transaction().execute(async (tx) => {
    await lockRunners(tx, lockPatienceMs);
    const tables = Object.keys(archive.header.tables);
    await lockTables(tx, tables, { mode: 'SHARE ROW EXCLUSIVE', lockTimeoutMs: lockPatienceMs });
    await refuseUnlessEmpty(tx, known, database.description);
    return load(tx, parts, archive, options);
  });
  await applyMigrations(db, known, apply);
  return restored;
}

const lockPatienceMs = 5_000;

async function load(
  tx: Kysely<Tables>,
  { ring, known, clock, occasion }: RestoreParts,
  archive: ArchiveFile,
  { onProgress }: RestoreOptions,
): Promise<Restored> {
  await setTextForms(tx);
  const columns = columnsUpTo(known.expected, archive.header.schema_version);
  const of = Object.values(archive.header.tables).reduce((sum, rows) => sum + rows, 0);
  const loader = new TableLoader(tx);
  let rows = 0;
  let hasEvent = false;
  for await (const batch of archive.batches(ring)) {
    const { table } = batch.section;
    refuseUnknownNames(batch.section, columns);
    await loader.take(batch, async () => {
      // From here on the triggers find the event of this transaction, and each statement is done with them at its
      // end: else they would all run in the last one, which has a time limit as every statement.
      if (!hasEvent && !ownTables.has(table)) {
        await recordRestore(tx, { ring, now: clock.now(), occasion }, archive);
        hasEvent = true;
      }
      await makeRoom(tx, table);
    });
    rows += batch.rows.length;
    onProgress({ table, rows, of });
  }
  await loader.finish();
  if (!hasEvent) await recordRestore(tx, { ring, now: clock.now(), occasion }, archive);
  const revision = await settleRevision(tx);
  const { rows: open } = await sql<{ count: string }>`
    SELECT count(*) AS count FROM keyward_rotations WHERE ended_at IS NULL`.execute(tx);
  return {
    revision,
    sequence: (await readHead(tx))?.sequence ?? 0,
    openRotations: Number(open[0]?.count ?? 0),
  };
}

/** What must be there before the event can be written; none of it has a trigger that looks for the event. */
const ownTables: ReadonlySet<string> = new Set([
  'keyward_revision',
  'keyward_installation',
  'keyward_audit_chain',
  'keyward_audit_events',
]);

/** What migrations and triggers put there goes, before the rows of the archive come. */
async function makeRoom(tx: Kysely<Tables>, table: string): Promise<void> {
  if (replacedTables.has(table)) await sql`DELETE FROM ${sql.table(table)}`.execute(tx);
}

const replacedTables: ReadonlySet<string> = new Set([
  'keyward_revision',
  'keyward_installation',
  'llm_providers',
  'keyward_key_versions',
  'keyward_provider_revisions',
]);

async function recordRestore(
  tx: Kysely<Tables>,
  { ring, now, occasion }: { readonly ring: KeyRing; readonly now: Date; readonly occasion: Occasion },
  archive: ArchiveFile,
): Promise<void> {
  await moveRevision(tx);
  await makeAuditKey(tx, ring);
  const token = await lockChain(tx);
  if (token === undefined) throw auditKeyIsGone();
  await appendEvents(tx, { key: openAuditKey(token, ring), now, occasion }, [
    { action: 'archive.restored', ...recordedArchive(archive) },
  ]);
  await sql`SET CONSTRAINTS ALL IMMEDIATE`.execute(tx);
}

/**
 * As the triggers do it, and whether or not one of them fires. The transaction that stands there is another
 * database's: one of the same number here would not move the revision when it comes.
 */
async function moveRevision(tx: Kysely<Tables>): Promise<void> {
  await sql`UPDATE keyward_revision SET revision = revision + 1, changed_by = pg_current_xact_id()`.execute(
    tx,
  );
}
