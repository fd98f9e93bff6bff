/** One engine, many connections: each has the engine for itself from its first word to its last. */
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { cStrings } from '../../src/database/wire-frames.ts';
import { embeddedDoor } from '../support/embedded-door.ts';

const { connect, connectMany, connectRaw, countLedger } = embeddedDoor(30_000);

async function rows(client: pg.Client, text: string, values: unknown[] = []): Promise<unknown[]> {
  return (await client.query<Record<string, unknown>>(text, values)).rows;
}

describe('transactions', () => {
  it('of eight connections at once never mix, also where every third fails', async () => {
    const steps = 12;
    const transact = async (client: pg.Client, who: number): Promise<void> => {
      await client.query('BEGIN');
      await client.query(`SELECT set_config('keyward.who', $1, true)`, [String(who)]);
      const ids = new Set<unknown>();
      for (let step = 0; step < steps; step += 1) {
        await client.query('INSERT INTO ledger VALUES ($1, $2)', [who, step]);
        const [seen] = await rows(
          client,
          `SELECT current_setting('keyward.who') AS who, pg_current_xact_id()::text AS id,
                  (SELECT count(*)::int FROM ledger WHERE who = $1) AS own`,
          [who],
        );
        expect(seen).toMatchObject({ who: String(who), own: step + 1 });
        ids.add((seen as { id: string }).id);
      }
      expect(ids.size).toBe(1);
      if (who % 3 !== 0) {
        await client.query('COMMIT');
        return;
      }
      await expect(client.query('SELECT 1 / $1::int', [0])).rejects.toThrow('division by zero');
      await expect(client.query('SELECT 1')).rejects.toThrow('current transaction is aborted');
      await client.query('ROLLBACK');
    };
    const many = await connectMany(8);
    await Promise.all(many.map(transact));
    const kept = await rows(many[0] as pg.Client, 'SELECT DISTINCT who FROM ledger ORDER BY who');
    expect(kept).toEqual([1, 2, 4, 5, 7].map((who) => ({ who })));
  });

  it('asked for in one breath, without waiting for answers, end where they belong', async () => {
    const many = await Promise.all(Array.from({ length: 5 }, connectRaw));
    for (const [who, raw] of many.entries()) {
      raw.query('BEGIN').query(`INSERT INTO ledger VALUES (${who}, 0)`);
      raw.query(who % 2 === 0 ? 'COMMIT' : 'ROLLBACK');
    }
    for (const raw of many) for (let answers = 0; answers < 3; answers += 1) await raw.receives('Z');
    expect(await rows(await connect(), 'SELECT who FROM ledger ORDER BY who')).toEqual([
      { who: 0 },
      { who: 2 },
      { who: 4 },
    ]);
  });

  it('that fail in one connection leave the statements of the others alone', async () => {
    const [failing, good] = await connectMany(2);
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, async (_, n) =>
        n % 2 === 0
          ? failing?.query('SELECT nonsense', [])
          : good?.query('INSERT INTO ledger VALUES (1, $1)', [n]),
      ),
    );
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(10);
    expect(await countLedger()).toBe(10);
  });

  it('a statement of another connection waits for the end of a transaction', async () => {
    const [first, second] = await connectMany(2);
    await first?.query('BEGIN; INSERT INTO ledger VALUES (1, 1)');
    const seen = rows(second as pg.Client, 'SELECT count(*)::int AS n FROM ledger');
    await first?.query('INSERT INTO ledger VALUES (1, 2)');
    await first?.query('COMMIT');
    expect(await seen).toEqual([{ n: 2 }]);
  });
});

