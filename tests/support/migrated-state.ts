/**
 * What the tables of a freshly migrated database hold, to go back to between two tests without migrating
 * anew. It goes back only while the catalogue is as it was: a test that altered a table is noticed.
 */
import pg from 'pg';

/** Every row of the catalogue that a change of the schema touches, as counts and newest transactions. */
const counted = [
  'pg_attribute',
  'pg_attrdef',
  'pg_constraint',
  'pg_index',
  'pg_trigger',
  'pg_proc',
  'pg_type',
  'pg_description',
  'pg_namespace',
  'pg_rewrite',
  'pg_db_role_setting',
].map((table) => `SELECT count(*) || '/' || coalesce(max(xmin::text::bigint), 0) AS mark FROM ${table}`);

/** What TRUNCATE and ANALYZE write into pg_class is no change of the schema. */
const relations = `
  SELECT md5(string_agg(concat_ws(' ', oid, relname, relowner, relkind, relpersistence, relchecks, relhastriggers,
                                  relrowsecurity, relacl, reloptions, reltablespace), ',' ORDER BY oid)) AS mark
    FROM pg_class WHERE relnamespace = 'public'::regnamespace`;

const catalogueMark = `SELECT string_agg(mark, ' ') AS mark FROM (${[...counted, relations].join(' UNION ALL ')}) AS marks`;

export class MigratedState {
  /** All the statements that bring it back. */
  readonly #restoring: string;
  readonly #mark: string;

  private constructor(restoring: string, mark: string) {
    this.#restoring = restoring;
    this.#mark = mark;
  }

  /** Reads the state of a database to which the migrations were applied a moment ago. */
  static async read(client: pg.Client): Promise<MigratedState> {
    const restoring = [
      // As a replica: neither the guards of the audit trail nor the revision have a say in this.
      'BEGIN',
      'SET LOCAL session_replication_role = replica',
      ...(await restoringRows(client)),
      ...(await restoringSequences(client)),
      'COMMIT',
    ].join(';\n');
    return new MigratedState(restoring, await markOf(client));
  }

  /** @returns false, and nothing was done, when the catalogue has changed since */
  async restore(client: pg.Client): Promise<boolean> {
    if ((await markOf(client)) !== this.#mark) return false;
    await client.query(this.#restoring);
    return true;
  }
}

/** DELETE, since TRUNCATE makes new files for each table and index: that took most of the time of many tests. */
async function restoringRows(client: pg.Client): Promise<string[]> {
  const { rows: tables } = await client.query<{ table: string; columns: string }>(`
    SELECT format('%I', c.relname) AS table,
           string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum) FILTER (WHERE a.attgenerated = '') AS columns
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
     GROUP BY c.oid, c.relname`);
  const statements = tables.map(({ table }) => `DELETE FROM ${table}`);
  for (const { table, columns } of tables) {
    const { rows } = await client.query<{ rows: string }>(
      `SELECT coalesce(json_agg(t), '[]')::text AS rows FROM (SELECT ${columns} FROM ${table}) AS t`,
    );
    const all = rows[0]?.rows ?? '[]';
    if (all !== '[]')
      statements.push(`INSERT INTO ${table} (${columns}) OVERRIDING SYSTEM VALUE
        SELECT ${columns} FROM json_populate_recordset(NULL::${table}, ${pg.escapeLiteral(all)})`);
  }
  return statements;
}

async function restoringSequences(client: pg.Client): Promise<string[]> {
  const { rows: sequences } = await client.query<{ sequence: string }>(
    `SELECT format('%I', relname) AS sequence FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'`,
  );
  const statements: string[] = [];
  for (const { sequence } of sequences) {
    const { rows } = await client.query<{ position: string; used: boolean }>(
      `SELECT last_value::text AS position, is_called AS used FROM ${sequence}`,
    );
    const { position = '1', used = false } = rows[0] ?? {};
    statements.push(`SELECT setval('${sequence}'::regclass, ${position}, ${used})`);
  }
  return statements;
}

async function markOf(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ mark: string }>(catalogueMark);
  return rows[0]?.mark ?? '';
}
