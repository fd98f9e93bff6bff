/** Everything that an archive holds, read from one consistent state of the database and never held as a whole. */
import { sql, type Kysely } from 'kysely';
import type { ExpectedCatalogue } from '../database/migrations/expected-facts.ts';
import type { Tables } from '../database/tables.ts';
import type { RowBatch, Section } from './archive-contents.ts';
import { columnsUpTo } from './archived-columns.ts';
import { archivedTables, leftOutTables, optionalTable, type ArchivedTable } from './archived-tables.ts';
import { keptByRollbacks, presentColumns } from './present-tables.ts';

/** A table as it is about to be read. */
interface TableToRead {
  readonly table: ArchivedTable;
  readonly section: Section;
  readonly rows: number;
}

export interface TablesToRead {
  readonly tables: readonly TableToRead[];
  readonly leftOut: readonly { readonly name: string; readonly why: string }[];
}

/** Values as text, the same whatever the settings of the role or the database are. */
export async function setTextForms(tx: Kysely<Tables>): Promise<void> {
  await sql`SELECT set_config('DateStyle', 'ISO, MDY', true), set_config('IntervalStyle', 'postgres', true),
                   set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '3', true)`.execute(
    tx,
  );
}

/** @param version the newest migration of this database */
export async function tablesToRead(
  tx: Kysely<Tables>,
  catalogue: ExpectedCatalogue,
  { version, withUsage }: { readonly version: string; readonly withUsage: boolean },
): Promise<TablesToRead> {
  const present = await presentColumns(tx);
  const known = columnsUpTo(catalogue, version);
  const tables: TableToRead[] = [];
  const leftOut: { name: string; why: string }[] = [];
  for (const table of archivedTables) {
    const { columns = [], generated = [], numbered = null } = known.get(table.table) ?? {};
    const there = present.get(table.table);
    if (there === undefined || columns.length === 0) continue;
    if (table.table === optionalTable && !withUsage) {
      leftOut.push({ name: optionalTable, why: 'asked for with --with-usage only' });
      continue;
    }
    const section = {
      table: table.table,
      columns: columns.filter((column) => there.includes(column)),
      sequence: numbered === null ? null : await readSequence(tx, table.table, numbered),
    };
    tables.push({ table, section, rows: await countOf(tx, table.table) });
    leftOut.push(...foreignColumns(table.table, there, [...columns, ...generated]));
  }
  return { tables, leftOut: [...leftOut, ...tablesLeftOut([...present.keys()])] };
}

function foreignColumns(
  table: string,
  there: readonly string[],
  known: readonly string[],
): TablesToRead['leftOut'] {
  return there
    .filter((column) => !known.includes(column))
    .map((column) => ({ name: `${table}.${column}`, why: 'a column that another program added' }));
}

function tablesLeftOut(present: readonly string[]): TablesToRead['leftOut'] {
  const known = present.filter((name) => Object.hasOwn(leftOutTables, name));
  return [
    ...known.map((name) => ({ name, why: leftOutTables[name] ?? '' })),
    ...keptByRollbacks(present).map((name) => ({ name, why: keptWhy })),
  ];
}

const keptWhy = 'kept by a rollback: keyward migrate brings it back, and then a backup holds it';

/** Rows of all tables, a batch at a time; a table without rows gives one empty batch. */
export async function* readRows(
  tx: Kysely<Tables>,
  { tables }: Pick<TablesToRead, 'tables'>,
): AsyncGenerator<RowBatch> {
  for (const { table, section } of tables) {
    yield { section, rows: [] };
    const values = section.columns.map((column) => sql`${sql.ref(column)}::text`);
    await sql`DECLARE keyward_backup NO SCROLL CURSOR FOR
      SELECT json_build_array(${sql.join(values)})::text AS row FROM ${sql.table(table.table)}
       ORDER BY ${sql.join(table.key.map((column) => sql.ref(column)))}`.execute(tx);
    for (;;) {
      const { rows } = await sql<{ row: string }>`FETCH ${sql.lit(fetchedRows)} FROM keyward_backup`.execute(
        tx,
      );
      if (rows.length === 0) break;
      // The text of a JSON array has a line feed of its own only where a value is one, and there it is escaped.
      yield { section, rows: rows.map(({ row }) => row) };
    }
    await sql`CLOSE keyward_backup`.execute(tx);
  }
}

const fetchedRows = 500;

/** A table that a platform made may number its rows by no sequence of its own; then the greatest number counts. */
async function readSequence(
  tx: Kysely<Tables>,
  table: string,
  column: string,
): Promise<NonNullable<Section['sequence']>> {
  const { rows } = await sql<{ sequence: string | null }>`
    SELECT pg_get_serial_sequence(quote_ident(${table}), ${column}) AS sequence`.execute(tx);
  const name = rows[0]?.sequence ?? null;
  const state =
    name === null
      ? sql`SELECT coalesce(max(${sql.ref(column)}), 1)::text AS last_value, count(*) > 0 AS is_called FROM ${sql.table(table)}`
      : sql`SELECT last_value::text, is_called FROM ${sql.raw(name)}`;
  const { rows: states } = await sql<{ last_value: string; is_called: boolean }>`${state}`.execute(tx);
  return { column, ...(states[0] ?? { last_value: '1', is_called: false }) };
}

async function countOf(tx: Kysely<Tables>, table: string): Promise<number> {
  const { rows } = await sql<{ rows: string }>`SELECT count(*) AS rows FROM ${sql.table(table)}`.execute(tx);
  return Number(rows[0]?.rows ?? 0);
}
