/**
 * Everything that lies in a schema, as another program sees it: the whole catalogue and every row. It
 * shares nothing with the reader that Keyward compares with, so that the one can prove the other.
 */
import { createHash } from 'node:crypto';
import type pg from 'pg';

type Definitions = Readonly<Record<string, string>>;

/** Either engine's client. */
interface Asked {
  query(text: string): Promise<{ rows: unknown[] }>;
}

const catalogueQuery = `
  SELECT 'table ' || relname AS name, concat_ws(' ', relkind::text, obj_description(oid, 'pg_class')) AS shape
    FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'S')
  UNION ALL
  SELECT format('column %s %s', relname, attname),
         concat_ws(' ', '#' || rank() OVER (PARTITION BY attrelid ORDER BY attnum), format_type(atttypid, atttypmod),
                   CASE WHEN attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(adbin, adrelid),
                   'COMMENT ' || col_description(attrelid, attnum))
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
   WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v')
  UNION ALL
  SELECT 'index ' || relname, concat_ws(' ', pg_get_indexdef(indexrelid), CASE WHEN indisvalid THEN 'valid' END)
    FROM pg_index JOIN pg_class ON oid = indexrelid AND relnamespace = current_schema()::regnamespace
  UNION ALL
  SELECT format('constraint %s %s', conrelid::regclass, conname),
         concat_ws(' ', pg_get_constraintdef(oid), CASE WHEN convalidated THEN 'valid' END)
    FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND contype <> 'n' AND conrelid <> 0
  UNION ALL
  SELECT format('trigger %s %s', tgrelid::regclass, tgname), pg_get_triggerdef(pg_trigger.oid)
    FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
   WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
  UNION ALL
  SELECT 'function ' || proname, pg_get_functiondef(oid)
    FROM pg_proc WHERE pronamespace = current_schema()::regnamespace`;

/** A digest of the rows of each table. */
const rowsQuery = `
  SELECT relname AS name, (xpath('/row/digest/text()', query_to_xml(
           format('SELECT count(*) || '' rows '' || md5(coalesce(string_agg(t::text, E''\\n'' ORDER BY t::text), '''')) AS digest FROM %I t', relname),
           false, true, '')))[1]::text AS shape
    FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'`;

/** The definition of everything there is. */
export async function readCatalogue(client: Asked): Promise<Definitions> {
  return read(client, catalogueQuery);
}

/** Catalogue and rows: equal before and after what changed nothing. */
export async function readContents(client: Asked): Promise<Definitions> {
  return { ...(await readCatalogue(client)), ...prefixed(await read(client, rowsQuery)) };
}

/** What rollbacks keep of what they take away, until a later apply brings it back; beginnings of names. */
export const keptByRollbacks = [
  'llm_providers_system_keys_backup_002',
  'llm_providers_settings_backup_007',
  'keyward_audit_saved_',
  'idx_keyward_audit_saved_',
  'keyward_gateway_saved_',
  'keyward_health_saved_',
  'idx_keyward_health_saved_',
  'keyward_saved_',
  'idx_keyward_saved_',
] as const;

/** One number for the catalogue; without the tables whose names begin so, and what belongs to them. */
export async function catalogueHash(client: Asked, without: readonly string[] = []): Promise<string> {
  const entries = Object.entries(await readCatalogue(client)).filter(
    ([name]) => !without.some((table) => name.includes(` ${table}`)),
  );
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex');
}

async function read(client: Asked, query: string): Promise<Definitions> {
  const { rows } = (await client.query(`${query} ORDER BY 1`)) as pg.QueryResult<{
    name: string;
    shape: string;
  }>;
  return Object.fromEntries(rows.map(({ name, shape }) => [name, shape]));
}

function prefixed(definitions: Definitions): Definitions {
  return Object.fromEntries(Object.entries(definitions).map(([name, shape]) => [`rows of ${name}`, shape]));
}
