/**
 * Time as a part that can be replaced: everything that compares or stores a time takes a Clock, so
 * that tests set the time and never wait for it.
 */
export interface Clock {
  /** Wall-clock time in UTC. */
  now(): Date;
  /** Milliseconds from an arbitrary origin, never going back; for durations. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
};
