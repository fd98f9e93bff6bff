/** Recurring work: one run at a time, none asked for in vain, with pauses between and longer ones after failures. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RecurringWork } from '../../src/foundation/recurring-work.ts';

describe('recurring work', () => {
  let runs: { at: number; end: (error?: Error) => void }[];
  let told: string[];
  let work: RecurringWork;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], now: 0 });
    runs = [];
    told = [];
    work = new RecurringWork({
      run: async () =>
        new Promise<void>((resolve, reject) => {
          runs.push({
            at: performance.now(),
            end: (error) => (error === undefined ? resolve() : reject(error)),
          });
        }),
      everyMs: 5_000,
      pauseMs: 1_000,
      longestWaitMs: 8_000,
      onFailed: ({ message }) => told.push(message),
      onRecovered: () => told.push('recovered'),
    });
  });
  afterEach(() => vi.useRealTimers());
  const pass = async (ms: number): Promise<void> => void (await vi.advanceTimersByTimeAsync(ms));
  const endLast = async (error?: Error): Promise<void> => {
    runs.at(-1)?.end(error);
    await pass(0);
  };
  const times = (): number[] => runs.map(({ at }) => at - (runs[0]?.at ?? 0));

  it('runs when it is asked, and again after its time without being asked', async () => {
    await pass(60_000);
    expect(runs).toHaveLength(0);
    work.wake();
    await pass(0);
    await endLast();
    await pass(4_999);
    expect(runs).toHaveLength(1);
    await pass(1);
    expect(times()).toEqual([0, 5_000]);
  });

  it('says how it goes: when it ran last and runs next, and what went wrong then', async () => {
    expect(work.status()).toEqual({ ranAgoMs: null, nextInMs: null, problem: null });
    work.wake();
    expect(work.status()).toMatchObject({ nextInMs: 0 });
    await pass(0);
    expect(work.status()).toEqual({ ranAgoMs: null, nextInMs: null, problem: null });
    await endLast(new Error('it broke'));
    expect(work.status()).toEqual({ ranAgoMs: 0, nextInMs: 1_000, problem: 'it broke' });
    await pass(1_000);
    await endLast();
    await pass(300);
    expect(work.status()).toEqual({ ranAgoMs: 300, nextInMs: 4_700, problem: null });
    await work.stop();
    expect(work.status()).toMatchObject({ nextInMs: null });
  });

  it('runs one at a time; whoever asks during a run gets one more run, after the pause', async () => {
    work.wake();
    await pass(0);
    work.wake();
    work.wake();
    await pass(3_000);
    expect(runs).toHaveLength(1);
    await endLast();
    await pass(999);
    expect(runs).toHaveLength(1);
    await pass(1);
    expect(times()).toEqual([0, 4_000]);
    await endLast();
    await pass(4_999);
    expect(runs).toHaveLength(2);
  });

  it('waits longer after each failure in a row, up to its limit, whoever asks; and tells when it works again', async () => {
    work.wake();
    await pass(0);
    for (const wait of [1_000, 2_000, 4_000, 8_000, 8_000]) {
      await endLast(new Error('no'));
      const before = runs.length;
      work.wake();
      await pass(wait - 1);
      expect(runs).toHaveLength(before);
      await pass(1);
      expect(runs).toHaveLength(before + 1);
    }
    await endLast();
    expect(told).toEqual(['no', 'no', 'no', 'no', 'no', 'recovered']);
    const before = runs.length;
    work.wake();
    await pass(1_000);
    expect(runs).toHaveLength(before + 1);
  });

  it('ends with the run that is going on, and begins none after', async () => {
    work.wake();
    await pass(0);
    work.wake();
    let isStopped = false;
    const stopped = (async () => {
      await work.stop();
      isStopped = true;
    })();
    await pass(100);
    expect(isStopped).toBe(false);
    await endLast();
    await stopped;
    work.wake();
    await pass(60_000);
    expect(runs).toHaveLength(1);
  });
});
