/** How many stored tokens each key of the ring opens, column by column: every token is tried, no mark is believed. */
import { sql, type Kysely } from 'kysely';
import type { KeyRing } from '../../crypto/key-ring.ts';
import type { EncryptedColumn } from '../../database/encrypted-columns.ts';
import type { Tables } from '../../database/tables.ts';
import { countRows, readEncryptedPage, type EncryptedRow } from './read-encrypted.ts';
import { presentColumns } from './reencrypt.ts';

export interface ColumnCount {
  readonly table: string;
  /** Rows by the id of the key that opens them. */
  readonly byKey: ReadonlyMap<string, number>;
  /** Rows that none opens, each named. */
  readonly unreadable: readonly string[];
}

interface NamedRow extends EncryptedRow {
  readonly name: string;
}

const pageRows = 5_000;

/** @param columns all that are there where absent */
export async function countEncrypted(
  db: Kysely<Tables>,
  ring: KeyRing,
  columns?: readonly EncryptedColumn[],
): Promise<ColumnCount[]> {
  const counts: ColumnCount[] = [];
  for (const column of columns ?? (await presentColumns(db)))
    counts.push(await countColumn(db, ring, column));
  return counts;
}

/** How many rows hold a token, readable or not: far quicker, since none is tried. */
export async function countStored(db: Kysely<Tables>): Promise<number> {
  let rows = 0;
  for (const column of await presentColumns(db)) rows += await countRows(db, column);
  return rows;
}

/** Of all columns together. */
export function rowsByKey(counts: readonly ColumnCount[]): Map<string, number> {
  const rows = new Map<string, number>();
  for (const { byKey } of counts) for (const [id, count] of byKey) rows.set(id, (rows.get(id) ?? 0) + count);
  return rows;
}

async function countColumn(db: Kysely<Tables>, ring: KeyRing, column: EncryptedColumn): Promise<ColumnCount> {
  const { table, id } = column;
  const byKey = new Map<string, number>();
  const unreadable: string[] = [];
  const names = table === 'llm_providers' ? ['provider_slug'] : id.map(([name]) => name);
  const select = sql`concat_ws(' ', ${sql.join(names.map((name) => sql.ref(`t.${name}`)))}) AS name`;
  let after: readonly unknown[] | null = null;
  for (;;) {
    const page: NamedRow[] = await readEncryptedPage(db, column, { after, limit: pageRows, select });
    const last = page.at(-1);
    if (last === undefined) return { table, byKey, unreadable };
    after = last.id;
    for (const { name, token } of page) {
      const keyId = ring.keyIdFor(token);
      if (keyId === undefined) unreadable.push(`${table} ${name}`);
      else byKey.set(keyId, (byKey.get(keyId) ?? 0) + 1);
    }
  }
}
