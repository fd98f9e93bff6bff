/**
 * Encrypts one column anew under the active key of the ring, batch by batch, while others read and write it. A
 * row that somebody changed meanwhile is left for the next pass; one that does not decrypt is set aside and
 * stops nothing. A batch stands whole or not at all, so a killed run is simply begun again.
 */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Occasion } from '../../audit/audit-event.ts';
import type { AuditTrail } from '../../audit/audit-trail.ts';
import { encryptionMark } from '../../crypto/encryption-mark.ts';
import { DecryptError } from '../../crypto/fernet.ts';
import type { Fingerprinter } from '../../crypto/fingerprint.ts';
import type { KeyRing } from '../../crypto/key-ring.ts';
import type { EncryptedColumn } from '../../database/encrypted-columns.ts';
import type { Tables } from '../../database/tables.ts';
import { readEncryptedPage, type EncryptedRow } from './read-encrypted.ts';
import { rebind, type BoundRow } from './rebind.ts';

export interface ReencryptParts {
  readonly db: Kysely<Tables>;
  readonly audit: AuditTrail;
  readonly ring: KeyRing;
  readonly fingerprinter: Fingerprinter;
  readonly occasion: Occasion;
}

/** A row that no key of the ring opens. */
export interface SetAside {
  /** `user_api_keys 17` */
  readonly row: string;
  readonly why: string;
}

export interface Batch {
  /** Rows that were looked at. */
  readonly rows: number;
  /** Of these: encrypted anew. */
  readonly reencrypted: number;
  /** Of these: changed by somebody meanwhile, and left for the next pass. */
  readonly passedOver: number;
  readonly setAside: readonly SetAside[];
}

/** Rows that come with one statement, and change with one transaction. */
const batchRows = 1_000;

/** The rows of the column that do not say that the active key encrypted them, a batch at a time. */
export async function* reencryptColumn(
  parts: ReencryptParts,
  column: EncryptedColumn,
): AsyncGenerator<Batch> {
  let reading = readRows(parts, column, null);
  let writing: Promise<Batch> | null = null;
  try {
    for (;;) {
      const rows = await reading;
      const last = rows.at(-1);
      if (last === undefined) break;
      // The database reads on, and writes the batch before, while this one is encrypted here.
      reading = readRows(parts, column, last.id);
      reading.catch(() => undefined);
      const anew = encryptRows(parts, column, rows);
      if (writing !== null) yield await writing;
      writing = writeRows(parts, column, anew);
      writing.catch(() => undefined);
    }
    if (writing !== null) yield await writing;
  } finally {
    // Whoever gets an error hears of it when nothing is under way any more.
    await Promise.allSettled([reading, writing]);
  }
}

type StoredRow = BoundRow & EncryptedRow;

async function readRows(
  { db, ring }: ReencryptParts,
  column: EncryptedColumn,
  after: readonly unknown[] | null,
): Promise<StoredRow[]> {
  const { table, mark, binding } = column;
  const unmarked =
    mark === undefined
      ? sql``
      : sql`AND ${sql.ref(`t.${mark}`)} IS DISTINCT FROM ${markOf(sql.ref(`t.${column.column}`), ring.activeKeyId)}`;
  // The active version of a key equals the stored key, and changes with it.
  const apart = table === 'keyward_key_versions' ? sql`AND t.state <> 'active'` : sql``;
  const page = { after, limit: batchRows, where: sql`${unmarked} ${apart}` };
  if (binding === undefined) {
    const select = sql`NULL AS binding, NULL AS slug, NULL AS base_url`;
    return readEncryptedPage(db, column, { ...page, select });
  }
  const baseUrl = sql.ref(binding.of === 'key' ? 'p.base_url' : 't.base_url');
  return readEncryptedPage(db, column, {
    ...page,
    select: sql`${sql.ref(`t.${binding.column}`)} AS binding, p.provider_slug AS slug, ${baseUrl} AS base_url`,
    join: sql`LEFT JOIN llm_providers AS p ON p.id = ${sql.ref(`t.${binding.provider}`)}`,
  });
}

