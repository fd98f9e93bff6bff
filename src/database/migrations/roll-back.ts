/**
 * Takes migrations back, the newest first, all in one transaction. Keys that would be lost are saved
 * twice before, still encrypted; without a word from the operator nothing that holds keys is touched.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../tables.ts';
import { assess, newerVersions, type KnownMigrations } from './assess.ts';
import { compareFacts, describeDifference, isTableThere, readFacts } from './catalogue.ts';
import { factsOf, factsUpTo, tablesBuiltOn, tablesOf } from './expected-facts.ts';
import {
  readSystemKeys,
  removeBackupFile,
  settingsTable,
  writeBackupFile,
  type BackupFile,
} from './key-backup.ts';
import { createLedger, forgetMigration, readLedger } from './ledger.ts';
import { lockRunners } from './lock-runners.ts';
import { failureOf, MigrationFailure } from './migration-failure.ts';
import type { Migration } from './migration-files.ts';
import { lockTables, retryLocked } from './runner-lock.ts';

export interface RollBackOptions {
  /** The version that stays; everything after it goes. */
  readonly to: string;
  /** The operator has agreed to what would be lost. */
  readonly confirmed: boolean;
  readonly backupDirectory: string;
  readonly lockTimeoutMs: number;
  readonly onWaiting: (message: string) => void;
}

export interface RolledBack {
  /** In the order in which they went. */
  readonly files: readonly string[];
  readonly backup: BackupFile | null;
  /** What lies in the database under other names until a later apply takes it back unasked, in words. */
  readonly kept: readonly string[];
}

export interface RollBackPlan {
  readonly migrations: readonly Migration[];
  /** Providers whose keys would leave llm_providers. */
  readonly keysOf: readonly string[];
  /** Good tokens of callers and administrators that would be gone; they cannot be saved in a usable form. */
  readonly tokens: number;
  /** Good tokens that would be revoked, since without a role or an end they would be good for more than they were made for. */
  readonly limitedTokens: number;
}

/** What a rollback would do, while no other runner is at work. */
export async function previewRollBack(
  db: Kysely<Tables>,
  known: KnownMigrations,
  { to, lockTimeoutMs }: Pick<RollBackOptions, 'to' | 'lockTimeoutMs'>,
): Promise<RollBackPlan> {
  return db.transaction().execute(async (tx) => {
    await lockRunners(tx, lockTimeoutMs);
    return planRollBack(tx, known, to);
  });
}

/** An adopted 001 was never ours and stays. */
async function planRollBack(db: Kysely<Tables>, known: KnownMigrations, to: string): Promise<RollBackPlan> {
  await refuseUnknownMigrations(db, known, to);
  const reports = await assess(db, known);
  const there = new Set(
    reports
      .filter(({ state, adopted }) => state !== 'pending' && state !== 'unfit' && !adopted)
      .map(({ version }) => version),
  );
  const migrations = known.migrations
    .filter(({ version }) => version > to && there.has(version))
    .toSorted((a, b) => b.version.localeCompare(a.version));
  const goes = (fact: string): boolean =>
    migrations.some(({ version }) => factsOf(known.expected, version).has(fact));
  const keys = goes('column llm_providers.encrypted_api_key') ? await readSystemKeys(db) : [];
  const allTokensGo = goes('table keyward_tokens');
  const tokens = allTokensGo ? await countTokens(db) : 0;
  const limitedTokens = !allTokensGo && goes('column keyward_tokens.role') ? await countLimitedTokens(db) : 0;
  if (goes('table user_api_keys')) await refuseUsersData(db);
  return { migrations, keysOf: keys.map(({ provider_slug }) => provider_slug), tokens, limitedTokens };
}

