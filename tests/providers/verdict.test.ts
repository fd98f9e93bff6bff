import { expect, test } from 'vitest';
import { isProof, testStatusOf, verdicts } from '../../src/providers/verdict.ts';

test('only valid, invalid and compromised are proof', () => {
  expect(verdicts.filter(isProof)).toEqual(['valid', 'invalid', 'compromised']);
});

test('proof is stored as valid or invalid, and everything else as error', () => {
  expect(Object.fromEntries(verdicts.map((verdict) => [verdict, testStatusOf(verdict)]))).toEqual({
    valid: 'valid',
    invalid: 'invalid',
    compromised: 'invalid',
    restricted: 'error',
    out_of_credit: 'error',
    rate_limited: 'error',
    region_blocked: 'error',
    unreachable: 'error',
    unknown: 'error',
  });
});
