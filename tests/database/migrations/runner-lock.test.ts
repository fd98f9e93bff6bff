/** Table locks of a runner: they are waited for briefly, and nobody is caught in between. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lockTables, retryLocked } from '../../../src/database/migrations/runner-lock.ts';
import { type OpenedDatabase, openOn } from '../../support/keyward-database.ts';

const busy = (): Error =>
  Object.assign(new Error('canceling statement due to lock timeout'), { code: '55P03' });

describe('a transaction that does not get its lock', () => {
  it.each(['55P03', '40P01'])('is tried again after %s, and each time it is said', async (code) => {
    const said: string[] = [];
    let tries = 0;
    const result = await retryLocked(
      { what: 'Migration 002', aftermath: 'Nothing was changed.', onRetry: (message) => said.push(message) },
      async () => {
        tries += 1;
        if (tries < 3) throw Object.assign(new Error('busy'), { code });
        return 'done';
      },
    );
    expect({ result, tries }).toEqual({ result: 'done', tries: 3 });
    expect(said).toEqual([
      'Migration 002: a table is locked, trying again (2 of 8)',
      'Migration 002: a table is locked, trying again (3 of 8)',
    ]);
  });

  it('that fails for another reason is not tried again', async () => {
    let tries = 0;
    const run = retryLocked({ what: 'X', aftermath: '', onRetry: () => expect.unreachable() }, async () => {
      tries += 1;
      throw Object.assign(busy(), { code: '42501' });
    });
    await expect(run).rejects.toMatchObject({ code: '42501' });
    expect(tries).toBe(1);
  });
});

describe('on a real PostgreSQL', () => {
  let opened: OpenedDatabase;
  beforeAll(async () => {
    opened = await openOn('postgres');
    await (await opened.connect()).query('CREATE TABLE one (n INT); CREATE TABLE two (n INT)');
  });
  afterAll(async () => opened.close());

  it('tables are locked all together, against everybody or against writers only', async () => {
    const other = await opened.connect();
    await other.query(`SET lock_timeout = '1ms'`);
    for (const [mode, mayRead] of [
      ['ACCESS EXCLUSIVE', false],
      ['SHARE ROW EXCLUSIVE', true],
    ] as const) {
      await opened.database.kysely.transaction().execute(async (tx) => {
        await lockTables(tx, ['one', 'two'], { mode, lockTimeoutMs: 1_000 });
        for (const table of ['one', 'two']) {
          const reading = other.query(`SELECT FROM ${table}`).then(
            () => true,
            () => false,
          );
          expect(await reading).toBe(mayRead);
          await expect(other.query(`INSERT INTO ${table} VALUES (1)`)).rejects.toMatchObject({
            code: '55P03',
          });
        }
      });
    }
  });

  it.each([['one'], ['two']])('while %s is held it gives up and holds nothing', async (held) => {
    const holder = await opened.connect();
    await holder.query(`BEGIN; SELECT FROM ${held}`);
    const locking = opened.database.kysely.transaction().execute(async (tx) => {
      await lockTables(tx, ['one', 'two'], { mode: 'ACCESS EXCLUSIVE', lockTimeoutMs: 10 });
    });
    await expect(locking).rejects.toMatchObject({ code: '55P03' });
    const left = await holder.query(
      `SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation IN ('one'::regclass, 'two'::regclass)`,
    );
    expect(left.rows).toEqual([]);
    await holder.query('COMMIT');
  });

  it('tables that a program holds and wants crosswise are not kept from it', async () => {
    const program = await opened.connect();
    await program.query('BEGIN; INSERT INTO two VALUES (1)');
    const attempt = { isOver: false };
    const locking = opened.database.kysely
      .transaction()
      .execute(async (tx) => {
        await lockTables(tx, ['one', 'two'], { mode: 'ACCESS EXCLUSIVE', lockTimeoutMs: 30_000 });
        return 'locked';
      })
      .catch(({ code }: { code: string }) => code)
      .finally(() => {
        attempt.isOver = true;
      });
    const onlooker = await opened.connect();
    // Until it stands in line for the second table with the first in hand, or has given up already.
    const isWaiting = async (): Promise<boolean> =>
      attempt.isOver || (await onlooker.query('SELECT FROM pg_locks WHERE NOT granted')).rows.length > 0;
    await expect.poll(isWaiting, { interval: 5, timeout: 20_000 }).toBe(true);
    await program.query('INSERT INTO one VALUES (1)');
    await program.query('COMMIT');
    expect(await locking).toMatch(/^(?:locked|55P03)$/);
  });
});
