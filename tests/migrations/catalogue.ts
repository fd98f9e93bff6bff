/** What a migration can change of a database, read from PostgreSQL's catalogue as plain text to compare. */
import { readFileSync } from 'node:fs';
import { readMigrations, withoutFrame } from '../../src/database/migrations/migration-files.ts';
import type { RawClient } from '../support/engines.ts';

/** Name of an object to its definition. */
export type Definitions = Readonly<Record<string, string>>;

export interface Catalogue {
  /** By table.column: type, NOT NULL, DEFAULT. */
  readonly columns: Definitions;
  /** By index: what follows its table's name in CREATE INDEX, led by UNIQUE where it is. */
  readonly indexes: Definitions;
  /** By table and constraint. */
  readonly constraints: Definitions;
  readonly triggers: Definitions;
  readonly functions: Definitions;
  /** By table or table.column. */
  readonly comments: Definitions;
}

/** The statements of a file in migrations/, for a test that may see them fail: without a transaction of their own. */
export function migration(name: string): string {
  return withoutFrame(readFileSync(new URL(`../../migrations/${name}.sql`, import.meta.url), 'utf8'));
}

/** Runs the files of all migrations up to this version, as psql would. */
export async function applyUpTo(client: RawClient, newest: string): Promise<void> {
  for (const { version, sql } of readMigrations()) if (version <= newest) await client.exec(sql);
}

/** Reads the current schema. */
export async function readCatalogue(client: RawClient): Promise<Catalogue> {
  const read = async (query: string): Promise<Definitions> => {
    const rows = (await client.query(query)) as { name: string; definition: string }[];
    return Object.fromEntries(rows.map(({ name, definition }) => [name, definition]));
  };
  const [columns, indexes, constraints, triggers, functions, comments] = [
    await read(`
      SELECT relname || '.' || attname AS name, concat_ws(' ', format_type(atttypid, atttypmod),
        CASE WHEN attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(adbin, adrelid)) AS definition
      FROM pg_attribute
      JOIN pg_class ON pg_class.oid = attrelid AND relkind = 'r' AND relnamespace = current_schema()::regnamespace
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
      WHERE attnum > 0 AND NOT attisdropped ORDER BY relname, attnum`),
    await read(`
      SELECT indexname AS name,
        CASE WHEN indexdef LIKE 'CREATE UNIQUE%' THEN 'UNIQUE ' ELSE '' END || substring(indexdef FROM 'ON .*') AS definition
      FROM pg_indexes WHERE schemaname = current_schema() ORDER BY indexname`),
    await read(`
      SELECT conrelid::regclass || ' ' || conname AS name, pg_get_constraintdef(oid) AS definition
      FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND contype <> 'n' ORDER BY 1`),
    await read(`
      SELECT tgrelid::regclass || ' ' || tgname AS name, pg_get_triggerdef(pg_trigger.oid) AS definition
      FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
      WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace ORDER BY 1`),
    await read(`
      SELECT proname AS name, prosrc AS definition FROM pg_proc
      WHERE pronamespace = current_schema()::regnamespace ORDER BY 1`),
    await read(`
      SELECT concat_ws('.', relname, attname) AS name, description AS definition
      FROM pg_description
      JOIN pg_class ON pg_class.oid = objoid AND classoid = 'pg_class'::regclass
        AND relnamespace = current_schema()::regnamespace
      LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid AND objsubid > 0 ORDER BY 1`),
  ];
  return { columns, indexes, constraints, triggers, functions, comments };
}

/** The columns of one table, by their bare names. */
export function columnsOf(catalogue: Catalogue, table: string): Definitions {
  const entries = Object.entries(catalogue.columns).filter(([name]) => name.startsWith(`${table}.`));
  return Object.fromEntries(entries.map(([name, definition]) => [name.slice(table.length + 1), definition]));
}
