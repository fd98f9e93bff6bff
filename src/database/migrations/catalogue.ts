/**
 * The database's own account of our tables, as facts that can be compared: a name and a shape each, in
 * words that are the same on PostgreSQL 14 to 18 and on the embedded engine. Only reads.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../tables.ts';

/**
 * `column llm_providers.id` → `integer not null default nextval(…)`; likewise tables, comments, indexes,
 * constraints, triggers, functions. A constraint that is NOT VALID has the same fact as one that is valid, since
 * it guards the same writes; beside it stands `validation of constraint …` → `pending`, which nobody expects.
 */
export type Facts = ReadonlyMap<string, string>;

const casts = '::(character varying|text)(\\[\\])?';

/**
 * Reads the facts of these tables in the current schema, and of the functions that begin with `keyward_`.
 * A table that is not there has none. Constraints and triggers are told without casts between kinds of text: they
 * depend on whether a column has a width, and a dump that is restored has them in other places.
 */
export async function readFacts(db: Kysely<Tables>, tables: readonly string[]): Promise<Facts> {
  const { rows } = await sql<{ name: string; shape: string }>`
    WITH ours AS (
      SELECT c.oid, c.relname FROM pg_class c
       WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
         AND c.relname = ANY (${tables})
    )
    SELECT 'table ' || relname AS name, 'there' AS shape FROM ours
    UNION ALL
    SELECT format('column %s.%s', relname, attname),
           concat_ws(' ', format_type(atttypid, atttypmod),
                     CASE WHEN attnotnull THEN 'not null' ELSE 'null' END,
                     CASE WHEN EXISTS (SELECT FROM pg_constraint WHERE conrelid = ours.oid AND contype = 'n'
                       AND NOT convalidated AND conkey = ARRAY[attnum]) THEN 'not valid' END,
                     CASE attgenerated WHEN '' THEN 'default ' ELSE 'generated as ' END || pg_get_expr(adbin, adrelid))
      FROM ours JOIN pg_attribute ON attrelid = ours.oid AND attnum > 0 AND NOT attisdropped
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    UNION ALL
    SELECT format('comment on table %s', relname), description
      FROM ours JOIN pg_description ON objoid = ours.oid AND classoid = 'pg_class'::regclass AND objsubid = 0
    UNION ALL
    SELECT format('comment on column %s.%s', relname, attname), description
      FROM ours JOIN pg_attribute ON attrelid = ours.oid AND NOT attisdropped
      JOIN pg_description ON objoid = ours.oid AND classoid = 'pg_class'::regclass AND objsubid = attnum
     WHERE attnum > 0
    UNION ALL
    SELECT format('index %s.%s', ours.relname, i.relname),
           concat_ws(' ', CASE WHEN indisunique THEN 'unique' END,
                     regexp_replace(substring(pg_get_indexdef(indexrelid, 0, true) FROM ' USING (.*)$'), ' = true$', ''),
                     CASE WHEN NOT indisvalid THEN 'invalid' END)
      FROM ours JOIN pg_index ON indrelid = ours.oid JOIN pg_class i ON i.oid = indexrelid
    UNION ALL
    SELECT format('constraint %s.%s', relname, conname),
           regexp_replace(regexp_replace(pg_get_constraintdef(pg_constraint.oid, true), ' NOT VALID$', ''), ${casts}, '', 'g')
      FROM ours JOIN pg_constraint ON conrelid = ours.oid AND contype IN ('p', 'u', 'f', 'c', 'x')
    UNION ALL
    SELECT format('validation of constraint %s.%s', relname, conname), 'pending'
      FROM ours JOIN pg_constraint ON conrelid = ours.oid AND contype IN ('f', 'c') AND NOT convalidated
    UNION ALL
    SELECT format('trigger %s.%s', relname, tgname),
           regexp_replace(regexp_replace(pg_get_triggerdef(pg_trigger.oid, true), ' ON \\S+ ', ' ON ' || relname || ' '), ${casts}, '', 'g')
             || CASE tgenabled WHEN 'D' THEN ' disabled' WHEN 'R' THEN ' on replicas only' ELSE '' END
      FROM ours JOIN pg_trigger ON tgrelid = ours.oid AND NOT tgisinternal
    UNION ALL
    SELECT format('function %s', proname), 'body ' || md5(regexp_replace(prosrc, '\\s+', ' ', 'g'))
      FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'keyward\\_%'
    ORDER BY name`.execute(db);
  return new Map(rows.map(({ name, shape }) => [name, shape]));
}

/**
 * Whether the current schema has the table. Asked of the rows of pg_class: after a wait for a lock,
 * to_regclass may still answer from what was so before the wait.
 */
export async function isTableThere(db: Kysely<Tables>, table: string): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM pg_class WHERE relname = ${table} AND relkind IN ('r', 'p')
       AND relnamespace = current_schema()::regnamespace`.execute(db);
  return rows.length > 0;
}

export interface Difference {
  readonly name: string;
  /** null: it should not be there. */
  readonly expected: string | null;
  /** null: it is missing. */
  readonly found: string | null;
}

/** Where `found` differs from what is expected; facts that nobody expects are no difference. */
export function compareFacts(expected: Facts, found: Facts): Difference[] {
  return [...expected]
    .map(([name, shape]) => ({ name, expected: shape, found: found.get(name) ?? null }))
    .filter((difference) => difference.found !== difference.expected);
}

/** The expected constraints that rows from before them may break. */
export function pendingValidations(expected: Facts, found: Facts): string[] {
  return [...expected.keys()].filter((name) => found.has(`validation of ${name}`));
}

/** `column llm_providers.x: expected text null, found nothing`. */
export function describeDifference({ name, expected, found }: Difference): string {
  return `${name}: expected ${expected ?? 'nothing'}, found ${found ?? 'nothing'}`;
}
