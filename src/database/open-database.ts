/**
 * From the settings to a database that answers: the real PostgreSQL that was named, else the
 * embedded one. Never falls from the one to the other by itself.
 */
import { sql } from 'kysely';
import type { DatabaseConfig } from '../foundation/config.ts';
import { messageOf, UsageError } from '../foundation/errors.ts';
import { isRefusal } from './database-fault.ts';
import { connectDatabase, type Database } from './database.ts';
import { openEmbedded, type EmbeddedDatabase } from './embedded.ts';

/** How many owners of the embedded engine may leave before we give up. */
const ownersMet = 20;

export interface OpenOptions {
  /** A server owns the embedded database; a command shares it. */
  readonly as: 'server' | 'command';
  readonly onProgress: (message: string) => void;
  /** Told of connections that break while nobody uses them. */
  readonly onIdleError: (error: Error) => void;
}

/**
 * @param started the embedded engine, when somebody has started it for this already
 * @throws UsageError when the database cannot be reached or opened: one line, no password in it
 */
export async function openDatabase(
  config: DatabaseConfig,
  options: OpenOptions,
  started?: EmbeddedDatabase,
): Promise<Database> {
  if (config.kind === 'postgres') {
    const database = connectDatabase(config, 'postgres', options.onIdleError);
    await prove(database);
    return database;
  }
  const embedded = started ?? (await openEmbedded(config.dataDirectory, options));
  return connectEmbedded(embedded, config.dataDirectory, options, ownersMet);
}

async function connectEmbedded(
  embedded: EmbeddedDatabase,
  dataDirectory: string,
  options: OpenOptions,
  triesLeft: number,
): Promise<Database> {
  const database = connectDatabase(embedded.settings, 'embedded', options.onIdleError);
  const close = async (): Promise<void> => {
    await database.close();
    await embedded.close();
  };
  try {
    await prove(database);
  } catch (error) {
    await close();
    // A command that let us in may have ended before it heard our first statement.
    if (!embedded.shared || triesLeft <= 1) throw error;
    const next = await openEmbedded(dataDirectory, options);
    return connectEmbedded(next, dataDirectory, options, triesLeft - 1);
  }
  return { ...database, ownsEngine: !embedded.shared, close };
}

async function prove(database: Database): Promise<void> {
  try {
    await sql`SELECT 1`.execute(database.kysely);
  } catch (error) {
    await database.close().catch(() => undefined);
    const where = database.description;
    const what = isRefusal(error)
      ? `The database refuses the connection (${where})`
      : `The database does not answer (${where})`;
    throw new UsageError(`${what}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** A statement may take as long as it takes; what must not last is the wait for a lock, and has its own limit. */
export function withoutQueryTimeout(config: DatabaseConfig): DatabaseConfig {
  if (config.kind === 'embedded') return config;
  const patient = { ...config.pool, query_timeout: 0 };
  return { ...config, pool: patient };
}
