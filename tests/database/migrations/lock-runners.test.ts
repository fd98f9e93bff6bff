/** The lock of the runners: it ends with its transaction, and who waits for it knows for whom and not for ever. */
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lockRunners } from '../../../src/database/migrations/lock-runners.ts';
import { describeOnMigratedDatabase } from '../../support/migrated-database.ts';
import { type OpenedDatabase, openOn } from '../../support/keyward-database.ts';

describeOnMigratedDatabase("the runners' lock", (database) => {
  it('sets the patience for table locks for the transaction and no longer', async () => {
    const { database: open } = database().opened;
    const patience = async (db: typeof open.kysely): Promise<unknown> =>
      (await sql<{ patience: string }>`SELECT current_setting('lock_timeout') AS patience`.execute(db))
        .rows[0]?.patience;
    const before = await patience(open.kysely);
    await database().undone(async (tx) => {
      await lockRunners(tx, 1_234);
      expect(await patience(tx)).toBe('1234ms');
    });
    expect(await patience(open.kysely)).toBe(before);
  });
});

describe('on a real PostgreSQL', () => {
  let opened: OpenedDatabase;
  beforeAll(async () => {
    opened = await openOn('postgres');
  });
  afterAll(async () => opened.close());

  const advisoryLocks = async (): Promise<number> =>
    (await (await opened.connect()).query(`SELECT FROM pg_locks WHERE locktype = 'advisory'`)).rows.length;

  it('the lock ends with its transaction, also with one that fails', async () => {
    const failing = opened.database.kysely.transaction().execute(async (tx) => {
      await lockRunners(tx, 1_000);
      expect(await advisoryLocks()).toBe(1);
      throw new Error('it failed');
    });
    await expect(failing).rejects.toThrow('it failed');
    expect(await advisoryLocks()).toBe(0);
  });

  it('of a runner that hangs is waited for within the patience, and its holder is named', async () => {
    const holder = await opened.connect();
    await holder.query(
      `SET application_name = 'keyward of yesterday'; BEGIN; SELECT pg_advisory_xact_lock(8084002)`,
    );
    const { rows } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const waits: string[] = [];
    const waiting = opened.database.kysely.transaction().execute(async (tx) => {
      const onWaiting = (message: string): number => waits.push(message);
      await lockRunners(tx, 10, { patienceMs: 100, lookAfterMs: 20, onWaiting });
    });
    await expect(waiting).rejects.toMatchObject({
      name: 'MigrationFailure',
      exitCode: 5,
      message: expect.stringMatching(
        new RegExp(
          `process ${rows[0]?.pid} \\(keyward of yesterday\\) of postgres, in a transaction since [-0-9: ]+ UTC\\. .*pg_terminate_backend\\(${rows[0]?.pid}\\)`,
        ),
      ),
    });
    expect(waits).toEqual([expect.stringContaining(`Waiting for another runner: process ${rows[0]?.pid} `)]);
    await holder.query('ROLLBACK');
  });

  it('of a runner that comes to an end is had then, whatever the patience for tables', async () => {
    const holder = await opened.connect();
    await holder.query('BEGIN; SELECT pg_advisory_xact_lock(8084002)');
    const locking = opened.database.kysely.transaction().execute(async (tx) => {
      const onWaiting = (): unknown => holder.query('COMMIT');
      await lockRunners(tx, 1, { lookAfterMs: 20, onWaiting });
      return 'locked';
    });
    expect(await locking).toBe('locked');
  });
});