describe('a connection that goes away', () => {
  it('inside a transaction is rolled back, and the others go on', async () => {
    const raw = await connectRaw();
    raw.query('BEGIN; INSERT INTO ledger VALUES (1, 1)');
    await raw.receives('Z');
    await raw.vanish();
    expect(await countLedger()).toBe(0);
  });

  it('inside a failed transaction is rolled back too', async () => {
    const raw = await connectRaw();
    raw.query('BEGIN');
    await raw.receives('Z');
    raw.query('SELECT nonsense');
    await raw.receives('Z');
    await raw.vanish();
    expect(await countLedger()).toBe(0);
  });

  it('in the middle of an extended exchange, before it asked for the answer, leaves nothing', async () => {
    const raw = await connectRaw();
    raw.send('P', Buffer.concat([cStrings('', 'INSERT INTO ledger VALUES (1, 1)'), Buffer.alloc(2)]));
    raw.send('H');
    await raw.receives('1');
    raw.send('B', Buffer.concat([cStrings('', ''), Buffer.alloc(6)]));
    raw.send('E', Buffer.concat([cStrings(''), Buffer.alloc(4)]));
    raw.send('H');
    await raw.receives('C');
    await raw.vanish();
    expect(await countLedger()).toBe(0);
  });

  it('in the middle of a message leaves nothing of it', async () => {
    const raw = await connectRaw();
    raw.socket.write(Buffer.from([0x51, 0, 0, 1, 0, 0x44]));
    await raw.vanish();
    expect(await countLedger()).toBe(0);
  });

  it('takes along what it set: settings, role, statements, those of others stay', async () => {
    const stays = await connect();
    await stays.query({ name: 'own', text: 'SELECT $1::int AS n', values: [1] });
    const leaves = await connect();
    await leaves.query('CREATE ROLE somebody');
    await leaves.query({ name: 'own', text: 'SELECT $1::text AS t', values: ['x'] });
    await leaves.query(`PREPARE by_hand AS SELECT 1; SET TIME ZONE 'Asia/Tokyo'; SET search_path = nowhere`);
    await leaves.query('SET ROLE somebody');
    await leaves.end();
    const [seen] = await rows(
      await connect(),
      `SELECT current_setting('TimeZone') AS zone, current_setting('search_path') AS path, current_user AS who,
              (SELECT count(*)::int FROM pg_prepared_statements) AS statements`,
    );
    expect(seen).toEqual({ zone: 'UTC', path: 'public', who: 'postgres', statements: 1 });
    expect(await rows(stays, 'DROP ROLE somebody')).toEqual([]);
    const again = await stays.query({ name: 'own', text: 'SELECT $1::int AS n', values: [2] });
    expect(again.rows).toEqual([{ n: 2 }]);
  });

  it('and had put on another identity takes that along too', async () => {
    const leaves = await connect();
    await leaves.query('CREATE ROLE impostor; SET SESSION AUTHORIZATION impostor');
    await leaves.end();
    const next = await connect();
    expect(await rows(next, 'SELECT session_user AS who')).toEqual([{ who: 'postgres' }]);
    await next.query('DROP ROLE impostor');
  });
});

