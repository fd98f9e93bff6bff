/**
 * The two engines that Keyward runs on, the embedded one and a real PostgreSQL, as raw clients: a suite described here
 * runs on the usual ones, and at the thorough depth on both.
 */
import { rm } from 'node:fs/promises';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { usualEngines } from './depth.ts';
import { freshPgliteDirectory } from './fresh-pglite.ts';
import { createDatabase } from './real-postgres.ts';

type Row = Record<string, unknown>;

/** What a statement said by RAISE NOTICE or WARNING. */
interface Notice {
  readonly message: string | undefined;
  readonly hint: string | undefined;
}

export interface RawClient {
  /** One statement; gives its rows. */
  query(text: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** Any number of statements, in one transaction unless they say otherwise. */
  exec(sql: string): Promise<void>;
  /** What statements have said since the last call. */
  takeNotices(): Notice[];
  /** Also removes the database. */
  close(): Promise<void>;
}

/** A client of a new, empty database. */
const engines: Readonly<Record<'embedded' | 'postgres', () => Promise<RawClient>>> = {
  embedded: openEmbedded,
  postgres: openPostgres,
};

/**
 * A suite for the usual engines. Each test finds the client on an empty schema `public` with the session's
 * settings as they are by default.
 */
export function describeOnUsualEngines(title: string, suite: (client: () => RawClient) => void): void {
  describe.each(usualEngines)(`${title} (%s)`, (engine) => {
    let client: RawClient;
    beforeAll(async () => {
      client = await engines[engine]();
    });
    beforeEach(async () => {
      await client.exec('RESET ALL; DROP SCHEMA public CASCADE; CREATE SCHEMA public');
      client.takeNotices();
    });
    afterAll(async () => client.close());
    suite(() => client);
  });
}

async function openEmbedded(): Promise<RawClient> {
  const directory = await freshPgliteDirectory();
  const engine = new PGlite(directory);
  await engine.waitReady;
  const notices: Notice[] = [];
  const onNotice = ({
    message,
    hint,
  }: {
    message?: string | undefined;
    hint?: string | undefined;
  }): unknown => notices.push({ message, hint });
  return {
    query: async (text, parameters) =>
      (await engine.query<Row>(text, [...(parameters ?? [])], { onNotice })).rows,
    exec: async (sql) => {
      await engine.exec(sql, { onNotice });
    },
    takeNotices: () => notices.splice(0),
    close: async () => {
      await engine.close();
      await rm(directory, { recursive: true });
    },
  };
}

async function openPostgres(): Promise<RawClient> {
  const database = await createDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const notices: Notice[] = [];
  client.on('notice', ({ message, hint }) => notices.push({ message, hint }));
  return {
    query: async (text, parameters) => (await client.query<Row>(text, [...(parameters ?? [])])).rows,
    exec: async (sql) => {
      await client.query(sql);
    },
    takeNotices: () => notices.splice(0),
    close: async () => {
      await client.end();
      await database.drop();
    },
  };
}
