import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createLogger } from '../../src/foundation/logger.ts';
import { UsageQueue } from '../../src/usage/usage-queue.ts';
import type { UsageRecord } from '../../src/usage/usage-record.ts';
import { usageRecord } from '../support/usage-record.ts';

const record = (number: number): UsageRecord => usageRecord({ requestId: String(number) });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function queue(longest = 1_000) {
  const written: string[][] = [];
  const lines: string[] = [];
  let dropped = 0;
  let isAway = false;
  let unfit: readonly string[] = [];
  const parts = {
    longest,
    log: createLogger({
      level: 'warn',
      format: 'json',
      scrub: (line) => line,
      write: (line) => lines.push(line),
    }),
    onDropped: (records: number) => {
      dropped += records;
    },
    isUnfit: (error: unknown) => error instanceof RangeError,
    write: async (records: readonly UsageRecord[]) => {
      if (isAway) throw new Error('the database is away');
      if (records.some(({ requestId }) => unfit.includes(requestId))) throw new RangeError('out of range');
      written.push(records.map(({ requestId }) => requestId));
    },
  };
  const made = new UsageQueue(parts);
  return {
    queue: made,
    written,
    lines,
    dropped: () => dropped,
    away: (is: boolean) => {
      isAway = is;
    },
    refuse: (...ids: readonly string[]) => {
      unfit = ids;
    },
  };
}

describe('usage', () => {
  test('is written in the order in which it came, in batches', async () => {
    const { queue: waiting, written } = queue(2_000);
    for (let number = 0; number < 1_200; number += 1) waiting.record(record(number));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(written.map(({ length }) => length)).toEqual([500, 500, 200]);
    expect(written.flat()).toEqual(Array.from({ length: 1_200 }, (_, number) => String(number)));
    expect(waiting.depth).toBe(0);
  });

  test('waits while the database is away, and what does not fit is counted and said', async () => {
    const { queue: waiting, written, dropped, away, lines } = queue(3);
    away(true);
    for (let number = 0; number < 5; number += 1) waiting.record(record(number));
    await vi.advanceTimersByTimeAsync(10_000);
    expect([waiting.depth, dropped(), written]).toEqual([3, 2, []]);
    away(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(written).toEqual([['0', '1', '2']]);
    expect(lines.join('')).toContain('"dropped":2');
  });

  test('that the database does not take keeps no other waiting, and is counted and said', async () => {
    const { queue: waiting, written, dropped, lines, refuse } = queue();
    refuse('3', '7');
    for (let number = 0; number < 10; number += 1) waiting.record(record(number));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(written.flat()).toEqual(['0', '1', '2', '4', '5', '6', '8', '9']);
    expect([waiting.depth, dropped()]).toEqual([0, 2]);
    expect(lines.join('')).toContain('"request":"7"');
  });

  test('that still waits at the end is written', async () => {
    const { queue: waiting, written } = queue();
    waiting.record(record(1));
    await waiting.stop();
    expect(written).toEqual([['1']]);
  });

  test('that cannot be written at the end is counted and said', async () => {
    const { queue: waiting, dropped, away, lines } = queue();
    away(true);
    waiting.record(record(1));
    waiting.record(record(2));
    await waiting.stop();
    expect(dropped()).toBe(2);
    expect(lines.join('')).toMatch(/"dropped":2.*is lost/);
  });
});
