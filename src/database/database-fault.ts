/** What went wrong in the database, or on the way to it, told apart from faults of the program, in one line. */
import { codeOf, messageOf } from '../foundation/errors.ts';

/** SQLSTATE of connection exceptions and of a server that ends a session, and what the network says. */
const lostCodes = /^(?:08\w{3}|57P0[1-5]|E(?:CONN|HOST|NET)[A-Z]+|EPIPE|ETIMEDOUT)$/;
/** The driver gives no code of its own; when the connection is gone, its failed ROLLBACK hides the reason. */
const lostMessages =
  /^(?:Connection terminated|Client has encountered a connection error|Query read timeout)/;
/**
 * SQLSTATE of a server without resources, of one that lets nobody in (any more), of one that gave up on a lock or a
 * deadlock; a socket that is gone.
 */
const unavailableCodes = /^(?:53\w{3}|28\w{3}|3D000|57014|55P03|40001|40P01|ENOENT)$/;
const unavailableMessages =
  /^(?:timeout exceeded when trying to connect|The connection left a statement)|is not currently accepting connections$/;
const sqlState = /^[0-9FHPX][0-9A-Z]{4}$/;

/** SQLSTATE (PostgreSQL, appendix A) to what an operator does about it. */
const remedies: Readonly<Record<string, string>> = {
  '42501': 'Connect as the role that owns the tables, or grant this one the rights.',
  '42P01': 'See what is missing with: keyward migrate --check',
  '42703': 'See what is missing with: keyward migrate --check',
  '42883': 'See what is missing with: keyward migrate --check',
  '53100': 'Make space on the disk of the database, then try again.',
  '53300': 'Raise max_connections of the database, or end other connections.',
  '25006': 'Connect to the primary: this server is read-only.',
};

export function isConnectionLost(error: unknown): boolean {
  return lostCodes.test(codeOf(error)) || lostMessages.test(messageOf(error));
}

/** A request failed for a reason that lies with the database and may be gone the next time. */
export function isDatabaseUnavailable(error: unknown): boolean {
  return (
    isConnectionLost(error) ||
    unavailableCodes.test(codeOf(error)) ||
    unavailableMessages.test(messageOf(error))
  );
}

/** Whether the database, or the way to it, is what failed; everything else is a fault of the program. */
export function isDatabaseFault(error: unknown): boolean {
  return isConnectionLost(error) || sqlState.test(codeOf(error));
}

/** A value is what it does not take (classes 22 and 23): sent again as it is, it is refused again. */
export function isUnfitValue(error: unknown): boolean {
  return /^2[23]\w{3}$/.test(codeOf(error));
}

/** It has answered, and let nobody in. */
export function isRefusal(error: unknown): boolean {
  return sqlState.test(codeOf(error)) && !isConnectionLost(error);
}

/** The fault in one line, with what to do; details are left out, since they may hold values. */
export function databaseFaultSentence(error: unknown): string {
  if (isConnectionLost(error)) return `The connection to the database was lost: ${messageOf(error)}.`;
  const remedy = remedies[codeOf(error)];
  return `The database refused: ${messageOf(error)}.${remedy === undefined ? '' : ` ${remedy}`}`;
}
