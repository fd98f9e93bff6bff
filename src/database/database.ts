/**
 * A connection to PostgreSQL, real or embedded, by one code path: a pool, a query builder on it, and
 * notifications. Every session runs in UTC and reads TIMESTAMP columns as UTC, whatever TZ says.
 */
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { guardPool } from './guarded-pool.ts';
import type { Tables } from './tables.ts';

const { builtins, getTypeParser } = pg.types;

export interface ConnectionSettings {
  /** Names the database to a person: no password in it. */
  readonly description: string;
  readonly pool: pg.PoolConfig;
}

export interface Database {
  readonly kysely: Kysely<Tables>;
  readonly description: string;
  readonly kind: 'embedded' | 'postgres';
  /** This process holds the embedded engine: no server can be running on it that is not this one. */
  readonly ownsEngine: boolean;
  /** How many statements this process has sent since it started. */
  queriesSent(): number;
  /**
   * Calls `onNotify` whenever somebody notifies the channel, and `onLost` when the connection that
   * listens ends by itself. Resolves once it listens, with a function that ends it.
   */
  listen(channel: string, onNotify: () => void, onLost: () => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

const readTimestampAsUtc = (text: string): Date => new Date(`${text.replace(' ', 'T')}Z`);

const timestampOids: ReadonlySet<number> = new Set([builtins.TIMESTAMP]);

const typeParsers: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    timestampOids.has(oid) && format !== 'binary' ? readTimestampAsUtc : getTypeParser(oid, format),
};

/** Sends a Date as UTC text, which a TIMESTAMP column in a session at UTC stores as it is. */
pg.defaults.parseInputDatesAsUTC = true;

/**
 * Makes the pool; connects on first use.
 * @param onIdleError told of connections that break while nobody uses them
 */
export function connectDatabase(
  settings: ConnectionSettings,
  kind: Database['kind'],
  onIdleError: (error: Error) => void,
): Database {
  const base: pg.PoolConfig = {
    max: 8,
    connectionTimeoutMillis: 5_000,
    query_timeout: 60_000,
    keepAlive: true,
    application_name: 'keyward',
    ...settings.pool,
    types: typeParsers,
  };
  // pg-pool waits for the promise before it hands the connection out; its types do not say so.
  // oxlint-disable-next-line typescript/no-misused-promises
  const pool = new pg.Pool({ ...base, onConnect: inUtc });
  pool.on('error', onIdleError);
  let sent = 0;
  const kysely = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: guardPool(pool) }),
    log: () => {
      sent += 1;
    },
  });
  return {
    kysely,
    kind,
    ownsEngine: false,
    description: settings.description,
    queriesSent: () => sent,
    listen: async (channel, onNotify, onLost) => listen(new pg.Client(base), channel, onNotify, onLost),
    close: async () => kysely.destroy(),
  };
}

async function inUtc(client: pg.ClientBase): Promise<void> {
  await client.query("SET TIME ZONE 'UTC'");
}

async function listen(
  client: pg.Client,
  channel: string,
  onNotify: () => void,
  onLost: () => void,
): Promise<() => Promise<void>> {
  let listening = false;
  client.on('notification', onNotify);
  // Without this listener a broken connection would end the process; 'end' follows and is answered.
  client.on('error', () => undefined);
  client.on('end', () => {
    // A connection that never listened is the rejection below; telling it twice would start two more.
    if (listening) onLost();
  });
  try {
    await client.connect();
    await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
    listening = true;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  return async () => {
    listening = false;
    await client.end();
  };
}
