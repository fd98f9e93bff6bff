/** What fails is tried ever more rarely, for about a day, and never sooner than the receiver asked. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nextAttemptMs } from '../../src/alerts/next-attempt.ts';
import { retryAfterSeconds } from '../../src/foundation/retry-after.ts';

it('a delivery is given up after about a day', () => {
  let elapsedMs = 0;
  let attempts = 1;
  for (let wait; (wait = nextAttemptMs(attempts, { dice: 0.5 })) !== null; attempts += 1) elapsedMs += wait;
  expect(elapsedMs / 3_600_000).toBeGreaterThan(20);
  expect(elapsedMs / 3_600_000).toBeLessThan(26);
});

it('the first attempts follow soon, and no two receivers that failed together are tried together', () => {
  expect([1, 2, 3].map((attempts) => nextAttemptMs(attempts, { dice: 0.5 }))).toEqual([
    30_000, 60_000, 120_000,
  ]);
  expect(nextAttemptMs(1, { dice: 0 })).toBe(24_000);
  expect(nextAttemptMs(1, { dice: 1 })).toBe(36_000);
});

it('no attempt comes before the receiver asked for it', () => {
  const dice = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 29 }),
      fc.integer({ min: 0, max: 86_400 }),
      dice,
      (attempts, seconds, of) => {
        expect(nextAttemptMs(attempts, { retryAfterSeconds: seconds, dice: of })).toBeGreaterThanOrEqual(
          seconds * 1_000,
        );
      },
    ),
  );
});

it.each([
  ['120', 120],
  ['Sun, 01 Mar 2026 09:01:00 GMT', 60],
  ['Sun, 01 Mar 2026 08:00:00 GMT', 0],
  ['999999999', 86_400],
  ['soon', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After %j asks for %j seconds', (header, seconds) => {
  expect(retryAfterSeconds(header, new Date('2026-03-01T09:00:00.000Z'))).toBe(seconds);
});
