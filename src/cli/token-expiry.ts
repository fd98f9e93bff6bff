/** Reads until when a new token is to be good, as people write it: a span from now, or a date. */
import { UsageError } from '../foundation/errors.ts';

const unitMs: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};
const longestYears = 20;
const yearMs = 366 * 86_400_000;
const misuse = { exitCode: 2 };

export interface ExpiryOptions {
  /** `90d`, `12h`, `30m`, `4w`. */
  readonly expiresIn?: string;
  /** A date, which begins at midnight UTC, or a time with its zone. */
  readonly expiresAt?: string;
}

/**
 * @returns null for a token that does not expire
 * @throws UsageError with exit code 2 for what is neither, has passed, or is too far away to be meant
 */
export function readExpiry({ expiresIn, expiresAt }: ExpiryOptions, now: Date): Date | null {
  if (expiresIn !== undefined && expiresAt !== undefined)
    throw new UsageError('Give --expires-in or --expires-at, not both.', misuse);
  if (expiresIn === undefined && expiresAt === undefined) return null;
  const time =
    expiresIn === undefined ? timeOf(expiresAt ?? '') : new Date(now.getTime() + spanMs(expiresIn));
  if (time <= now) throw new UsageError('The token would have expired already. Nothing was made.', misuse);
  if (time.getTime() - now.getTime() > longestYears * yearMs)
    throw new UsageError(
      `A token lasts ${longestYears} years at most; without an end it is good until it is revoked.`,
      misuse,
    );
  return time;
}

function spanMs(text: string): number {
  const { number, unit = '' } = /^(?<number>\d{1,6})(?<unit>[mhdw])$/.exec(text)?.groups ?? {};
  const one = unitMs[unit];
  if (one === undefined)
    throw new UsageError('--expires-in takes a number and a unit: 30m, 12h, 90d or 4w.', misuse);
  return Number(number) * one;
}

const dateOrTime = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

function timeOf(text: string): Date {
  const time = new Date(dateOrTime.test(text) ? text : Number.NaN);
  // JavaScript takes the 31st of February for a day in March.
  const day = text.slice(0, 10);
  if (!Number.isNaN(time.getTime()) && new Date(day).toISOString().startsWith(day)) return time;
  throw new UsageError(
    '--expires-at takes a date, 2027-01-31, or a time with its zone, 2027-01-31T12:00Z.',
    misuse,
  );
}
