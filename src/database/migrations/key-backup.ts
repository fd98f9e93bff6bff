/**
 * What a rollback of 002 saves and a later apply brings back: the system keys, still encrypted, in a table
 * of the database and in a file beside it. A row counts as restored only when it reads back the same.
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql, type Kysely } from 'kysely';
import { messageOf } from '../../foundation/errors.ts';
import type { Tables } from '../tables.ts';
import { isTableThere } from './catalogue.ts';
import { failureOf, MigrationFailure } from './migration-failure.ts';
import { lockRunners } from './lock-runners.ts';
import { retryLocked } from './runner-lock.ts';

export const backupTable = 'llm_providers_system_keys_backup_002';

/** Where the rollback of 007 keeps settings of providers, and the bindings of keys until they are back. */
export const settingsTable = 'llm_providers_settings_backup_007';

/** A system key as a row of llm_providers holds it; times as text, UTC. */
export interface SavedKey {
  readonly provider_slug: string;
  readonly encrypted_api_key: string;
  readonly api_key_source: string | null;
  readonly api_key_updated_at: string | null;
  readonly api_key_last_tested: string | null;
  readonly api_key_test_status: string | null;
}

/** With what migration 007 added to its row, where that is applied. */
export interface BoundKey extends SavedKey {
  readonly api_key_binding?: string | null;
  readonly allow_private_network?: boolean;
  readonly request_headers?: Readonly<Record<string, string>> | null;
}

export interface BackupFile {
  readonly path: string;
  readonly count: number;
  /** SHA-256 of the keys as the file holds them, in hex. */
  readonly checksum: string;
}

/** The keys in llm_providers now; none where the column is not there. A half-applied state lacks some of the others. */
export async function readSystemKeys(db: Kysely<Tables>): Promise<BoundKey[]> {
  if (!(await hasColumn(db, 'encrypted_api_key'))) return [];
  const { rows } = await sql<{ fields: Partial<BoundKey> }>`
    SELECT to_jsonb(p) AS fields FROM llm_providers p
     WHERE encrypted_api_key IS NOT NULL ORDER BY provider_slug`.execute(db);
  return rows.map(({ fields }) => ({
    provider_slug: fields.provider_slug ?? '',
    encrypted_api_key: fields.encrypted_api_key ?? '',
    api_key_source: fields.api_key_source ?? null,
    api_key_updated_at: fields.api_key_updated_at ?? null,
    api_key_last_tested: fields.api_key_last_tested ?? null,
    api_key_test_status: fields.api_key_test_status ?? null,
    ...added(fields),
  }));
}

function added({
  api_key_binding,
  allow_private_network,
  request_headers,
}: Partial<BoundKey>): Partial<BoundKey> {
  return {
    ...(api_key_binding !== undefined && { api_key_binding }),
    ...(allow_private_network !== undefined && { allow_private_network }),
    ...(request_headers !== undefined && { request_headers }),
  };
}

/**
 * Writes a new file of mode 0600, on the disk when this returns.
 * @throws MigrationFailure when it cannot be written
 */
export function writeBackupFile(directory: string, keys: readonly BoundKey[]): BackupFile {
  const madeAt = new Date().toISOString();
  const path = join(directory, `system-keys-${madeAt.replaceAll(/[:.]/g, '-')}.json`);
  const checksum = createHash('sha256').update(JSON.stringify(keys)).digest('hex');
  const content = {
    what: 'Keyward system keys, encrypted',
    made_at: madeAt,
    count: keys.length,
    checksum,
    keys,
  };
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const file = openSync(path, 'wx', 0o600);
    try {
      writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new MigrationFailure(
      `The backup of the keys cannot be written to ${path}: ${messageOf(error)}. Nothing was changed.`,
      'failed',
      error,
    );
  }
  return { path, count: keys.length, checksum };
}

