/** When a delivery that failed is tried again: a pure function, after ever longer pauses, for about a day. */

const firstPauseMs = 30_000;
const longestPauseMs = 3_600_000;
/** With the pauses above these take 23 hours. */
const mostAttempts = 30;
/** Of the pause, up or down, so that what failed together is not tried together. */
const jitter = 0.2;

/**
 * @param attempts how many have failed
 * @param dice from 0 to 1
 * @returns milliseconds from now; null: it is given up
 */
export function nextAttemptMs(
  attempts: number,
  { retryAfterSeconds = 0, dice }: { readonly retryAfterSeconds?: number; readonly dice: number },
): number | null {
  if (attempts >= mostAttempts) return null;
  const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempts - 1));
  const spread = pause * (1 - jitter + 2 * jitter * dice);
  return Math.round(Math.max(spread, retryAfterSeconds * 1_000));
}
