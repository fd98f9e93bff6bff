/**
 * One runner at a time: an advisory lock that ends with its transaction, so that no pooler can keep it and no
 * killed runner leaves it behind. Who waits for it holds nobody up, and says for whom it waits.
 */
import { sql, type Kysely } from 'kysely';
import { codeOf } from '../../foundation/errors.ts';
import type { Tables } from '../tables.ts';
import { MigrationFailure } from './migration-failure.ts';
import { setLockTimeout } from './runner-lock.ts';

/** Any number that no other program is likely to use; the same in every version. */
const lockKey = 8_084_002;
/** How long one transaction of another runner is waited for; a queue of many that come and go is waited out. */
export const otherRunnerPatienceMs = 30_000;
/** How often it looks who holds the lock. */
const lookEveryMs = 1_000;

interface Patience {
  readonly onWaiting?: (message: string) => void;
  readonly patienceMs?: number;
  readonly lookAfterMs?: number;
}

/**
 * Takes the runners' lock for the rest of the transaction, and sets the patience for all further locks.
 * @param lockTimeoutMs for table locks; when it is longer than the patience for another runner, for that too
 * @throws MigrationFailure with the exit code for lock timeouts when another runner does not come to an end
 */
export async function lockRunners(
  tx: Kysely<Tables>,
  lockTimeoutMs: number,
  { onWaiting, patienceMs, lookAfterMs = lookEveryMs }: Patience = {},
): Promise<void> {
  const patience = patienceMs ?? Math.max(otherRunnerPatienceMs, lockTimeoutMs);
  let seen: { readonly holder: Holder; readonly since: number; isTold: boolean } | undefined;
  while (!(await isLockedWithin(tx, seen === undefined ? null : lookAfterMs))) {
    const holder = (await holderOf(tx)) ?? nobody;
    if (seen === undefined || !isSame(holder, seen.holder)) {
      seen = { holder, since: performance.now(), isTold: false };
    } else if (performance.now() - seen.since > patience) {
      throw new MigrationFailure(
        `Another runner is at work and does not come to an end: ${nameOf(holder)}. It was waited for ${Math.ceil(patience / 1000)} seconds; what waited changed nothing. Let it finish, or end it with SELECT pg_terminate_backend(${holder.pid}), and run again. A longer --lock-timeout waits longer.`,
        'lockTimeout',
      );
    } else if (!seen.isTold) {
      seen.isTold = true;
      onWaiting?.(`Waiting for another runner: ${nameOf(holder)}`);
    }
  }
  await setLockTimeout(tx, lockTimeoutMs);
}

/** @param waitMs how long to stand in line; null for not at all */
async function isLockedWithin(tx: Kysely<Tables>, waitMs: number | null): Promise<boolean> {
  if (waitMs === null) {
    const { rows } = await sql<{ locked: boolean }>`
      SELECT pg_try_advisory_xact_lock(${sql.lit(lockKey)}) AS locked`.execute(tx);
    return rows[0]?.locked === true;
  }
  await sql`SAVEPOINT before_turn`.execute(tx);
  let isLocked = true;
  try {
    await setLockTimeout(tx, waitMs);
    await sql`SELECT pg_advisory_xact_lock(${sql.lit(lockKey)})`.execute(tx);
  } catch (error) {
    if (codeOf(error) !== lockNotAvailable) throw error;
    await sql`ROLLBACK TO SAVEPOINT before_turn`.execute(tx);
    isLocked = false;
  }
  // Behind an open savepoint rows would be another transaction's to the triggers, which look at their xmin.
  await sql`RELEASE SAVEPOINT before_turn`.execute(tx);
  return isLocked;
}

const lockNotAvailable = '55P03';

interface Holder {
  readonly pid: number;
  readonly program: string;
  readonly role: string;
  /** UTC, when its transaction began; null where the role may not see it. */
  readonly since: string | null;
}

/** Whoever held it let go at this moment. */
const nobody: Holder = { pid: 0, program: '', role: 'somebody', since: null };

async function holderOf(tx: Kysely<Tables>): Promise<Holder | undefined> {
  const { rows } = await sql<Holder>`
    SELECT a.pid, coalesce(a.application_name, '') AS program, coalesce(a.usename, '') AS role,
           to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS since
      FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = ${sql.lit(lockKey)} AND l.objsubid = 1
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`.execute(tx);
  return rows[0];
}

function isSame(one: Holder, other: Holder | undefined): boolean {
  return one.pid === other?.pid && one.since === other.since;
}

function nameOf({ pid, program, role, since }: Holder): string {
  const called = program === '' ? '' : ` (${program})`;
  return `process ${pid}${called} of ${role}${since === null ? '' : `, in a transaction since ${since.slice(0, 19)} UTC`}`;
}
