/** When a key is to be rotated by its schedule: pure reckoning in UTC, from the age or the end of the key. */
import { dayMs } from '../../foundation/day.ts';

export interface DueSchedule {
  readonly every_days: number | null;
  readonly before_expiry_days: number | null;
  readonly jitter_minutes: number;
}

export interface MaintenanceWindow {
  /** Minutes after midnight, UTC; null: any time. */
  readonly window_from: number | null;
  readonly window_to: number | null;
}

export interface DatedKey {
  readonly since: Date;
  readonly expiresAt: Date | null;
}

/**
 * @param dice a number from 0 up to 1: how much of the jitter is added
 * @returns null where nothing is due ever: by its end, and the end is not known
 */
export function dueAt(schedule: DueSchedule, key: DatedKey, dice: number): Date | null {
  const { every_days: every, before_expiry_days: before, jitter_minutes: jitter } = schedule;
  const times = [
    ...(every === null ? [] : [key.since.getTime() + every * dayMs]),
    ...(before === null || key.expiresAt === null ? [] : [key.expiresAt.getTime() - before * dayMs]),
  ];
  return times.length === 0 ? null : new Date(Math.min(...times) + dice * jitter * 60_000);
}

/** The time itself where the window is open then, else when it opens next. */
export function withinWindow(at: Date, window: MaintenanceWindow): Date {
  if (isInWindow(at, window) || window.window_from === null) return at;
  const opens = new Date(at);
  opens.setUTCHours(0, window.window_from, 0, 0);
  return opens < at ? new Date(opens.getTime() + dayMs) : opens;
}

/** A window that ends before it begins goes over midnight; one that ends when it begins is the whole day, and is not set any more. */
export function isInWindow(now: Date, { window_from: from, window_to: to }: MaintenanceWindow): boolean {
  if (from === null || to === null || from === to) return true;
  const minute = now.getUTCHours() * 60 + now.getUTCMinutes();
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}