describe('named statements', () => {
  it('of the same name in two connections are two', async () => {
    const [one, other] = await connectMany(2);
    for (let times = 0; times < 3; times += 1) {
      const first = await one?.query({
        name: 'same',
        text: `SELECT 'one' AS who, $1::int AS n`,
        values: [times],
      });
      const second = await other?.query({ name: 'same', text: `SELECT 'other' AS who`, values: [] });
      expect([first?.rows, second?.rows]).toEqual([[{ who: 'one', n: times }], [{ who: 'other' }]]);
    }
  });

  it('whose names differ only after the 60th character are two', async () => {
    const client = await connect();
    const long = 'statement-'.repeat(6);
    const ask = async (name: string, text: string): Promise<unknown[]> =>
      (await client.query({ name, text })).rows;
    expect(await ask(`${long}-a`, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    expect(await ask(`${long}-b`, 'SELECT 2 AS n')).toEqual([{ n: 2 }]);
    expect(await ask(`${long}-a`, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });

  it('can be described and closed by the name that their connection gave', async () => {
    const raw = await connectRaw();
    raw.send('P', Buffer.concat([cStrings('mine', 'SELECT 1 AS n'), Buffer.alloc(2)]));
    raw.send('D', cStrings('Smine')).send('S');
    expect((await raw.receives('T')).includes('n')).toBe(true);
    await raw.receives('Z');
    raw.send('C', cStrings('Smine')).send('D', cStrings('Smine')).send('S');
    expect((await raw.receives('E')).includes('does not exist')).toBe(true);
  });
});

describe('COPY', () => {
  it('out of many rows arrives whole', async () => {
    const client = await connect();
    await client.query('INSERT INTO ledger SELECT 1, generate_series(1, 5000)');
    const raw = await connectRaw();
    raw.query('COPY ledger TO STDOUT');
    for (let n = 0; n < 5_000; n += 1) await raw.receives('d');
    expect((await raw.receives('C')).toString()).toContain('COPY 5000');
  });

  it('in is refused in words, whatever data follows, and everybody goes on', async () => {
    const raw = await connectRaw();
    raw.query('COPY ledger FROM STDIN');
    await raw.receives('G');
    raw.send('d', Buffer.from('1\t1\n')).send('c');
    expect((await raw.receives('E')).toString()).toContain('the embedded database has no COPY FROM STDIN');
    await raw.receives('Z');
    expect(await countLedger()).toBe(0);
    raw.query('INSERT INTO ledger VALUES (2, 2)');
    await raw.receives('Z');
    expect(await countLedger()).toBe(1);
  });

  it('in by a prepared statement is refused just so', async () => {
    const raw = await connectRaw();
    raw.send('P', Buffer.concat([cStrings('', 'COPY ledger FROM STDIN'), Buffer.alloc(2)]));
    raw.send('B', Buffer.concat([cStrings('', ''), Buffer.alloc(6)]));
    raw.send('E', Buffer.concat([cStrings(''), Buffer.alloc(4)])).send('S');
    await raw.receives('E');
    raw.send('c').send('S');
    await raw.receives('Z');
    expect(await countLedger()).toBe(0);
  });

  it('in that a client begins and goes away from leaves nothing, in a transaction or not', async () => {
    for (const begin of ['', 'BEGIN; INSERT INTO ledger VALUES (1, 1); ']) {
      const raw = await connectRaw();
      raw.query(`${begin}COPY ledger FROM STDIN`);
      await raw.receives('G');
      raw.send('d', Buffer.from('1\t1\n'));
      await raw.vanish();
      expect(await countLedger()).toBe(0);
    }
  });
});

describe('notifications', () => {
  it('go to every connection that listens and to no other', async () => {
    const [first, second, deaf, speaker] = await connectMany(4);
    const heard: string[] = [];
    const listen = async (name: string, client: pg.Client | undefined): Promise<void> => {
      const { promise, resolve } = Promise.withResolvers<void>();
      client?.on('notification', ({ channel, payload }) => {
        heard.push(`${name}: ${channel} ${payload}`);
        resolve();
      });
      return promise;
    };
    const all = [listen('first', first), listen('second', second)];
    void listen('deaf', deaf);
    await first?.query('LISTEN news');
    await second?.query('LISTEN news');
    await speaker?.query(`SELECT pg_notify('news', 'hello')`);
    await Promise.all(all);
    await deaf?.query('SELECT 1');
    expect(heard.toSorted()).toEqual(['first: news hello', 'second: news hello']);
  });

  it('of a transaction that is rolled back are not sent', async () => {
    const [listener, speaker] = await connectMany(2);
    const heard: (string | undefined)[] = [];
    listener?.on('notification', ({ payload }) => heard.push(payload));
    await listener?.query('LISTEN news');
    await speaker?.query(`BEGIN; NOTIFY news, 'never'; ROLLBACK`);
    await speaker?.query(`NOTIFY news, 'committed'`);
    await listener?.query('SELECT 1');
    expect(heard).toEqual(['committed']);
  });
});
