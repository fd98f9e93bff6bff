/** Whoever guesses is slowed down, more each time; nobody else is, and nothing is remembered without end. */
import { beforeEach, describe, expect, it } from 'vitest';
import { AttemptLimiter } from '../../src/auth/attempt-limiter.ts';
import { manualClock, type ManualClock } from '../support/manual-clock.ts';

const minute = 60_000;
let clock: ManualClock;
let limiter: AttemptLimiter;
beforeEach(() => {
  clock = manualClock();
  limiter = new AttemptLimiter(clock);
});

function fail(times: number, address = '192.0.2.1', beginning = (n: number) => `guess-${n}`): void {
  for (let n = 0; n < times; n += 1) limiter.failed(address, beginning(n));
}

const pause = (address = '192.0.2.1', beginning = 'other'): number => limiter.pauseMs(address, beginning);

describe('an address', () => {
  it('may fail nine times within a minute, and is paused at the tenth', () => {
    fail(9);
    expect(pause()).toBe(0);
    fail(1);
    expect(pause()).toBe(30_000);
  });

  it('that fails now and then is not paused', () => {
    for (let n = 0; n < 40; n += 1) {
      fail(1);
      clock.pass(8_000);
    }
    expect(pause()).toBe(0);
  });

  it('is free again when the pause is over, to the millisecond', () => {
    fail(10);
    clock.pass(29_999);
    expect(pause()).toBe(1);
    clock.pass(1);
    expect(pause()).toBe(0);
  });

  it('is paused twice as long with each failure after that, up to a quarter of an hour', () => {
    fail(10);
    const pauses = Array.from({ length: 8 }, () => {
      clock.pass(pause());
      fail(1);
      return pause() / 1000;
    });
    expect(pauses).toEqual([60, 120, 240, 480, 900, 900, 900, 900]);
  });

  it('begins anew after half an hour without a failure', () => {
    fail(10);
    clock.pass(30 * minute);
    fail(9);
    expect(pause()).toBe(0);
  });

  it('does not suffer for another', () => {
    fail(100);
    expect(pause('192.0.2.2')).toBe(0);
  });

  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['::1', '::2', true],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::', true],
  ])('of IPv6 counts with the network that its owner has: %s and %s %s', (one, other, together) => {
    fail(10, one);
    expect(pause(other) > 0).toBe(together);
  });
});

describe('a beginning that many addresses try', () => {
  const beginning = 'kwa_abcdef';
  beforeEach(() => {
    for (let n = 0; n < 30; n += 1) limiter.failed(`198.51.100.${n}`, beginning);
  });

  it('leaves each address one failure instead of ten', () => {
    expect(pause('192.0.2.9', beginning)).toBe(0);
    limiter.failed('192.0.2.9', beginning);
    expect(pause('192.0.2.9', beginning)).toBeGreaterThan(0);
  });

  it('never pauses an address that has not failed: its owner gets in', () => {
    expect(pause('203.0.113.5', beginning)).toBe(0);
  });

  it('does not pause other beginnings', () => {
    expect(pause('198.51.100.3', 'kwa_zyxwvu')).toBe(0);
  });
});

it('remembers the last twenty thousand, however many come', () => {
  for (let n = 0; n < 50_000; n += 1)
    limiter.failed(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, `guess-${n}`);
  expect(limiter.size).toBe(20_000);
});

it('forgets the address that has been quiet the longest, and not one that is still at it', () => {
  fail(9, '192.0.2.1');
  for (let n = 0; n < 9_999; n += 1) limiter.failed(`10.0.${n >> 8}.${n & 255}`, 'x');
  fail(1, '192.0.2.1');
  expect(pause('192.0.2.1')).toBeGreaterThan(0);
  for (let n = 0; n < 9_999; n += 1) limiter.failed(`10.1.${n >> 8}.${n & 255}`, 'x');
  expect(pause('192.0.2.1')).toBeGreaterThan(0);
});
