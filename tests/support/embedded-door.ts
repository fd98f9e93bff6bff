/** One embedded engine with its door for all tests of a file: each test begins with an empty table `ledger` and no connections. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { serveEmbedded, type EmbeddedSocket } from '../../src/database/embedded-socket.ts';
import { freshPgliteDirectory } from './fresh-pglite.ts';
import { RawSession } from './raw-session.ts';

export interface EmbeddedDoor {
  readonly directory: string;
  readonly socketPath: string;
  readonly connect: () => Promise<pg.Client>;
  readonly connectMany: (count: number) => Promise<pg.Client[]>;
  readonly connectRaw: () => Promise<RawSession>;
  /** Answered only once every connection that left has been cleaned up after. */
  readonly countLedger: () => Promise<number>;
}

export interface OpenDoor {
  readonly directory: string;
  readonly socketPath: string;
  readonly engine: PGlite;
  readonly door: EmbeddedSocket;
}

/** Makes an engine and lets connections in; who asks for it closes both and removes the directory. */
export async function openDoor(maxHoldMs?: number): Promise<OpenDoor> {
  const directory = await mkdtemp(join(tmpdir(), 'keyward-door-'));
  const socketPath = join(directory, '.s.PGSQL.5432');
  const engine = new PGlite(await freshPgliteDirectory(join(directory, 'database')));
  await engine.waitReady;
  return { directory, socketPath, engine, door: await serveEmbedded(engine, socketPath, maxHoldMs) };
}

export async function connectTo(directory: string): Promise<pg.Client> {
  const client = new pg.Client({ host: directory, user: 'postgres', database: 'postgres' });
  // What ends the connection also fails the statement that waits for it.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** @param maxHoldMs how long a connection may sit idle inside a transaction */
export function embeddedDoor(maxHoldMs: number): EmbeddedDoor {
  let opened: OpenDoor | undefined;
  let clients: pg.Client[] = [];
  let raws: RawSession[] = [];
  const there = (): OpenDoor => {
    if (opened === undefined) throw new Error('this is there only while a test runs');
    return opened;
  };
  const connect = async (): Promise<pg.Client> => {
    const client = await connectTo(there().directory);
    clients.push(client);
    return client;
  };
  beforeAll(async () => {
    opened = await openDoor(maxHoldMs);
  });
  beforeEach(async () => {
    clients = [];
    raws = [];
    const client = await connect();
    await client.query(
      'DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE ledger (who INT, step INT)',
    );
  });
  afterEach(async () => {
    for (const { socket } of raws) socket.destroy();
    await Promise.all(clients.map(async (client) => client.end()));
  });
  afterAll(async () => {
    await opened?.door.close(0);
    await opened?.engine.close();
    await rm(there().directory, { recursive: true, force: true });
  });
  return {
    get directory() {
      return there().directory;
    },
    get socketPath() {
      return there().socketPath;
    },
    connect,
    connectMany: async (count) => Promise.all(Array.from({ length: count }, connect)),
    connectRaw: async () => {
      const raw = await new RawSession(there().socketPath).start();
      raws.push(raw);
      return raw;
    },
    countLedger: async () => {
      const { rows } = await (await connect()).query<{ n: number }>('SELECT count(*)::int AS n FROM ledger');
      return rows[0]?.n ?? -1;
    },
  };
}
