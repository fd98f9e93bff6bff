/**
 * The pool as the query builder uses it. A connection that breaks fails the statement that it was busy
 * with and nothing else; one that left a statement unanswered is closed, since it would answer no other.
 */
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type pg from 'pg';
import { messageOf } from '../foundation/errors.ts';
import { copyOut, isCopyOut } from './copy-out.ts';

export function guardPool(pool: pg.Pool): PostgresPool {
  // pg-pool listens for errors of idle connections only; without a listener one in use would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return {
    options: pool.options,
    connect: async () => guard(await pool.connect()),
    end: async () => pool.end(),
  };
}

function guard(client: pg.PoolClient): PostgresPoolClient {
  let unanswered = false;
  const query = async (text: string, parameters: readonly unknown[]): Promise<pg.QueryResult> => {
    if (unanswered) throw new Error('The connection left a statement unanswered.');
    try {
      return await (isCopyOut(text) ? copyOut(client, text) : client.query(text, [...parameters]));
    } catch (error) {
      unanswered ||= messageOf(error) === 'Query read timeout';
      throw error;
    }
  };
  return {
    // The query builder could also pass a cursor, but was given none.
    query: query as unknown as PostgresPoolClient['query'],
    release: (discard) => client.release(unanswered || discard),
  };
}
