/**
 * The database's own account of its tables for people: every table of the current schema with columns,
 * comments, indexes, constraints and triggers, in the order in which they were made. Only reads.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../src/database/tables.ts';

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly isNullable: boolean;
  readonly defaultText: string | null;
  /** Made from other columns: what stands as its default is how. */
  readonly isGenerated: boolean;
  readonly comment: string | null;
}

/** An index, a constraint or a trigger: its name, and how PostgreSQL writes the rest. */
export interface Part {
  readonly name: string;
  readonly definition: string;
}

export interface Table {
  readonly name: string;
  readonly comment: string | null;
  readonly columns: readonly Column[];
  /** Those of constraints are left out: they bear the constraint's name. */
  readonly indexes: readonly Part[];
  readonly constraints: readonly Part[];
  readonly triggers: readonly Part[];
  /** `table.column` that refer to this table. */
  readonly referredToBy: readonly string[];
}

export interface Schema {
  readonly tables: readonly Table[];
  readonly functions: readonly { readonly name: string; readonly comment: string | null }[];
}

export async function readSchema(db: Kysely<Tables>): Promise<Schema> {
  const { rows } = await sql<{ oid: number; name: string; comment: string | null }>`
    SELECT oid::int, relname AS name, obj_description(oid, 'pg_class') AS comment FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') ORDER BY pg_class.oid`.execute(
    db,
  );
  const tables: Table[] = [];
  for (const { oid, name, comment } of rows) {
    tables.push({
      name,
      comment,
      columns: await readColumns(db, oid),
      indexes: await readIndexes(db, oid),
      constraints: await readConstraints(db, oid),
      triggers: await readTriggers(db, oid),
      referredToBy: await readReferences(db, oid),
    });
  }
  return { tables, functions: await readFunctions(db) };
}

async function readColumns(db: Kysely<Tables>, table: number): Promise<Column[]> {
  const { rows } = await sql<Column>`
    SELECT attname AS name, format_type(atttypid, atttypmod) AS type, NOT attnotnull AS "isNullable",
           pg_get_expr(adbin, adrelid, true) AS "defaultText", attgenerated <> '' AS "isGenerated", col_description(attrelid, attnum) AS comment
      FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE attrelid = ${table} AND attnum > 0 AND NOT attisdropped ORDER BY attnum`.execute(db);
  return rows;
}

async function readIndexes(db: Kysely<Tables>, table: number): Promise<Part[]> {
  const { rows } = await sql<Part>`
    SELECT relname AS name,
           concat_ws(' ', CASE WHEN indisunique THEN 'unique' END,
                     substring(pg_get_indexdef(indexrelid, 0, true) FROM ' USING (.*)$')) AS definition
      FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
     WHERE indrelid = ${table} AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
     ORDER BY indexrelid`.execute(db);
  return rows;
}

async function readConstraints(db: Kysely<Tables>, table: number): Promise<Part[]> {
  const { rows } = await sql<Part>`
    SELECT conname AS name, pg_get_constraintdef(oid, true) AS definition FROM pg_constraint
     WHERE conrelid = ${table} AND contype IN ('p', 'u', 'f', 'c', 'x')
     ORDER BY position(contype::text IN 'pufcx'), conname`.execute(db);
  return rows;
}

async function readTriggers(db: Kysely<Tables>, table: number): Promise<Part[]> {
  const { rows } = await sql<Part>`
    SELECT tgname AS name,
           regexp_replace(substring(pg_get_triggerdef(oid, true) FROM 'TRIGGER \\S+ (.*)$'), ' ON \\S+ ', ' ') AS definition
      FROM pg_trigger WHERE tgrelid = ${table} AND NOT tgisinternal ORDER BY tgname`.execute(db);
  return rows;
}

async function readReferences(db: Kysely<Tables>, table: number): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT format('%s.%s', relname, attname) AS name
      FROM pg_constraint JOIN pg_class c ON c.oid = conrelid
      JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)
     WHERE contype = 'f' AND confrelid = ${table} ORDER BY c.oid, attnum`.execute(db);
  return rows.map(({ name }) => name);
}

async function readFunctions(db: Kysely<Tables>): Promise<Schema['functions']> {
  const { rows } = await sql<{ name: string; comment: string | null }>`
    SELECT proname AS name, obj_description(oid, 'pg_proc') AS comment FROM pg_proc
     WHERE pronamespace = current_schema()::regnamespace ORDER BY proname`.execute(db);
  return rows;
}
