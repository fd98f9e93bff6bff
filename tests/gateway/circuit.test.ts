import { describe, expect, test } from 'vitest';
import { Circuits } from '../../src/gateway/circuit.ts';

const rule = { failures: 3, overMs: 1_000, firstPauseMs: 2_000, longestPauseMs: 5_000 };

function circuits() {
  let nowMs = 0;
  const all = new Circuits(rule, { monotonicMs: () => nowMs });
  return {
    all,
    pass: (ms: number) => {
      nowMs += ms;
    },
    fail: (times: number, everyMs = 500) => {
      for (let turn = 0; turn < times; turn += 1) {
        all.failed('host');
        nowMs += everyMs;
      }
    },
  };
}

describe('a circuit', () => {
  test('stays closed while many fail in one moment, and while failures are followed by what works', () => {
    const { all, fail } = circuits();
    fail(100, 0);
    expect(all.mayNotBefore('host')).toBeNull();
    all.worked('host');
    fail(2);
    all.worked('host');
    fail(2);
    expect(all.mayNotBefore('host')).toBeNull();
  });

  test('opens when it fails in a row over a while, for that name alone', () => {
    const { all, fail } = circuits();
    fail(3);
    expect(all.mayNotBefore('host')).toBe(1_500);
    expect(all.mayNotBefore('another')).toBeNull();
    expect(all.isOpen('host')).toBe(true);
  });

  test('lets one look when the time is up, and closes when that one works', () => {
    const { all, fail, pass } = circuits();
    fail(3);
    pass(1_500);
    expect([all.mayNotBefore('host'), all.mayNotBefore('host')]).toEqual([null, 2_000]);
    all.worked('host');
    expect([all.mayNotBefore('host'), all.mayNotBefore('host')]).toEqual([null, null]);
  });

  test('opens again for twice as long when that one fails, up to a limit', () => {
    const { all, fail, pass } = circuits();
    fail(3);
    const pauses = [1_500];
    for (let turn = 0; turn < 3; turn += 1) {
      pass(pauses.at(-1) ?? 0);
      expect(all.mayNotBefore('host')).toBeNull();
      all.failed('host');
      pauses.push(all.mayNotBefore('host') ?? 0);
    }
    expect(pauses).toEqual([1_500, 4_000, 5_000, 5_000]);
  });

  test('lets another one look when the first one left without an outcome', () => {
    const { all, fail, pass } = circuits();
    fail(3);
    pass(1_500);
    expect(all.mayNotBefore('host')).toBeNull();
    all.saidNothing('host');
    expect(all.mayNotBefore('host')).toBeNull();
  });

  test('opens at once for what has been proven elsewhere, and not again for the same proof once it has worked', () => {
    const { all, pass } = circuits();
    all.learn('host', true);
    expect(all.mayNotBefore('host')).toBe(2_000);
    pass(2_000);
    all.learn('host', true);
    expect(all.mayNotBefore('host')).toBeNull();
    all.worked('host');
    all.learn('host', true);
    expect(all.mayNotBefore('host')).toBeNull();
    all.learn('host', false);
    all.learn('host', true);
    expect(all.mayNotBefore('host')).toBe(2_000);
  });

  test('closes when the proof is taken back, and stays as it is where there was none', () => {
    const { all, fail } = circuits();
    all.learn('host', true);
    all.learn('host', false);
    expect(all.mayNotBefore('host')).toBeNull();
    fail(3);
    all.learn('host', false);
    expect(all.mayNotBefore('host')).not.toBeNull();
  });

  test('that was opened by proof opens for twice as long when the one that looked fails', () => {
    const { all, pass } = circuits();
    all.learn('host', true);
    pass(2_000);
    expect(all.mayNotBefore('host')).toBeNull();
    all.failed('host');
    expect(all.mayNotBefore('host')).toBe(4_000);
  });
});
