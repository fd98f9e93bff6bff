/** The door of the embedded engine: nobody keeps it for himself, and no stranger breaks it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { cStrings } from '../../src/database/wire-frames.ts';
import { connectTo, embeddedDoor, openDoor } from '../support/embedded-door.ts';
import { RawSession } from '../support/raw-session.ts';

const maxHoldMs = 300;
const door = embeddedDoor(maxHoldMs);
const { connect, connectRaw, countLedger } = door;

describe('a connection that holds the engine', () => {
  it('idle in a transaction is told so and ended, its work is rolled back, and the others go on', async () => {
    const idle = await connect();
    const { promise: ended, resolve } = Promise.withResolvers<Error>();
    idle.once('error', resolve);
    await idle.query('BEGIN; INSERT INTO ledger VALUES (1, 1)');
    expect(await countLedger()).toBe(0);
    expect((await ended).message).toContain('idle in a transaction for too long');
  });

  it('and never closes its end, as a stopped program does, is cut off', async () => {
    const stuck = await connectRaw();
    stuck.query('BEGIN; INSERT INTO ledger VALUES (1, 1)');
    await stuck.receives('Z');
    expect(await countLedger()).toBe(0);
  });

  it('half-way through an exchange is ended just so', async () => {
    const exchanging = await connectRaw();
    exchanging.send('P', Buffer.concat([cStrings('', 'SELECT 1'), Buffer.alloc(2)])).send('H');
    await exchanging.receives('1');
    expect(await countLedger()).toBe(0);
  });

  it('and is busy, statement after statement, is not ended for the length of its transaction', async () => {
    const busy = await connect();
    await busy.query('BEGIN');
    const startedAt = performance.now();
    while (performance.now() - startedAt < 2 * maxHoldMs)
      await busy.query('INSERT INTO ledger VALUES (1, 1)');
    await busy.query('COMMIT');
    expect(await countLedger()).toBeGreaterThan(0);
  });

  it('and is idle outside a transaction may stay as long as it likes', async () => {
    const patient = await connect();
    const stuck = await connectRaw();
    stuck.query('BEGIN');
    await stuck.receives('Z');
    // Answered only after somebody was idle for the whole time.
    await countLedger();
    expect((await patient.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});

describe('what is no PostgreSQL client', () => {
  const greetings: readonly (readonly [string, Buffer])[] = [
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')],
    ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 3, 0, 0])],
    ['another protocol', Buffer.from([0, 0, 0, 8, 0, 2, 0, 0])],
    ['a cancel request', Buffer.from([0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 1, 0, 0, 0, 2])],
  ];

  it.each(greetings)('(%s) is shown out, and the others go on', async (_what, bytes) => {
    const stranger = new RawSession(door.socketPath);
    stranger.socket.removeAllListeners('data').resume();
    stranger.socket.write(bytes);
    await new Promise((resolve) => stranger.socket.once('end', resolve).once('close', resolve));
    expect(await countLedger()).toBe(0);
  });

  it('any more, after a proper beginning, is shown out as well', async () => {
    const stranger = await connectRaw();
    stranger.send('z', Buffer.from('what is this'));
    expect((await stranger.receives('E')).toString()).toContain('unknown message type');
    expect(await countLedger()).toBe(0);
  });

  it('asking for TLS is told that there is none, and may go on without', async () => {
    const client = new pg.Client({ host: door.directory, user: 'postgres', database: 'postgres', ssl: true });
    await expect(client.connect()).rejects.toThrow('does not support SSL');
  });
});

it('ten megabytes go in and come out', async () => {
  const client = await connect();
  const much = 'x'.repeat(10 * 1024 * 1024);
  const { rows: found } = await client.query<{ much: string }>('SELECT $1::text AS much', [much]);
  expect(found[0]?.much.length).toBe(much.length);
});

it('the engine can be closed while connections are in the middle of their work', async () => {
  const { directory, engine, door: itsDoor } = await openDoor();
  const busy = await Promise.all(Array.from({ length: 5 }, async () => connectTo(directory)));
  await busy[0]?.query('BEGIN; CREATE TABLE half_done (n INT)');
  const answers = Promise.allSettled(busy.slice(1).map(async (client) => client.query('SELECT 1')));
  await itsDoor.close(0);
  await engine.close();
  expect((await answers).map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'rejected'));
  const reopened = new PGlite(join(directory, 'database'));
  expect((await reopened.query(`SELECT to_regclass('half_done') AS found`)).rows).toEqual([{ found: null }]);
  await reopened.close();
  await rm(directory, { recursive: true });
});
