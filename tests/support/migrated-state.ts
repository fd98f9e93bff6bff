/**
 * What the tables of a freshly migrated database hold, to go back to between two tests without migrating
 * anew. It goes back only while the catalogue is as it was: a test that altered a table is noticed.
 */
import type pg from 'pg';

interface TableRows {
  /** Quoted. */
  readonly table: string;
  readonly columns: string;
  /** A JSON array, as text. */
  readonly rows: string;
}

interface SequenceState {
  readonly sequence: string;
  readonly position: string;
  readonly used: boolean;
}

/** Every row of the catalogue that a change of the schema touches, as counts and newest transactions. */
const catalogueMark = `SELECT string_agg(mark, ' ') AS mark FROM (${[
  'pg_class',
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
]
  .map((table) => `SELECT count(*) || '/' || coalesce(max(xmin::text::bigint), 0) AS mark FROM ${table}`)
  .join(' UNION ALL ')}) AS marks`;

export class MigratedState {
  readonly #tables: readonly TableRows[];
  readonly #sequences: readonly SequenceState[];
  #mark: string;

  private constructor(tables: readonly TableRows[], sequences: readonly SequenceState[], mark: string) {
    this.#tables = tables;
    this.#sequences = sequences;
    this.#mark = mark;
  }

  /** Reads the state of a database to which the migrations were applied a moment ago. */
  static async read(client: pg.Client): Promise<MigratedState> {
    const { rows: columns } = await client.query<{ table: string; columns: string }>(`
      SELECT format('%I', c.relname) AS table,
             string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum) FILTER (WHERE a.attgenerated = '') AS columns
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
       GROUP BY c.oid, c.relname`);
    const tables: TableRows[] = [];
    for (const { table, columns: names } of columns) {
      const { rows } = await client.query<{ rows: string }>(
        `SELECT coalesce(json_agg(t), '[]')::text AS rows FROM (SELECT ${names} FROM ${table}) AS t`,
      );
      tables.push({ table, columns: names, rows: rows[0]?.rows ?? '[]' });
    }
    const { rows: sequences } = await client.query<{ sequence: string }>(
      `SELECT format('%I', relname) AS sequence FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'`,
    );
    const states: SequenceState[] = [];
    for (const { sequence } of sequences) {
      const { rows } = await client.query<{ position: string; used: boolean }>(
        `SELECT last_value::text AS position, is_called AS used FROM ${sequence}`,
      );
      states.push({ sequence, position: rows[0]?.position ?? '1', used: rows[0]?.used ?? false });
    }
    return new MigratedState(tables, states, await markOf(client));
  }

  /** @returns false, and nothing was done, when the catalogue has changed since */
  async restore(client: pg.Client): Promise<boolean> {
    if ((await markOf(client)) !== this.#mark) return false;
    const filled = this.#tables.filter(({ rows }) => rows !== '[]');
    // As a replica: neither the guards of the audit trail nor the revision have a say in this.
    await client.query('BEGIN; SET LOCAL session_replication_role = replica');
    await client.query(`TRUNCATE ${this.#tables.map(({ table }) => table).join(', ')}`);
    for (const { table, columns, rows } of filled) {
      await client.query(
        `INSERT INTO ${table} (${columns}) OVERRIDING SYSTEM VALUE
         SELECT ${columns} FROM json_populate_recordset(NULL::${table}, $1)`,
        [rows],
      );
    }
    for (const { sequence, position, used } of this.#sequences)
      await client.query('SELECT setval($1::regclass, $2::bigint, $3)', [sequence, position, used]);
    await client.query('COMMIT');
    this.#mark = await markOf(client);
    return true;
  }
}

async function markOf(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ mark: string }>(catalogueMark);
  return rows[0]?.mark ?? '';
}
