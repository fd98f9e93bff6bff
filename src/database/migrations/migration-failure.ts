/** Why a migration did not happen, in one line, with the exit code that a script acts on. */
import { codeOf, messageOf, UsageError } from '../../foundation/errors.ts';

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

/** SQLSTATE of connection exceptions and of a server that ends a session, and what the network says. */
const lostCodes = /^(?:08\w{3}|57P0[1-5]|E(?:CONN|HOST|NET)[A-Z]+|EPIPE|ETIMEDOUT)$/;
/** The driver gives no code of its own; when the connection is gone, its failed ROLLBACK hides the reason. */
const lostMessages =
  /^(?:Connection terminated|Client has encountered a connection error|Query read timeout)/;
const sqlState = /^[0-9FHPX][0-9A-Z]{4}$/;
/** SQLSTATE dependent_objects_still_exist: only its detail names them. */
const dependentObjects = '2BP01';
const lockNotAvailable = '55P03';
/** How the verification at the end of a migration's own SQL begins. */
const notInPlace = /^migration \d+ is not in place/;

/** Whether the database, or the way to it, is what failed; everything else is a fault of the program. */
export function isDatabaseFault(error: unknown): boolean {
  return isConnectionLost(error) || sqlState.test(codeOf(error));
}

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
  return new MigrationFailure(
    `${what} failed and changed nothing: ${message}${dependents(error)}.`,
    'failed',
    error,
  );
}

function isConnectionLost(error: unknown): boolean {
  return lostCodes.test(codeOf(error)) || lostMessages.test(messageOf(error));
}

/** Details of other errors may hold values, these hold names only. */
function dependents(error: unknown): string {
  if (codeOf(error) !== dependentObjects || !(error instanceof Error) || !('detail' in error)) return '';
  return ` (${String(error.detail).replaceAll('\n', '; ')})`;
}
