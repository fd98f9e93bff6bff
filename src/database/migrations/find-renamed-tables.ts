/**
 * Tables of Keyward's kind that go by another name. Keyward's SQL and every program that shares the tables
 * call them by their names, so such a table cannot be used; but it must not get an empty twin beside it either.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../tables.ts';
import type { Facts } from './catalogue.ts';
import { kindsOf } from './recognise-tables.ts';

export interface RenamedTable {
  readonly table: string;
  /** The name by which Keyward would know it. */
  readonly like: string;
}

/**
 * @param own the facts of the tables that are looked for
 * @param missing which of them are not there under their names
 */
export async function findRenamedTables(
  db: Kysely<Tables>,
  own: Facts,
  missing: readonly string[],
): Promise<RenamedTable[]> {
  if (missing.length === 0) return [];
  const kinds = kindsOf(own);
  const known = [...kinds.keys()].flatMap((name) => /^table (.*)$/.exec(name)?.[1] ?? []);
  const { rows } = await sql<{ relname: string; attname: string; type: string }>`
    SELECT relname, attname, format_type(atttypid, atttypmod) AS type
      FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
     WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND relname <> ALL (${known})`.execute(
    db,
  );
  const others = [...new Set(rows.map(({ relname }) => relname))].toSorted();
  const found = kindsOf(
    new Map(rows.map(({ relname, attname, type }) => [`column ${relname}.${attname}`, `${type} null`])),
  );
  return missing.flatMap((like) => {
    const columns = [...kinds].filter(([name]) => name.startsWith(`column ${like}.`));
    return others
      .filter((table) =>
        columns.every(([name, kind]) => found.get(name.replace(` ${like}.`, ` ${table}.`)) === kind),
      )
      .map((table) => ({ table, like }));
  });
}
