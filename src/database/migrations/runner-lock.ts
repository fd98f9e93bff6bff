/**
 * How a runner keeps out of everybody else's way: a short patience for table locks, so that nobody queues up
 * behind a runner that waits, and further attempts after pauses.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { sql, type Kysely } from 'kysely';
import { codeOf } from '../../foundation/errors.ts';
import type { Tables } from '../tables.ts';
import { MigrationFailure } from './migration-failure.ts';

/**
 * How long others wait behind one that waits for a table, at most. Below the second after which
 * PostgreSQL looks for deadlocks: where our lock is part of one, it is we who give way.
 */
export const defaultLockTimeoutMs = 500;

const attempts = 8;
const firstPauseMs = 200;
const longestPauseMs = 2_000;

/** SQLSTATE lock_not_available and deadlock_detected. */
const retryable = new Set(['55P03', '40P01']);

/** How long each further lock of the transaction may be waited for. */
export async function setLockTimeout(tx: Kysely<Tables>, timeoutMs: number): Promise<void> {
  await sql`SELECT set_config('lock_timeout', ${`${timeoutMs}ms`}, true)`.execute(tx);
}

type LockMode = 'SHARE ROW EXCLUSIVE' | 'ACCESS EXCLUSIVE';

/** How often in a row it looks for a moment when all tables are free, and then stands in a queue for them. */
const rounds = 4;
const momentsTried = 10;
const longestBetweenMomentsMs = 20;
/** How long a runner that holds one table waits for the next. */
const nextTableTimeoutMs = 100;

/**
 * Locks tables for the rest of the transaction. Programs take them in any order: whoever holds one and
 * waits behind us for another keeps us from the one that it holds. So first it looks for a moment when all
 * are free, which holds nobody up; only then it stands in line, and with one in hand for no longer than a blink.
 * @param lockTimeoutMs how long it may wait while it holds none of them
 */
export async function lockTables(
  tx: Kysely<Tables>,
  tables: readonly string[],
  { mode, lockTimeoutMs }: { mode: LockMode; lockTimeoutMs: number },
): Promise<void> {
  const inLine = tables.toSorted((a, b) => placeInLine(a) - placeInLine(b));
  const atOnce = async (): Promise<void> => lockEach(tx, tables, async () => `${mode} MODE NOWAIT`);
  const oneByOne = async (): Promise<void> =>
    lockEach(tx, inLine, async (index) => {
      await setLockTimeout(tx, index === 0 ? lockTimeoutMs : Math.min(lockTimeoutMs, nextTableTimeoutMs));
      return `${mode} MODE`;
    });
  for (let round = 1; ; round += 1) {
    for (let moment = 1; moment <= momentsTried; moment += 1) {
      if ((await unlessLocked(tx, atOnce)) === null) return;
      await pause(longestBetweenMomentsMs * Math.random());
    }
    const locked = await unlessLocked(tx, oneByOne);
    if (locked === null) return setLockTimeout(tx, lockTimeoutMs);
    if (round === rounds) throw locked;
  }
}

/**
 * Most programs take a table that refers to llm_providers before that one, which the foreign key makes them read;
 * a write to llm_providers or llm_models goes on, by our triggers, to the tables of Keyward. Against that order
 * every such program would hold what we wait for.
 */
function placeInLine(table: string): number {
  if (table.startsWith('keyward_')) return 3;
  return ['llm_providers', 'llm_models'].indexOf(table) + 1;
}

async function lockEach(
  tx: Kysely<Tables>,
  tables: readonly string[],
  modeOf: (index: number) => Promise<string>,
): Promise<void> {
  for (const [index, table] of tables.entries())
    await sql`LOCK TABLE ${sql.table(table)} IN ${sql.raw(await modeOf(index))}`.execute(tx);
}

/** @returns why it holds none of the tables, or null when it has them all */
async function unlessLocked(tx: Kysely<Tables>, lockAll: () => Promise<void>): Promise<Error | null> {
  await sql`SAVEPOINT before_tables`.execute(tx);
  let locked: Error | null = null;
  try {
    await lockAll();
  } catch (error) {
    if (!retryable.has(codeOf(error))) throw error;
    await sql`ROLLBACK TO SAVEPOINT before_tables`.execute(tx);
    locked = error as Error;
  }
  // Behind an open savepoint rows would be another transaction's to the triggers, which look at their xmin.
  await sql`RELEASE SAVEPOINT before_tables`.execute(tx);
  return locked;
}

interface Attempted {
  /** What is attempted, to begin a sentence with. */
  readonly what: string;
  /** How the database is when every attempt failed; a sentence. */
  readonly aftermath: string;
  readonly onRetry: (message: string) => void;
}

/**
 * Runs a transaction again when it did not get a lock, with growing pauses of random length.
 * @throws MigrationFailure with the exit code for lock timeouts when it never got it
 */
export async function retryLocked<T>(
  { what, aftermath, onRetry }: Attempted,
  transaction: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await transaction();
    } catch (error) {
      if (!retryable.has(codeOf(error))) throw error;
      if (attempt === attempts) {
        throw new MigrationFailure(
          `${what} did not get its lock in ${attempts} attempts: another transaction holds a table for long. ${aftermath} See pg_stat_activity for it, try again later, or wait longer with --lock-timeout.`,
          'lockTimeout',
          error,
        );
      }
      onRetry(`${what}: a table is locked, trying again (${attempt + 1} of ${attempts})`);
      await pause(Math.min(firstPauseMs * 2 ** (attempt - 1), longestPauseMs) * (0.5 + Math.random()));
    }
  }
}
