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
    write: async (records: readonly UsageRecord[]) => {
      if (isAway) throw new Error('the database is away');
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

  test('that still waits at the end is written', async () => {
    const { queue: waiting, written } = queue();
    waiting.record(record(1));
    await waiting.stop();
    expect(written).toEqual([['1']]);
  });
});
