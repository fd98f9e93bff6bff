/** A clock that stands still until a test moves it; both of its times move together. */
import type { Clock } from '../../src/foundation/clock.ts';

export interface ManualClock extends Clock {
  /** Lets time pass. */
  pass(ms: number): void;
  /** Takes the wall clock to this moment; durations are not touched. */
  set(now: Date): void;
}

export function manualClock(start = new Date('2026-03-01T09:00:00.000Z')): ManualClock {
  let nowMs = start.getTime();
  let elapsedMs = 0;
  return {
    now: () => new Date(nowMs),
    monotonicMs: () => elapsedMs,
    pass: (ms) => {
      nowMs += ms;
      elapsedMs += ms;
    },
    set: (now) => {
      nowMs = now.getTime();
    },
  };
}
