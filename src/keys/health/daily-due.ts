/**
 * When a key has its daily test: once a day in UTC, at a minute within the window that follows from the
 * provider's slug alone, so that every instance reckons the same and not all are asked at once.
 */
import { createHash } from 'node:crypto';

/** Minutes after midnight, UTC; the first inclusive, the last exclusive, and both on the same day. */
export interface TestWindow {
  readonly fromMinute: number;
  readonly toMinute: number;
}

/** One a day, in the longest month. */
export const mostTestsInMonth = 31;

/** @param day as dayOf gives it */
export function dailyDueAt(slug: string, day: string, { fromMinute, toMinute }: TestWindow): Date {
  const seconds = (toMinute - fromMinute) * 60;
  const offset = createHash('sha256').update(slug).digest().readUInt32BE(0) % seconds;
  return new Date(Date.parse(`${day}T00:00:00Z`) + (fromMinute * 60 + offset) * 1_000);
}