/** A newer Keyward's migrations may build on what would go, and only it knows how to take them back. */
async function refuseUnknownMigrations(
  db: Kysely<Tables>,
  known: KnownMigrations,
  to: string,
): Promise<void> {
  const ledger = await readLedger(db);
  const ours = new Set(known.migrations.map(({ version }) => version));
  const unknown = [...ledger.keys()].filter((version) => version > to && !ours.has(version)).toSorted();
  if (unknown.length === 0) return;
  const newer = newerVersions(ledger, known);
  throw new MigrationFailure(
    newer.length > 0
      ? `A newer Keyward applied ${newer.join(', ')} here, which may build on what would go and which this version does not know. Nothing was changed. Roll back with the newer version.`
      : `The files of ${unknown.join(', ')}, which are applied here, are missing from migrations/, and with them the way back. Nothing was changed. Install this version of Keyward again.`,
    'failed',
  );
}

/** Nothing that this runner could save: what users brought and used goes only by hand. */
async function refuseUsersData(db: Kysely<Tables>): Promise<void> {
  const { rows } = await sql<{ keys: string; logs: string }>`
    SELECT (SELECT count(*) FROM user_api_keys) AS keys, (SELECT count(*) FROM llm_usage_logs) AS logs`.execute(
    db,
  );
  const { keys, logs } = rows[0] ?? { keys: '0', logs: '0' };
  if (keys === '0' && logs === '0') return;
  throw new MigrationFailure(
    `Without migration 001 the keys that users brought (${keys}) and the usage log (${logs} rows) would be lost. Nothing was changed. Empty these tables yourself first, if that is meant.`,
    'wouldLoseData',
  );
}

/** By way of JSON, since before 007 a token has no end. */
const isGood = sql`revoked_at IS NULL
  AND coalesce((to_jsonb(t) ->> 'expires_at')::timestamp > now() AT TIME ZONE 'UTC', true)`;

async function countTokens(db: Kysely<Tables>): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    SELECT count(*) AS count FROM keyward_tokens AS t WHERE ${isGood}`.execute(db);
  return Number(rows[0]?.count ?? 0);
}

async function countLimitedTokens(db: Kysely<Tables>): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    SELECT count(*) AS count FROM keyward_tokens AS t, to_jsonb(t) AS fields
     WHERE ${isGood} AND (fields ->> 'role' = 'viewer' OR fields ->> 'expires_at' IS NOT NULL)`.execute(db);
  return Number(rows[0]?.count ?? 0);
}

/** What would be lost, in words; empty when nothing would. */
export function lossesOf({ keysOf, tokens, limitedTokens }: RollBackPlan): string {
  const keys =
    keysOf.length === 0 ? [] : [`the encrypted ${plural(keysOf.length, 'key')} of ${keysOf.join(', ')}`];
  const good =
    tokens === 0 ? [] : [`${tokens} good ${plural(tokens, 'token')} of callers and administrators`];
  const limited =
    limitedTokens === 0
      ? []
      : [`${limitedTokens} good ${plural(limitedTokens, 'token')} of viewers or with an end`];
  return [...keys, ...good, ...limited].join(' and ');
}

function plural(count: number, word: string): string {
  return count === 1 ? word : `${word}s`;
}

/** @throws MigrationFailure with the exit code of its reason; what failed changed nothing */
export async function rollBackMigrations(
  db: Kysely<Tables>,
  known: KnownMigrations,
  options: RollBackOptions,
): Promise<RolledBack> {
  const what = 'The rollback';
  const attempted = { what, aftermath: 'Nothing was changed.', onRetry: options.onWaiting };
  try {
    return await retryLocked(attempted, async () => rollBackOnce(db, known, options));
  } catch (error) {
    throw failureOf(what, error);
  }
}

