/** The actions of `keyward migrate` that bring the database forward: apply, repair, and show what they would run. */
import {
  applyMigrations,
  isAdoptable,
  partsToRun,
  refuseObstacle,
  type ApplyStep,
} from '../database/migrations/apply.ts';
import { assess, type MigrationReport } from '../database/migrations/assess.ts';
import {
  backupTable,
  restoreSystemKeys,
  savedProviders,
  type Restored,
} from '../database/migrations/key-backup.ts';
import { migrateExit } from '../database/migrations/migration-failure.ts';
import { defaultLockTimeoutMs } from '../database/migrations/runner-lock.ts';
import { agreed } from './confirm.ts';
import type { MigrateContext, MigrateResult } from './migrate-context.ts';
import { describeReport, tellAside, tellState, tellWhatIsAside } from './migrate-states.ts';
import { transcript } from './migrate-transcript.ts';
import { print } from './terminal.ts';

export async function applyAction(context: MigrateContext): Promise<MigrateResult> {
  const { database, known, options } = context;
  const force = options.force === true;
  transcript.section(force ? 'Applying all migrations again' : 'Applying pending migrations');
  const steps: ApplyStep[] = [];
  await applyMigrations(database.kysely, known, {
    force,
    lockTimeoutMs: options.lockTimeout ?? defaultLockTimeoutMs,
    ...(options.to !== undefined && { to: options.to }),
    onStep: (step) => {
      steps.push(step);
      if (step.kind === 'waiting') transcript.warn(step.message);
      else transcript.good(`${step.kind === 'adopted' ? 'Adopted' : 'Applied'} ${step.message}`);
    },
  });
  const done = steps.filter(({ kind }) => kind !== 'waiting');
  const all = await assess(database.kysely, known);
  if (done.length === 0) transcript.info(`Nothing to do: ${whyNothing(all, options.to)}`);
  const restored = await offerRestore(context);
  const reports = all.filter(({ version }) => version <= (options.to ?? '999'));
  transcript.line();
  transcript.section('Verifying');
  for (const report of reports) tellState(report);
  transcript.line();
  const isAside = tellWhatIsAside(reports);
  return {
    exitCode: isAside ? migrateExit.drift : migrateExit.atTarget,
    report: {
      done: done.map(({ kind, version }) => ({ version, kind })),
      restored,
      migrations: reports.map(describeReport),
    },
  };
}

function whyNothing(reports: readonly MigrationReport[], to: string | undefined): string {
  const pending = reports.filter(({ appliedAt }) => appliedAt === null).map(({ version }) => version);
  if (pending.length > 0) return `no migration up to ${to} is pending. Beyond it are: ${pending.join(', ')}`;
  return reports.every(({ state }) => state === 'applied')
    ? 'all migrations are applied'
    : 'no migration is pending';
}

/** Keys that a rollback saved come back when the operator wants it, by --yes or at a terminal. */
async function offerRestore({ database, options }: MigrateContext): Promise<Restored | null> {
  const lockTimeoutMs = options.lockTimeout ?? defaultLockTimeoutMs;
  const { restorable, superseded } = await savedProviders(database.kysely, lockTimeoutMs);
  if (restorable.length === 0) {
    if (superseded.length > 0) tellSuperseded(superseded);
    return superseded.length > 0 && options.yes ? { restored: [], left: superseded } : null;
  }
  const whose = restorable.join(', ');
  if (
    !options.yes &&
    !(process.stdin.isTTY && (await agreed(`A rollback saved the keys of ${whose}. Put them back?`, true)))
  ) {
    transcript.warn(`A rollback saved the keys of ${whose}. Put them back with: keyward migrate --yes`);
    if (superseded.length > 0) tellSuperseded(superseded);
    return null;
  }
  const result = await restoreSystemKeys(database.kysely, {
    lockTimeoutMs,
    onWaiting: transcript.warn,
  });
  if (result.restored.length > 0) {
    transcript.good(
      `Restored ${result.restored.length} key(s), each read back: ${result.restored.join(', ')}`,
    );
  }
  if (result.left.length > 0) tellSuperseded(result.left);
  return result;
}

function tellSuperseded(slugs: readonly string[]): void {
  transcript.warn(
    `Left in the backup, because a newer key is stored or the provider is gone: ${slugs.join(', ')}. Once it is not needed: DROP TABLE ${backupTable}`,
  );
}

/** The SQL that an apply would run from the state that the database is in; goes to standard output, where it can be kept. */
export async function dryRunAction({ database, known, options }: MigrateContext): Promise<MigrateResult> {
  transcript.section('SQL that would run');
  const reports = await assess(database.kysely, known);
  const isAside = tellAside(reports, options.to);
  const wanted = reports.filter(
    ({ version, appliedAt }) => appliedAt === null && version <= (options.to ?? '999'),
  );
  for (const report of wanted) refuseObstacle(report);
  const adopted = wanted.filter(isAdoptable);
  for (const { file } of adopted)
    transcript.info(`${file} would be adopted: its tables are there already, no SQL runs`);
  const sql = [];
  for (const migration of known.migrations) {
    const { version, file } = migration;
    if (!wanted.some((one) => one.version === version && !adopted.includes(one))) continue;
    const transactions = await partsToRun(database.kysely, migration);
    transcript.info(
      `${file} would run in ${transactions.length === 1 ? 'one transaction' : `${transactions.length} transactions, as the table is large`}`,
    );
    const text = transactions.map((one) => `BEGIN;\n\n${one.trim()}\n\nCOMMIT;\n`).join('\n');
    if (!options.json) print(`-- ${file}\n${text}`);
    sql.push({ version, file, transactions: transactions.length, sql: text });
  }
  if (wanted.length === 0) transcript.info(`Nothing would run: ${whyNothing(reports, options.to)}`);
  return {
    exitCode: isAside ? migrateExit.drift : migrateExit.atTarget,
    report: { adopted: adopted.map(({ version }) => version), sql },
  };
}
