/** Reads the tokens of a registered column page by page, in the order of the rows' ids. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { EncryptedColumn } from '../../database/encrypted-columns.ts';
import type { Tables } from '../../database/tables.ts';

export interface EncryptedRow {
  readonly id: readonly unknown[];
  readonly token: string;
}

export interface Page {
  /** The id of the last row of the page before; null for the first page. */
  readonly after: readonly unknown[] | null;
  readonly limit: number;
  /** What is read beside id and token; the table is `t`. */
  readonly select: RawBuilder<unknown>;
  readonly join?: RawBuilder<unknown>;
  /** Begins with AND. */
  readonly where?: RawBuilder<unknown>;
}

export async function readEncryptedPage<Row extends EncryptedRow>(
  db: Kysely<Tables>,
  { table, column, id, only }: EncryptedColumn,
  { after, limit, select, join = sql``, where = sql`` }: Page,
): Promise<Row[]> {
  const token = sql.ref(`t.${column}`);
  const ids = sql.join(id.map(([name]) => sql.ref(`t.${name}`)));
  const held = only === undefined ? sql`` : sql`AND ${sql.raw(only)}`;
  const further =
    after === null ? sql`` : sql`AND (${ids}) > (${sql.join(after.map((value) => sql`${value}`))})`;
  const { rows } = await sql<Row>`
    SELECT jsonb_build_array(${ids}) AS id, ${token} AS token, ${select}
      FROM ${sql.table(table)} AS t ${join}
     WHERE ${token} <> '' ${held} ${where} ${further}
     ORDER BY ${ids} LIMIT ${sql.lit(limit)}`.execute(db);
  return rows;
}

/** How many rows hold a token. */
export async function countRows(
  db: Kysely<Tables>,
  { table, column, only }: EncryptedColumn,
): Promise<number> {
  const held = only === undefined ? sql`` : sql`AND ${sql.raw(only)}`;
  const { rows } = await sql<{ rows: number }>`
    SELECT count(*)::integer AS rows FROM ${sql.table(table)} WHERE ${sql.ref(column)} <> '' ${held}`.execute(
    db,
  );
  return rows[0]?.rows ?? 0;
}