/** The newest saved key of each provider; empty where there is no backup table. Ask under the runners' lock. */
async function readBackupTable(db: Kysely<Tables>): Promise<SavedKey[]> {
  if (!(await isTableThere(db, backupTable))) return [];
  const { rows } = await sql<SavedKey>`
    SELECT DISTINCT ON (provider_slug) provider_slug, encrypted_api_key, api_key_source,
           api_key_updated_at::text, api_key_last_tested::text, api_key_test_status
      FROM ${sql.table(backupTable)} ORDER BY provider_slug, backed_up_at DESC`.execute(db);
  return rows;
}

export interface SavedProviders {
  /** Their keys could be put back now. */
  readonly restorable: readonly string[];
  /** Have a newer key, or are no longer there: what the backup holds of them stays there. */
  readonly superseded: readonly string[];
}

/** Whose keys the backup holds; nobody's before 002, when there is nowhere to put them. */
export async function savedProviders(db: Kysely<Tables>, lockTimeoutMs: number): Promise<SavedProviders> {
  return db.transaction().execute(async (tx) => {
    await lockRunners(tx, lockTimeoutMs);
    if (!(await hasColumn(tx, 'encrypted_api_key'))) return { restorable: [], superseded: [] };
    const saved = (await readBackupTable(tx)).map(({ provider_slug }) => provider_slug);
    const { rows } = await sql<{ slug: string }>`
      SELECT provider_slug AS slug FROM llm_providers
       WHERE encrypted_api_key IS NULL AND provider_slug = ANY (${saved})`.execute(tx);
    const free = new Set(rows.map(({ slug }) => slug));
    return {
      restorable: saved.filter((slug) => free.has(slug)),
      superseded: saved.filter((slug) => !free.has(slug)),
    };
  });
}

/** Takes away the file of a rollback that did not happen. */
export function removeBackupFile({ path }: BackupFile): void {
  rmSync(path, { force: true });
}

/** Whether llm_providers has got the column by now, or still. */
async function hasColumn(
  db: Kysely<Tables>,
  column: 'encrypted_api_key' | 'api_key_binding',
): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
     WHERE relname = 'llm_providers' AND relnamespace = current_schema()::regnamespace
       AND attname = ${column} AND NOT attisdropped`.execute(db);
  return rows.length > 0;
}

export interface Restored {
  readonly restored: readonly string[];
  /** Have a key of their own by now, or are no longer there; their backup stays. */
  readonly left: readonly string[];
}

/**
 * Puts the saved keys back where no key is, reads each back, and takes what is restored out of the backup.
 * @throws MigrationFailure when a row does not read back as it was saved; then nothing was changed
 */
export async function restoreSystemKeys(
  db: Kysely<Tables>,
  { lockTimeoutMs, onWaiting }: { lockTimeoutMs: number; onWaiting: (message: string) => void },
): Promise<Restored> {
  const what = 'Restoring the saved keys';
  try {
    return await retryLocked({ what, aftermath: 'No key was restored.', onRetry: onWaiting }, async () =>
      db.transaction().execute(async (tx) => {
        await lockRunners(tx, lockTimeoutMs, { onWaiting });
        return restoreAll(tx);
      }),
    );
  } catch (error) {
    throw failureOf(what, error);
  }
}

async function restoreAll(tx: Kysely<Tables>): Promise<Restored> {
  const restored: string[] = [];
  const left: string[] = [];
  const saved = await readBackupTable(tx);
  // Another runner may have restored them while this one waited for its turn.
  if (saved.length === 0) return { restored, left };
  for (const key of saved) {
    const names = (await restoreOne(tx, key)) ? restored : left;
    names.push(key.provider_slug);
  }
  await verifyRestored(
    tx,
    saved.filter(({ provider_slug }) => restored.includes(provider_slug)),
  );
  await restoreBindings(tx);
  await sql`DELETE FROM ${sql.table(backupTable)} WHERE provider_slug = ANY (${restored})`.execute(tx);
  if (left.length === 0) await sql`DROP TABLE ${sql.table(backupTable)}`.execute(tx);
  return { restored, left };
}

async function restoreOne(tx: Kysely<Tables>, key: SavedKey): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE llm_providers SET
      encrypted_api_key = ${key.encrypted_api_key}, api_key_source = coalesce(${key.api_key_source}, api_key_source)
     WHERE provider_slug = ${key.provider_slug} AND encrypted_api_key IS NULL`.execute(tx);
  if (numAffectedRows !== 1n) return false;
  // On their own, because a key that is replaced without a word about its tests loses the old ones' results.
  await sql`
    UPDATE llm_providers SET api_key_updated_at = ${key.api_key_updated_at}::timestamp,
      api_key_last_tested = ${key.api_key_last_tested}::timestamp, api_key_test_status = ${key.api_key_test_status}
     WHERE provider_slug = ${key.provider_slug}`.execute(tx);
  return true;
}

