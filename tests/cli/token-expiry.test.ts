/** Until when a new token is good, as people write it: never longer or shorter than they can have meant. */
import { describe, expect, it } from 'vitest';
import { readExpiry } from '../../src/cli/token-expiry.ts';
import { UsageError } from '../../src/foundation/errors.ts';

const now = new Date('2026-03-01T09:30:00.000Z');

describe('a span', () => {
  it.each([
    ['30m', '2026-03-01T10:00:00.000Z'],
    ['12h', '2026-03-01T21:30:00.000Z'],
    ['90d', '2026-05-30T09:30:00.000Z'],
    ['4w', '2026-03-29T09:30:00.000Z'],
  ])('of %s ends at %s', (expiresIn, expected) => {
    expect(readExpiry({ expiresIn }, now)?.toISOString()).toBe(expected);
  });

  it.each(['', '90', 'd', '90 d', '-1d', '1.5h', '90days', '1y', '9999999m', '0d', '21000d', '1D'])(
    'of %j is refused as wrong use',
    (expiresIn) => {
      expect(() => readExpiry({ expiresIn }, now)).toThrow(UsageError);
      expect(() => readExpiry({ expiresIn }, now)).toThrow(expect.objectContaining({ exitCode: 2 }));
    },
  );
});

describe('a date', () => {
  it.each([
    ['2027-01-31', '2027-01-31T00:00:00.000Z'],
    ['2028-02-29', '2028-02-29T00:00:00.000Z'],
    ['2027-01-31T12:00Z', '2027-01-31T12:00:00.000Z'],
    ['2027-01-31T12:00:30+02:00', '2027-01-31T10:00:30.000Z'],
    ['2026-03-01T09:30:00.001Z', '2026-03-01T09:30:00.001Z'],
  ])('%s is %s', (expiresAt, expected) => {
    expect(readExpiry({ expiresAt }, now)?.toISOString()).toBe(expected);
  });

  it.each([
    '2027-02-31',
    '2027-13-01',
    '2027-02-29T12:00Z',
    '31.01.2027',
    '01/31/2027',
    '2027-01-31T12:00',
    '2027-01-31 12:00Z',
    'tomorrow',
    '',
    '2026-03-01T09:30:00Z',
    '2001-01-01',
    '2099-01-01',
  ])('%j is refused as wrong use', (expiresAt) => {
    expect(() => readExpiry({ expiresAt }, now)).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});

it('a token without either does not expire, and one with both is refused', () => {
  expect(readExpiry({}, now)).toBeNull();
  expect(() => readExpiry({ expiresIn: '1d', expiresAt: '2027-01-31' }, now)).toThrow(/not both/);
});
