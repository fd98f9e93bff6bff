/**
 * `keyward migrate`: apply, check, verify, roll back, repair, or show the SQL. People read standard error;
 * with --json, programs get one JSON object on standard output, also when it fails.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '../database/database.ts';
import { isEmbeddedThere } from '../database/embedded.ts';
import { openDatabase, withoutQueryTimeout } from '../database/open-database.ts';
import { failureOf, migrateExit, MigrationFailure } from '../database/migrations/migration-failure.ts';
import { shippedMigrations } from '../database/migrations/shipped-migrations.ts';
import { isDatabaseFault } from '../database/database-fault.ts';
import { loadConfig, type DatabaseConfig } from '../foundation/config.ts';
import { messageOf, UsageError } from '../foundation/errors.ts';
import { version } from '../foundation/version.ts';
import { applyAction, dryRunAction } from './migrate-apply.ts';
import { checkAction, verifyAction } from './migrate-check.ts';
import type { MigrateContext, MigrateOptions, MigrateResult } from './migrate-context.ts';
import { rollBackAction } from './migrate-roll-back.ts';
import { transcript } from './migrate-transcript.ts';
import { printJson } from './terminal.ts';

/** @returns the exit code, as migration-failure.ts lists them */
export async function migrate(options: MigrateOptions): Promise<number> {
  const action = actionOf(options);
  try {
    refuseNonsense(options);
    const { exitCode, report } = await withDatabase(options, actions[action]);
    if (options.json) printJson({ action, ok: exitCode === 0, exit_code: exitCode, ...report });
    return exitCode;
  } catch (error) {
    const failure = isDatabaseFault(error) ? failureOf(`keyward migrate (${action})`, error) : error;
    const exitCode = failure instanceof UsageError ? failure.exitCode : migrateExit.failed;
    if (options.json) printJson({ action, ok: false, exit_code: exitCode, error: messageOf(failure) });
    if (!(failure instanceof UsageError)) throw failure;
    transcript.bad(failure.message);
    return exitCode;
  }
}

const actions = {
  check: checkAction,
  verify: verifyAction,
  rollback: rollBackAction,
  'dry-run': dryRunAction,
  force: applyAction,
  apply: applyAction,
} as const;

function actionOf({ check, verify, rollback, dryRun, force }: MigrateOptions): keyof typeof actions {
  if (check) return 'check';
  if (verify) return 'verify';
  if (rollback) return 'rollback';
  if (dryRun) return 'dry-run';
  return force ? 'force' : 'apply';
}

function refuseNonsense({ check, verify, rollback, dryRun, force, lockTimeout }: MigrateOptions): void {
  if ([check, verify, rollback, dryRun, force].filter(Boolean).length > 1) {
    throw new MigrationFailure(
      'Only one of --check, --verify, --rollback, --dry-run and --force makes sense at a time.',
      'usage',
    );
  }
  // PostgreSQL takes 0 for "wait for ever", and everybody would queue up behind the runner.
  if (lockTimeout !== undefined && (lockTimeout < 1 || lockTimeout > longestLockTimeoutMs))
    throw new MigrationFailure(
      `--lock-timeout must be from 1 to ${longestLockTimeoutMs} milliseconds.`,
      'usage',
    );
}

/** The greatest that PostgreSQL takes for lock_timeout. */
const longestLockTimeoutMs = 2_147_483_647;

async function withDatabase(
  options: MigrateOptions,
  run: (context: MigrateContext) => Promise<MigrateResult>,
): Promise<MigrateResult> {
  const config = loadConfig();
  const known = shippedMigrations();
  const newest = known.migrations.at(-1)?.version ?? '';
  if (
    options.to !== undefined &&
    options.to !== '000' &&
    !known.migrations.some((one) => one.version === options.to)
  ) {
    throw new MigrationFailure(
      `There is no migration ${options.to}. There are: ${known.migrations.map((one) => one.version).join(', ')}.`,
      'usage',
    );
  }
  transcript.section('Keyward Migration Runner');
  transcript.line(`Migrations: 001 to ${newest} (Keyward ${version})`);
  transcript.line(`Timestamp:  ${new Date().toISOString().replace('T', ' ').slice(0, 19)} UTC\n`);
  const database = await (onlyLooks(options) ? openToLook : open)(withoutQueryTimeout(config.database));
  try {
    transcript.good(`Connected to database: ${database.description}\n`);
    return await run({ database, config, known, options });
  } finally {
    await database.close();
    transcript.info('Database connection closed');
  }
}

async function open(config: DatabaseConfig, onProgress = transcript.info): Promise<Database> {
  return openDatabase(config, { as: 'command', onProgress, onIdleError: () => undefined });
}

function onlyLooks({ check, verify, rollback, dryRun }: MigrateOptions): boolean {
  return [check, verify, rollback, dryRun].some(Boolean);
}

/** Who only looks must make no database: where there is none it sees an empty one, which is thrown away. */
async function openToLook(config: DatabaseConfig): Promise<Database> {
  if (config.kind !== 'embedded' || isEmbeddedThere(config.dataDirectory)) return open(config);
  const directory = mkdtempSync(join(tmpdir(), 'keyward-look-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  try {
    const database = await open({ ...config, dataDirectory: directory }, () => undefined);
    const close = async (): Promise<void> => database.close().finally(remove);
    return {
      ...database,
      description: `embedded database in ${config.dataDirectory}, which is not made yet`,
      close,
    };
  } catch (error) {
    remove();
    throw error;
  }
}
