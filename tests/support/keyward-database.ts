/**
 * Keyward's own Database on each of the two engines: a suite described here runs once on each, and every
 * test finds a database with all migrations and nothing else in it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, inject } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { migrateAtStart } from '../../src/database/migrations/shipped-migrations.ts';
import { openDatabase } from '../../src/database/open-database.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { usualEngines } from './depth.ts';
import { migratedPgliteDirectory } from './fresh-pglite.ts';
import { MigratedState } from './migrated-state.ts';
import { createDatabase } from './real-postgres.ts';

export type Engine = 'embedded' | 'postgres';

export interface OpenedDatabase {
  readonly engine: Engine;
  readonly database: Database;
  /** With these variables another process finds the same database. */
  readonly environment: Readonly<Record<string, string>>;
  /** A connection as another program makes it; ended with the database at the latest. */
  readonly connect: () => Promise<pg.Client>;
  /** A second Database on the same data, as another instance has it. */
  readonly reopen: () => Promise<Database>;
  /** Ends every connection and leaves the data to other processes until `restart`. */
  readonly letGo: () => Promise<void>;
  /** Ends every connection and opens the same data anew, as after a restart. */
  readonly restart: () => Promise<void>;
  /** Throws away everything and, unless told otherwise, applies all migrations. */
  readonly empty: (options?: { migrate: boolean }) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Opens a new database on this engine, with all migrations applied. */
export async function openOn(engine: Engine): Promise<OpenedDatabase> {
  const place = engine === 'embedded' ? await embeddedPlace() : await postgresPlace();
  const { environment, clientConfig } = place;
  const clients: pg.Client[] = [];
  const others: Database[] = [];
  const open = async (as: 'server' | 'command'): Promise<Database> =>
    openDatabase(loadConfig(environment).database, {
      as,
      onProgress: () => undefined,
      onIdleError: () => undefined,
    });
  let database = await open('server');
  let isOpen = true;
  let migrated = await withClientOf(clientConfig, MigratedState.read);
  const closeAll = async (): Promise<void> => {
    await Promise.all(clients.splice(0).map(async (client) => client.end()));
    await Promise.all(others.splice(0).map(async (other) => other.close()));
    if (isOpen) await database.close();
    isOpen = false;
  };
  return {
    engine,
    environment,
    get database() {
      return database;
    },
    connect: async () => {
      const client = new pg.Client(clientConfig);
      // A test may cut the connection; what it then asks of the client fails by itself.
      client.on('error', () => undefined);
      await client.connect();
      clients.push(client);
      return client;
    },
    reopen: async () => {
      const other = await open('command');
      others.push(other);
      return other;
    },
    letGo: closeAll,
    restart: async () => {
      await closeAll();
      database = await open('server');
      isOpen = true;
    },
    empty: async ({ migrate } = { migrate: true }) => {
      await withClientOf(clientConfig, async (client) => {
        if (migrate && (await migrated.restore(client))) return;
        await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
        if (!migrate) return;
        await migrateAtStart(database, () => undefined);
        migrated = await MigratedState.read(client);
      });
    },
    close: async () => {
      await closeAll();
      await place.remove();
    },
  };
}

async function withClientOf<T>(
  clientConfig: pg.ClientConfig,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(clientConfig);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

type Suite = (opened: () => OpenedDatabase) => void;

/** A suite for both engines; each test begins with all migrations applied, and nothing else. */
export function describeOnEachDatabase(title: string, suite: Suite): void {
  describeOn(['embedded', 'postgres'], title, suite);
}

/** The same for the usual engines, where none is the subject: see depth.ts. */
export function describeOnUsualDatabases(title: string, suite: Suite): void {
  describeOn(usualEngines, title, suite);
}

function describeOn(engines: readonly Engine[], title: string, suite: Suite): void {
  describe.each(engines)(`${title} (%s)`, (engine) => {
    let opened: OpenedDatabase;
    beforeAll(async () => {
      opened = await openOn(engine);
    });
    beforeEach(async () => opened.empty());
    afterAll(async () => opened.close());
    suite(() => opened);
  });
}

interface Place {
  readonly environment: Readonly<Record<string, string>>;
  readonly clientConfig: pg.ClientConfig;
  readonly remove: () => Promise<void>;
}

async function embeddedPlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'keyward-test-'));
  await migratedPgliteDirectory(join(directory, 'database'));
  return {
    environment: { KEYWARD_DATA_DIR: directory },
    clientConfig: { host: directory, user: 'postgres', database: 'postgres' },
    remove: async () => rm(directory, { recursive: true, force: true }),
  };
}

async function postgresPlace(): Promise<Place> {
  const { url, drop } = await createDatabase({ template: inject('postgresMigrated') });
  return { environment: { DATABASE_URL: url }, clientConfig: { connectionString: url }, remove: drop };
}