/**
 * Gives keys that are back the bindings that a rollback of 007 saved: each belongs to one key, by its hash, and
 * goes to no other. On their own, because a key that is replaced loses the old one's binding.
 */
async function restoreBindings(tx: Kysely<Tables>): Promise<void> {
  // Before 007 there is nowhere to put them: it does this itself when it is applied.
  if (!(await isTableThere(tx, settingsTable)) || !(await hasColumn(tx, 'api_key_binding'))) return;
  const saved = sql.table(settingsTable);
  const isItsKey = sql`b.provider_slug = p.provider_slug
    AND b.key_hash = encode(sha256(convert_to(p.encrypted_api_key, 'UTF8')), 'hex')`;
  await sql`UPDATE llm_providers AS p SET api_key_binding = b.api_key_binding FROM ${saved} AS b WHERE ${isItsKey}`.execute(
    tx,
  );
  const { rows: wrong } = await sql<{ slug: string }>`
    SELECT p.provider_slug AS slug FROM llm_providers AS p JOIN ${saved} AS b ON ${isItsKey}
     WHERE p.api_key_binding IS DISTINCT FROM b.api_key_binding ORDER BY 1`.execute(tx);
  if (wrong.length > 0)
    throw notAsSaved(
      'binding',
      wrong.map(({ slug }) => slug),
    );
  await sql`DELETE FROM ${saved} AS b USING llm_providers AS p WHERE ${isItsKey}`.execute(tx);
  const { rows: waiting } = await sql`SELECT FROM ${saved} LIMIT 1`.execute(tx);
  if (waiting.length === 0) await sql`DROP TABLE ${saved}`.execute(tx);
}

/** What reads back must be what was saved, in every field. */
async function verifyRestored(tx: Kysely<Tables>, wanted: readonly SavedKey[]): Promise<void> {
  const found = new Map((await readSystemKeys(tx)).map((key) => [key.provider_slug, key]));
  const wrong = wanted.filter((key) => !isSame(key, found.get(key.provider_slug)));
  if (wrong.length > 0)
    throw notAsSaved(
      'key',
      wrong.map(({ provider_slug }) => provider_slug),
    );
}

function notAsSaved(what: 'key' | 'binding', slugs: readonly string[]): MigrationFailure {
  return new MigrationFailure(
    `The ${what} of ${slugs.join(', ')} does not read back as it was saved. Nothing was restored; the backup is untouched.`,
    'verificationFailed',
  );
}

function isSame(saved: SavedKey, found: SavedKey | undefined): boolean {
  if (found === undefined) return false;
  // A half-applied state had no source to save.
  const source = saved.api_key_source ?? found.api_key_source;
  return (
    found.encrypted_api_key === saved.encrypted_api_key &&
    found.api_key_source === source &&
    found.api_key_test_status === saved.api_key_test_status &&
    sameTime(found.api_key_updated_at, saved.api_key_updated_at) &&
    sameTime(found.api_key_last_tested, saved.api_key_last_tested)
  );
}

/** JSON has a T where text has a blank. */
function sameTime(one: string | null, other: string | null): boolean {
  return one?.replace('T', ' ') === other?.replace('T', ' ');
}
