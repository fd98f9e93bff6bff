/** A row that somebody holds, so that writers who come meanwhile stand in one line and then go on together. */
import type pg from 'pg';

/**
 * Holds the rows that the statement locks, starts the writers, and lets go once all of them wait for a lock.
 * @param client a connection of its own to a real PostgreSQL
 * @param locking a `SELECT … FOR UPDATE`
 */
export async function whileRowIsHeld<T>(
  client: pg.Client,
  locking: string,
  writers: readonly (() => Promise<T>)[],
): Promise<PromiseSettledResult<T>[]> {
  await client.query('BEGIN');
  await client.query(locking);
  const written = Promise.allSettled(writers.map(async (write) => write()));
  for (;;) {
    const { rows } = await client.query<{ waiting: number }>(
      `SELECT count(*)::int AS waiting FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    if ((rows[0]?.waiting ?? 0) >= writers.length) break;
    // What it sees of others stays the same within a transaction, unless told otherwise.
    await client.query('SELECT pg_stat_clear_snapshot()');
  }
  await client.query('COMMIT');
  return written;
}
