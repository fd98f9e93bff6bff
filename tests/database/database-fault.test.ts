/** Faults of the database are told apart from faults of the program, and said in one line with what to do. */
import { describe, expect, it } from 'vitest';
import {
  databaseFaultSentence,
  isDatabaseFault,
  isDatabaseUnavailable,
} from '../../src/database/database-fault.ts';

const withCode = (message: string, code: string, more: object = {}): Error =>
  Object.assign(new Error(message), { code, ...more });

describe('a fault of the database', () => {
  it.each([
    withCode('x', '42501'),
    withCode('x', 'XX000'),
    withCode('x', 'ECONNREFUSED'),
    new Error('Connection terminated'),
  ])('is %s', (error) => expect(isDatabaseFault(error)).toBe(true));
  it.each([
    new TypeError('x is not a function'),
    withCode('x', 'ENOENT'),
    withCode('x', 'EPERM'),
    new Error('a bug'),
    'text',
  ])('is not %s', (error) => expect(isDatabaseFault(error)).toBe(false));
});

describe('a database that may answer the next time', () => {
  it.each([
    withCode('connect', 'ECONNREFUSED'),
    withCode('connect ENOENT .s.PGSQL.5432', 'ENOENT'),
    withCode('too many connections', '53300'),
    withCode('deadlock detected', '40P01'),
    withCode('lock timeout', '55P03'),
    new Error('timeout exceeded when trying to connect'),
    new Error('The connection left a statement unanswered.'),
    withCode('password authentication failed', '28P01'),
    withCode('database "kw" is not currently accepting connections', '55000'),
  ])('is one that says %s', (error) => expect(isDatabaseUnavailable(error)).toBe(true));
  it.each([withCode('x', '42P01'), withCode('duplicate key', '23505'), new TypeError('a bug')])(
    'is none that says %s',
    (error) => expect(isDatabaseUnavailable(error)).toBe(false),
  );
});

it.each([
  [
    withCode('permission denied for table llm_providers', '42501'),
    'The database refused: permission denied for table llm_providers. Connect as the role that owns the tables, or grant this one the rights.',
  ],
  [
    withCode('relation "llm_providers" does not exist', '42P01'),
    'The database refused: relation "llm_providers" does not exist. See what is missing with: keyward migrate --check',
  ],
  [
    withCode('duplicate key', '23505', { detail: 'Key (encrypted_api_key)=(secret) already exists.' }),
    'The database refused: duplicate key.',
  ],
  [withCode('read ECONNRESET', 'ECONNRESET'), 'The connection to the database was lost: read ECONNRESET.'],
])('%s is said in one line, without its details', (error, line) => {
  expect(databaseFaultSentence(error)).toBe(line);
});
