/** COPY … TO STDOUT gives all bytes, and fails as other statements fail, on both engines. */
import { sql } from 'kysely';
import { describe, expect, it, test } from 'vitest';
import { isCopyOut } from '../../src/database/copy-out.ts';
import { useLinkedDatabase } from '../support/linked-database.ts';
import { describeOnMigratedDatabase } from '../support/migrated-database.ts';

describeOnMigratedDatabase('COPY TO STDOUT', (database) => {
  const db = () => database().opened.database.kysely;

  it('answers with all that was copied, however much it is', async () => {
    for (const lines of [0, 1, 30_000]) {
      const { rows } =
        await sql<Buffer>`COPY (SELECT n, repeat('ä', 20) FROM generate_series(1, ${sql.lit(lines)}) AS n ORDER BY n)
        TO STDOUT`.execute(db());
      const expected = Array.from({ length: lines }, (_, at) => `${at + 1}\t${'ä'.repeat(20)}\n`).join('');
      expect(rows.map((row) => row.toString('utf8'))).toEqual([expected]);
    }
  });

  it('is part of the transaction that it is in', async () => {
    await database().undone(async (tx) => {
      await sql`CREATE TEMP TABLE seen ON COMMIT DROP AS SELECT 1 AS n`.execute(tx);
      const { rows } = await sql<Buffer>`COPY seen TO STDOUT`.execute(tx);
      expect(String(rows[0])).toBe('1\n');
    });
  });

  it('that fails is told, and leaves the connection to the next', async () => {
    await db()
      .connection()
      .execute(async (connection) => {
        await expect(sql`COPY no_such_table TO STDOUT`.execute(connection)).rejects.toThrow(/no_such_table/);
        await expect(
          sql`COPY (SELECT 1 / (3 - n) FROM generate_series(1, 5) AS n) TO STDOUT`.execute(connection),
        ).rejects.toThrow(/division by zero/);
        const { rows } = await sql<{ one: number }>`SELECT 1 AS one`.execute(connection);
        expect(rows).toEqual([{ one: 1 }]);
      });
  });
});

describe('a connection that copies', () => {
  const linked = useLinkedDatabase();
  const copy = async () => sql`COPY (SELECT 1) TO STDOUT`.execute(linked().database.kysely);

  test('and breaks fails the statement, and the next has another', async () => {
    await copy();
    linked().link.freeze();
    const copied = copy();
    linked().link.mend();
    await expect(copied).rejects.toThrow(/terminated/);
    await expect(copy()).resolves.toBeDefined();
  });

  test('and gets no answer gives up in time, and the next has another', async () => {
    await copy();
    linked().link.forget();
    await expect(copy()).rejects.toThrow(/timeout/);
    await expect(copy()).resolves.toBeDefined();
  });
});

test('other statements are not taken for one', () => {
  expect(isCopyOut('\n  copy t TO stdout (FORMAT binary)')).toBe(true);
  expect(isCopyOut("SELECT 'COPY t TO STDOUT'")).toBe(false);
  expect(isCopyOut('COPY t FROM STDIN')).toBe(false);
});
