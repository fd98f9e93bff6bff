/** Why a migration did not happen, in one line, with the exit code that a script acts on. */
import { codeOf, messageOf, UsageError } from '../../foundation/errors.ts';
import { isConnectionLost } from '../database-fault.ts';

/** Exit codes of `keyward migrate`; part of its contract. */
export const migrateExit = {
  atTarget: 0,
  failed: 1,
  usage: 2,
  pending: 3,
  drift: 4,
  lockTimeout: 5,
  wouldLoseData: 6,
  verificationFailed: 7,
} as const;

export class MigrationFailure extends UsageError {
  constructor(message: string, exit: keyof typeof migrateExit, cause?: unknown) {
    super(message, { exitCode: migrateExit[exit], ...(cause === undefined ? {} : { cause }) });
    this.name = 'MigrationFailure';
  }
}

/** SQLSTATE dependent_objects_still_exist: only its detail names them. */
const dependentObjects = '2BP01';
const lockNotAvailable = '55P03';
/** How the verification at the end of a migration's own SQL begins. */
const notInPlace = /^migration \d+ is not in place/;
/** How the SQL that takes 001 back begins, when its tables hold what others wrote. */
const wouldLose = /^rows that migration 001 did not write would be lost/;

/** What stopped `what`, in one line; a failure that has its line already stays as it is. */
export function failureOf(what: string, error: unknown): UsageError {
  if (error instanceof UsageError) return error;
  const message = messageOf(error);
  if (isConnectionLost(error)) {
    return new MigrationFailure(
      `${what}: the connection to the database was lost. It was done whole or not at all, and a next run goes on from there; keyward migrate --check tells.`,
      'failed',
      error,
    );
  }
  if (codeOf(error) === lockNotAvailable) {
    return new MigrationFailure(
      `${what} did not get a lock in time: another runner or another transaction holds it for long. Nothing was changed. Try again later.`,
      'lockTimeout',
      error,
    );
  }
  if (notInPlace.test(message)) {
    return new MigrationFailure(
      `${what} failed its verification, so all of it was rolled back: ${message}.`,
      'verificationFailed',
      error,
    );
  }
  if (wouldLose.test(message)) {
    return new MigrationFailure(
      `${what} changed nothing: ${message}. Save them and delete them first; then roll back again.`,
      'wouldLoseData',
      error,
    );
  }
  return new MigrationFailure(
    `${what} failed and changed nothing: ${message}${dependents(error)}.`,
    'failed',
    error,
  );
}

/** Details of other errors may hold values, these hold names only. */
function dependents(error: unknown): string {
  if (codeOf(error) !== dependentObjects || !(error instanceof Error) || !('detail' in error)) return '';
  return ` (${String(error.detail).replaceAll('\n', '; ')})`;
}
