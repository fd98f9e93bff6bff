/**
 * Puts the rows of an archive into the tables, in the transaction of the restore. The rows travel as a parameter
 * and are never read as SQL; the names of tables and columns are those of the catalogue and of nobody else.
 */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { isConnectionLost, isDatabaseFault } from '../database/database-fault.ts';
import type { Tables } from '../database/tables.ts';
import { messageOf, UsageError } from '../foundation/errors.ts';
import type { RowBatch, Section } from './archive-contents.ts';
import type { TableColumns } from './archived-columns.ts';
import { archivedTables } from './archived-tables.ts';
import { columnTypes } from './present-tables.ts';

/** Where a table that refers to itself is gathered; gone with the transaction. */
const gathered = 'keyward_restored_rows';

/**
 * Looks at names alone, before anything is changed.
 * @param known the columns by table at the version of the archive
 * @throws UsageError that names what no archive of that version can hold
 */
export function refuseUnknownNames(
  { table, columns, sequence }: Section,
  known: ReadonlyMap<string, TableColumns>,
): void {
  const own = known.get(table);
  const odd = columns.find(
    (column, index) => own?.columns.includes(column) !== true || columns.indexOf(column) !== index,
  );
  const oddSequence = sequence !== null && sequence.column !== own?.numbered;
  if (own !== undefined && odd === undefined && !oddSequence) return;
  throw new UsageError(
    `The archive holds ${own === undefined ? 'a table' : 'a column'} that Keyward does not archive: ${JSON.stringify(own === undefined ? table : `${table}.${odd ?? sequence?.column}`)}. Nothing was changed.`,
  );
}

/** Loads one table after the other, as their batches come. */
export class TableLoader {
  readonly #tx: Kysely<Tables>;
  #section: Section | undefined;
  #types: ReadonlyMap<string, string> = new Map();
  #gathers = false;

  constructor(tx: Kysely<Tables>) {
    this.#tx = tx;
  }

  /** @param onNext called between two tables, with the name of the one that comes */
  async take({ section, rows }: RowBatch, onNext: (table: string) => Promise<void>): Promise<void> {
    if (section !== this.#section) {
      await this.finish();
      await onNext(section.table);
      await this.#begin(section);
    }
    if (rows.length > 0) await this.#insert(section, rows);
  }

  /** What was gathered of the last table goes in, and its numbers go on from where they were. */
  async finish(): Promise<void> {
    const section = this.#section;
    if (section === undefined) return;
    if (this.#gathers) {
      const columns = columnsOf(section);
      await sql`INSERT INTO ${sql.table(section.table)} (${columns}) OVERRIDING SYSTEM VALUE
        SELECT ${columns} FROM ${sql.id(gathered)}`.execute(this.#tx);
      await sql`DROP TABLE ${sql.id(gathered)}`.execute(this.#tx);
    }
    if (section.sequence !== null) await setSequence(this.#tx, section.table, section.sequence);
    this.#section = undefined;
  }

  async #begin(section: Section): Promise<void> {
    const { table, columns } = section;
    this.#types = await columnTypes(this.#tx, table);
    const missing = columns.filter((column) => !this.#types.has(column));
    if (missing.length > 0) {
      throw new UsageError(
        `The table ${table} of this database has no column ${missing.join(', ')}. Nothing was changed. Restore into an empty database.`,
      );
    }
    this.#section = section;
    this.#gathers = archivedTables.some((one) => one.table === table && one.refersToItself === true);
    if (this.#gathers)
      await sql`CREATE TEMPORARY TABLE ${sql.id(gathered)} (LIKE ${sql.table(table)} INCLUDING DEFAULTS) ON COMMIT DROP`.execute(
        this.#tx,
      );
  }

  async #insert(section: Section, rows: readonly string[]): Promise<void> {
    const target = this.#gathers ? sql.id(gathered) : sql.table(section.table);
    const values = section.columns.map(
      (column, index) => sql`(r ->> ${sql.lit(index)})::${sql.raw(this.#types.get(column) ?? 'text')}`,
    );
    const insert = sql`INSERT INTO ${target} (${columnsOf(section)}) OVERRIDING SYSTEM VALUE
      SELECT ${sql.join(values)} FROM jsonb_array_elements(${`[${rows.join(',')}]`}::jsonb) AS r`;
    await insert.execute(this.#tx).catch((error: unknown) => {
      throw namedFault(section.table, error);
    });
  }
}

/** The fault of a row names its table only in a detail, which may hold values. */
function namedFault(table: string, error: unknown): unknown {
  if (!isDatabaseFault(error) || isConnectionLost(error)) return error;
  return new UsageError(
    `The rows of ${table} do not go into this database: ${messageOf(error)}. Nothing of the archive is in it.`,
    { cause: error },
  );
}

function columnsOf({ columns }: Section): RawBuilder<unknown> {
  return sql.join(columns.map((column) => sql.ref(column)));
}

async function setSequence(
  tx: Kysely<Tables>,
  table: string,
  { column, last_value: last, is_called: isCalled }: NonNullable<Section['sequence']>,
): Promise<void> {
  await sql`SELECT setval(sequence::regclass, ${last}::bigint, ${isCalled})
    FROM pg_get_serial_sequence(quote_ident(${table}), ${column}) AS sequence WHERE sequence IS NOT NULL`.execute(
    tx,
  );
}
