/** A failure is one line with the exit code of its reason, whatever the database or the network said. */
import { expect, it } from 'vitest';
import {
  failureOf,
  migrateExit,
  MigrationFailure,
} from '../../../src/database/migrations/migration-failure.ts';
import { UsageError } from '../../../src/foundation/errors.ts';

const withCode = (message: string, code: string, more: object = {}): Error =>
  Object.assign(new Error(message), { code, ...more });

it.each([
  {
    said: withCode('division by zero', '22012'),
    exitCode: 1,
    line: 'X failed and changed nothing: division by zero.',
  },
  {
    said: withCode('migration 002 is not in place: column a is b, expected c', 'P0001'),
    exitCode: 7,
    line: 'X failed its verification, so all of it was rolled back: migration 002 is not in place: column a is b, expected c.',
  },
  {
    said: withCode('cannot drop', '2BP01', {
      detail: 'view a depends on column b\nview c depends on column d',
    }),
    exitCode: 1,
    line: 'X failed and changed nothing: cannot drop (view a depends on column b; view c depends on column d).',
  },
  // Details of other errors hold values of rows.
  {
    said: withCode('duplicate key', '23505', { detail: 'Key (encrypted_api_key)=(secret) already exists.' }),
    exitCode: 1,
    line: 'X failed and changed nothing: duplicate key.',
  },
  {
    said: withCode('canceling statement due to lock timeout', '55P03'),
    exitCode: 5,
    line: 'X did not get a lock in time: another runner or another transaction holds it for long. Nothing was changed. Try again later.',
  },
])('$said is said as "$line" with exit code $exitCode', ({ said, exitCode, line }) => {
  expect(failureOf('X', said)).toMatchObject({
    name: 'MigrationFailure',
    exitCode,
    message: line,
    cause: said,
  });
});

it.each([
  withCode('terminating connection due to administrator command', '57P01'),
  withCode('server closed the connection', '08006'),
  withCode('read ECONNRESET', 'ECONNRESET'),
  withCode('write EPIPE', 'EPIPE'),
  new Error('Connection terminated unexpectedly'),
  new Error('Client has encountered a connection error and is not queryable'),
  new Error('Query read timeout'),
])('%s does not claim to know whether it was done', (said) => {
  const { message, exitCode } = failureOf('X', said);
  expect(exitCode).toBe(1);
  expect(message).toBe(
    'X: the connection to the database was lost. It was done whole or not at all, and a next run goes on from there; keyward migrate --check tells.',
  );
});

it('what has its line already stays as it is', () => {
  const own = new MigrationFailure('no', 'wouldLoseData');
  expect(failureOf('X', own)).toBe(own);
  const usage = new UsageError('no');
  expect(failureOf('X', usage)).toBe(usage);
});

it('the exit codes are those of the contract', () => {
  expect(migrateExit).toEqual({
    atTarget: 0,
    failed: 1,
    usage: 2,
    pending: 3,
    drift: 4,
    lockTimeout: 5,
    wouldLoseData: 6,
    verificationFailed: 7,
  });
});
