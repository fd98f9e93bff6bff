/** A span of the day in UTC as people write it. */
import { UsageError } from '../foundation/errors.ts';

/**
 * `22:00-07:00` as minutes after midnight.
 * @param option how the option is called, for who got it wrong
 */
export function windowIn(text: string, option: string): { from: number; to: number } {
  const [, fromHour, fromMinute, toHour, toMinute] =
    /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  if (toMinute === undefined) throw new UsageError(`${option} is like 02:00-04:00, in UTC.`, { exitCode: 2 });
  return { from: Number(fromHour) * 60 + Number(fromMinute), to: Number(toHour) * 60 + Number(toMinute) };
}

/** Minutes after midnight as `22:00`. */
export function timeOfDay(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
}