/** encryptionMark, in SQL. */
function markOf(token: RawBuilder<unknown>, keyId: string): RawBuilder<string> {
  return sql`${keyId} || '.' || left(encode(sha256(convert_to(${token}, 'UTF8')), 'hex'), 16)`;
}

interface NewRow {
  readonly id: readonly unknown[];
  readonly old: string;
  readonly token: string;
  readonly mark: string;
  readonly binding: string | null;
}

interface EncryptedRows {
  readonly rows: number;
  readonly anew: readonly NewRow[];
  readonly setAside: readonly SetAside[];
  readonly activeKeyId: string;
}

function encryptRows(
  { ring }: ReencryptParts,
  column: EncryptedColumn,
  rows: readonly StoredRow[],
): EncryptedRows {
  const { activeKeyId } = ring;
  const setAside: SetAside[] = [];
  const anew: NewRow[] = [];
  for (const row of rows) {
    try {
      const { token } = ring.reencrypt(row.token);
      if (token === row.token && column.mark === undefined) continue;
      const mark = encryptionMark(activeKeyId, token);
      anew.push({ id: row.id, old: row.token, token, mark, binding: rebind(ring, column.binding, row) });
    } catch (error) {
      if (!(error instanceof DecryptError)) throw error;
      setAside.push({ row: `${column.table} ${row.id.join(' ')}`, why: error.message });
    }
  }
  return { rows: rows.length, anew, setAside, activeKeyId };
}

async function writeRows(
  { audit, occasion }: ReencryptParts,
  column: EncryptedColumn,
  { rows, anew, setAside, activeKeyId }: EncryptedRows,
): Promise<Batch> {
  if (anew.length === 0) return { rows, reencrypted: 0, passedOver: 0, setAside };
  const { value } = await audit.change(occasion, async (tx, record) => {
    if (column.setting !== undefined) await sql`SELECT set_config(${column.setting}, 'on', true)`.execute(tx);
    const written = await write(tx, column, anew);
    if (written.reencrypted > 0) {
      record({
        action: 'encryption_ring.reencrypted',
        target: { kind: 'encryption_ring', id: activeKeyId },
        after: { table: column.table, rows: written.reencrypted },
      });
    }
    return written;
  });
  const passedOver = anew.length - value.rows;
  return { rows, reencrypted: value.reencrypted, passedOver, setAside };
}

/** @returns how many rows still held the token that was read, and how many of these were encrypted anew */
async function write(
  tx: Kysely<Tables>,
  { table, column, id, mark, binding }: EncryptedColumn,
  rows: readonly NewRow[],
): Promise<{ rows: number; reencrypted: number }> {
  const sets = [
    sql`${sql.ref(column)} = v.token`,
    ...(mark === undefined ? [] : [sql`${sql.ref(mark)} = v.mark`]),
    ...(binding === undefined ? [] : [sql`${sql.ref(binding.column)} = v.binding`]),
  ];
  const idNames = id.map((_, index) => sql.ref(`id${index}`));
  const ids = id.map(([, type], index) => sql`${rows.map((row) => row.id[index])}::${sql.raw(type)}[]`);
  const same = id.map(([name], index) => sql`t.${sql.ref(name)} = v.${sql.ref(`id${index}`)}`);
  const { rows: counted } = await sql<{ rows: number; reencrypted: number }>`
    WITH written AS (UPDATE ${sql.table(table)} AS t SET ${sql.join(sets)}
      FROM unnest(${sql.join(ids)}, ${rows.map(({ old }) => old)}::text[], ${rows.map((row) => row.token)}::text[],
                  ${rows.map((row) => row.mark)}::text[], ${rows.map((row) => row.binding)}::text[])
           AS v (${sql.join(idNames)}, old, token, mark, binding)
     WHERE ${sql.join(same, sql` AND `)} AND t.${sql.ref(column)} = v.old
     RETURNING v.old <> v.token AS is_new)
    SELECT count(*)::integer AS rows, count(*) FILTER (WHERE is_new)::integer AS reencrypted FROM written`.execute(
    tx,
  );
  return counted[0] ?? { rows: 0, reencrypted: 0 };
}
