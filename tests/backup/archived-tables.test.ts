/** No table and no column is forgotten: each stands in an archive, or is named with the reason why it does not. */
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { columnsUpTo } from '../../src/backup/archived-columns.ts';
import { archivedTables, leftOutTables, optionalTable } from '../../src/backup/archived-tables.ts';
import { encryptedColumns } from '../../src/database/encrypted-columns.ts';
import { tablesOf } from '../../src/database/migrations/expected-facts.ts';
import { ledgerTable } from '../../src/database/migrations/ledger.ts';
import { shippedMigrations } from '../../src/database/migrations/shipped-migrations.ts';
import { describeOnMigratedDatabase } from '../support/migrated-database.ts';

const { expected, migrations } = shippedMigrations();
const newest = migrations.at(-1)?.version ?? '';
const archived = archivedTables.map(({ table }) => table);

describe('the lists', () => {
  it('name every table that a migration makes once, in the archive or left out', () => {
    expect([...archived, ...Object.keys(leftOutTables)].toSorted()).toEqual(
      [...tablesOf(expected), ledgerTable].toSorted(),
    );
    expect(Object.values(leftOutTables).every((why) => why !== '')).toBe(true);
    expect(archived).toContain(optionalTable);
  });

  it('leave out no column with tokens but that of answers, which are good for a day', () => {
    const leftOut = encryptedColumns.filter(
      ({ table, isSaved }) => isSaved !== true && !archived.includes(table),
    );
    expect(leftOut.map(({ table }) => table)).toEqual(['keyward_idempotency_keys']);
  });
});

describeOnMigratedDatabase('in a migrated database', (database) => {
  it('the columns of an archive are all there are, but for those that the database makes itself', async () => {
    const { rows } = await sql<{ table: string; column: string; generated: boolean }>`
      SELECT relname AS table, attname AS column, attgenerated <> '' AS generated
        FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
       WHERE relnamespace = current_schema()::regnamespace AND relname = ANY (${archived})`.execute(
      database().opened.database.kysely,
    );
    const known = columnsUpTo(expected, newest);
    const named = (isGenerated: boolean): string[] =>
      rows
        .filter(({ generated }) => generated === isGenerated)
        .map(({ table, column }) => `${table}.${column}`);
    const listed = (which: 'columns' | 'generated'): string[] =>
      [...known].flatMap(([table, columns]) => columns[which].map((column) => `${table}.${column}`));
    expect(listed('columns').toSorted()).toEqual(named(false).toSorted());
    expect(listed('generated').toSorted()).toEqual(named(true).toSorted());
  });

  it('every table comes after those that it refers to, or is loaded at once where that is itself', async () => {
    const { rows } = await sql<{ table: string; other: string }>`
      SELECT conrelid::regclass::text AS table, confrelid::regclass::text AS other
        FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace`.execute(
      database().opened.database.kysely,
    );
    const references = rows.filter(({ table }) => archived.includes(table));
    expect(references.length).toBeGreaterThan(5);
    for (const { table, other } of references.filter((one) => one.table !== one.other))
      expect(archived.indexOf(table), `${table} → ${other}`).toBeGreaterThan(archived.indexOf(other));
    expect(references.flatMap(({ table, other }) => (table === other ? [table] : []))).toEqual(
      archivedTables.flatMap(({ table, refersToItself }) => (refersToItself ? [table] : [])),
    );
  });

  it('rows are ordered by the primary key, and numbers of every sequence go on', async () => {
    const { kysely } = database().opened.database;
    const { rows: keys } = await sql<{ table: string; key: string[] }>`
      SELECT conrelid::regclass::text AS table,
             array_agg(attname::text ORDER BY array_position(conkey, attnum)) AS key
        FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)
       WHERE contype = 'p' AND connamespace = current_schema()::regnamespace GROUP BY 1`.execute(kysely);
    for (const { table, key } of archivedTables)
      expect({ table, key }).toEqual(keys.find((one) => one.table === table));
    const { rows: sequences } = await sql<{ owner: string }>`
      SELECT format('%s.%s', refobjid::regclass, attname) AS owner
        FROM pg_depend JOIN pg_class ON pg_class.oid = objid AND relkind = 'S'
        JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
       WHERE relnamespace = current_schema()::regnamespace AND deptype IN ('a', 'i')`.execute(kysely);
    const numbered = [...columnsUpTo(expected, newest)].flatMap(([table, { numbered: column }]) =>
      column === null ? [] : [`${table}.${column}`],
    );
    expect(numbered.toSorted()).toEqual(sequences.map(({ owner }) => owner).toSorted());
  });
});
