/**
 * Makes an archive: one consistent read of the database, written to a file that appears when it is whole. What it
 * takes to restore it is found out before anything is written, by trying every stored token.
 */
import { randomBytes } from 'node:crypto';
import { sql, type Kysely } from 'kysely';
import { readAuditKeyToken } from '../audit/audit-key.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import { encryptedColumns } from '../database/encrypted-columns.ts';
import type { KnownMigrations } from '../database/migrations/assess.ts';
import { newerVersions } from '../database/migrations/assess.ts';
import { readLedger } from '../database/migrations/ledger.ts';
import { refuseAmbiguousSchema } from '../database/migrations/refuse-ambiguous-schema.ts';
import type { Tables } from '../database/tables.ts';
import type { Clock } from '../foundation/clock.ts';
import { UsageError } from '../foundation/errors.ts';
import { version } from '../foundation/version.ts';
import { countEncrypted, rowsByKey } from '../keys/reencryption/count-encrypted.ts';
import type { RowBatch } from './archive-contents.ts';
import type { ArchiveHeader } from './archive-header.ts';
import { placeFile, refuseTaken, type PlaceOptions } from './place-file.ts';
import { readRows, setTextForms, tablesToRead, type TablesToRead } from './read-tables.ts';
import { archiveBytes } from './write-archive.ts';

/** Before it there is no table of the encryption keys; then a restore could not tell what it needs. */
const oldestSchema = '009';

export interface BackupParts {
  readonly db: Kysely<Tables>;
  readonly ring: KeyRing;
  readonly known: KnownMigrations;
  readonly clock: Clock;
}

export interface BackupOptions extends PlaceOptions {
  readonly path: string;
  readonly withUsage: boolean;
  /** Told after each batch. */
  readonly onProgress: (progress: {
    readonly table: string;
    readonly rows: number;
    readonly of: number;
  }) => void;
}

export interface MadeBackup {
  readonly header: ArchiveHeader;
  /** SHA-256 in hex. */
  readonly checksum: string;
}

/** @throws UsageError that says what to do; then there is no file */
export async function makeBackup(parts: BackupParts, options: BackupOptions): Promise<MadeBackup> {
  await refuseTaken(options.path, options);
  return parts.db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      await refuseAmbiguousSchema(tx);
      const schemaVersion = await schemaOf(tx, parts.known);
      await setTextForms(tx);
      const wanted = await tablesToRead(tx, parts.known.expected, {
        version: schemaVersion,
        withUsage: options.withUsage,
      });
      const header = await headerOf(tx, parts, schemaVersion, wanted);
      const batches = told(readRows(tx, wanted), header, options.onProgress);
      const checksum = await placeFile(options.path, archiveBytes(parts.ring, header, batches), options);
      return { header, checksum };
    });
}

/** @throws UsageError where the database is at no version that can be backed up */
async function schemaOf(tx: Kysely<Tables>, known: KnownMigrations): Promise<string> {
  const ledger = await readLedger(tx);
  const newer = newerVersions(ledger, known);
  if (newer.length > 0) {
    throw new UsageError(
      `A newer Keyward applied ${newer.join(', ')} to this database, and this one does not know what is in it. Back it up with the newer version.`,
    );
  }
  const newest = [...ledger.keys()].toSorted().at(-1);
  if (newest !== undefined && newest >= oldestSchema) return newest;
  throw new UsageError(
    newest === undefined
      ? 'There is nothing to back up: Keyward has applied no migration to this database.'
      : `The database is at migration ${newest}, and a backup needs ${oldestSchema}. Copy it with pg_dump, then bring it up with: keyward migrate`,
    { exitCode: 3 },
  );
}

async function headerOf(
  tx: Kysely<Tables>,
  { ring, clock }: BackupParts,
  schemaVersion: string,
  { tables, leftOut }: TablesToRead,
): Promise<ArchiveHeader> {
  await refuseWrongRing(tx, ring);
  const names = new Set(tables.map(({ section }) => section.table));
  const columns = encryptedColumns.filter(({ table }) => names.has(table));
  const counts = await countEncrypted(tx, ring, columns);
  return {
    made_at: clock.now().toISOString(),
    keyward_version: version,
    schema_version: schemaVersion,
    encrypted_under: ring.activeKeyId,
    salt: randomBytes(32).toString('hex'),
    keys: Array.from(rowsByKey(counts), ([id, tokens]) => ({ id, tokens })),
    unreadable_tokens: counts.reduce((sum, { unreadable }) => sum + unreadable.length, 0),
    tables: Object.fromEntries(tables.map(({ section, rows }) => [section.table, rows])),
    left_out: [...leftOut],
  };
}

/**
 * With another ring than the installation's the archive could never be restored: the restore is an event of the
 * trail, and the trail goes on under its own key.
 */
async function refuseWrongRing(tx: Kysely<Tables>, ring: KeyRing): Promise<void> {
  const token = await readAuditKeyToken(tx);
  if (token === undefined || ring.keyIdFor(token) !== undefined) return;
  const { rows } = await sql<{ ids: string | null }>`
    SELECT string_agg(key_id, ', ' ORDER BY first_used_at) AS ids FROM keyward_encryption_keys WHERE retired_at IS NULL`.execute(
    tx,
  );
  const inUse = rows[0]?.ids ?? null;
  throw new UsageError(
    `The encryption key ring here holds ${ring.keyIds.join(', ')}, and the key of the audit trail does not open with it: an archive could not be restored. Use the ring of the servers${inUse === null ? '' : ` (in use: ${inUse})`}. If that key is lost for good, see docs/audit.md first.`,
  );
}

async function* told(
  batches: AsyncIterable<RowBatch>,
  { tables }: ArchiveHeader,
  onProgress: BackupOptions['onProgress'],
): AsyncGenerator<RowBatch> {
  const of = Object.values(tables).reduce((sum, rows) => sum + rows, 0);
  let rows = 0;
  for await (const batch of batches) {
    yield batch;
    rows += batch.rows.length;
    onProgress({ table: batch.section.table, rows, of });
  }
}