async function rollBackOnce(
  db: Kysely<Tables>,
  known: KnownMigrations,
  { to, confirmed, backupDirectory, lockTimeoutMs, onWaiting }: RollBackOptions,
): Promise<RolledBack> {
  let backup: BackupFile | null = null;
  let allDone = false;
  try {
    return await db.transaction().execute(async (tx) => {
      await lockRunners(tx, lockTimeoutMs, { onWaiting });
      await createLedger(tx);
      await lockAll(tx, known, to, lockTimeoutMs);
      const plan = await planRollBack(tx, known, to);
      const losses = lossesOf(plan);
      if (losses !== '' && !confirmed) {
        throw new MigrationFailure(
          `The rollback would take away ${losses}. Nothing was changed. With --yes it goes on; keys are backed up first, still encrypted, to a table and a file.`,
          'wouldLoseData',
        );
      }
      if (plan.keysOf.length > 0) backup = writeBackupFile(backupDirectory, await readSystemKeys(tx));
      for (const { version, rollbackSql } of plan.migrations) {
        await sql.raw(rollbackSql).execute(tx);
        await forgetMigration(tx, version);
      }
      await verifyGone(tx, known, plan.migrations, to);
      const kept = await keptNow(tx);
      allDone = true;
      return { files: plan.migrations.map(({ file }) => file), backup, kept };
    });
  } catch (error) {
    // A commit that got no answer may have happened: then the file stays.
    if (backup !== null && !allDone) removeBackupFile(backup);
    throw error;
  }
}

async function keptNow(tx: Kysely<Tables>): Promise<string[]> {
  const kept = [];
  if (await isTableThere(tx, 'keyward_gateway_saved_token_limits'))
    kept.push('limits of tokens and aliases of models, in keyward_gateway_saved_*');
  if (await isTableThere(tx, 'keyward_health_saved_key_policies'))
    kept.push('policies of keys and channels of alerts, in keyward_health_saved_*');
  if (await isTableThere(tx, 'keyward_saved_key_versions'))
    kept.push('versions of keys, rotations and management credentials, in keyward_saved_*');
  if (await isTableThere(tx, 'keyward_audit_saved_events'))
    kept.push('the audit trail, in keyward_audit_saved_*');
  if (await isTableThere(tx, settingsTable))
    kept.push(`settings of providers and bindings of keys, in ${settingsTable}`);
  return kept;
}

/**
 * From here on no writer may slip a key in that the backup has not got. At once every table that the files will
 * want: one by one they would hold the first while a program that holds the next waits for it.
 */
async function lockAll(
  tx: Kysely<Tables>,
  { migrations, expected }: KnownMigrations,
  to: string,
  lockTimeoutMs: number,
): Promise<void> {
  const builtOn = migrations
    .filter(({ version }) => version > to)
    .flatMap(({ version }) => tablesBuiltOn(expected, version));
  const there = [];
  for (const table of new Set(['llm_providers', 'llm_models', 'keyward_tokens', ...builtOn]))
    if (await isTableThere(tx, table)) there.push(table);
  await lockTables(tx, there, { mode: 'ACCESS EXCLUSIVE', lockTimeoutMs });
}

async function verifyGone(
  tx: Kysely<Tables>,
  { expected }: KnownMigrations,
  migrations: readonly Migration[],
  to: string,
): Promise<void> {
  const found = await readFacts(tx, tablesOf(expected));
  const before = factsUpTo(expected, to);
  const leftovers = migrations
    .flatMap(({ version }) => [...factsOf(expected, version).keys()])
    .filter((name) => !before.has(name) && found.has(name))
    .map((name) => ({ name, expected: null, found: found.get(name) ?? null }));
  const differences = [...leftovers, ...compareFacts(changedFacts(before, migrations, expected), found)];
  if (differences.length === 0) return;
  throw new MigrationFailure(
    `The verification of the rollback failed, so nothing was changed. ${differences.map(describeDifference).join('; ')}.`,
    'verificationFailed',
  );
}

/** The facts that the migrations had changed rather than added: they must be as they were. */
function changedFacts(
  before: ReadonlyMap<string, string>,
  migrations: readonly Migration[],
  expected: KnownMigrations['expected'],
): ReadonlyMap<string, string> {
  const names = new Set(migrations.flatMap(({ version }) => Object.keys(expected[version] ?? {})));
  return new Map([...before].filter(([name]) => names.has(name)));
}
