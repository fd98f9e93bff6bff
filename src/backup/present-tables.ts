/** Which tables there are in the current schema, and with which columns and types. Only reads. */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { archivedTables, leftOutTables } from './archived-tables.ts';

/** By table, the names of its columns. */
export async function presentColumns(tx: Kysely<Tables>): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await sql<{ table: string; columns: string[] }>`
    SELECT relname AS table, json_agg(attname::text ORDER BY attnum) AS columns
      FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
     WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
     GROUP BY relname`.execute(tx);
  return new Map(rows.map(({ table, columns }) => [table, columns]));
}

/** By column, the type by which a text becomes its value; without a width, which would cut instead of refuse. */
export async function columnTypes(tx: Kysely<Tables>, table: string): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ name: string; type: string }>`
    SELECT attname AS name, format_type(atttypid, -1) AS type
      FROM pg_attribute
     WHERE attrelid = to_regclass(quote_ident(${table})) AND attnum > 0 AND NOT attisdropped`.execute(tx);
  return new Map(rows.map(({ name, type }) => [name, type]));
}

/** How names begin that are ours, also of what a rollback keeps under another name. */
const ours = /^(?:keyward_|llm_providers_.*backup)/;

/** Of these names: tables in which a rollback keeps what nobody could enter again. */
export function keptByRollbacks(present: readonly string[]): string[] {
  const known = new Set(archivedTables.map(({ table }) => table));
  return present.filter((name) => ours.test(name) && !known.has(name) && !Object.hasOwn(leftOutTables, name));
}
