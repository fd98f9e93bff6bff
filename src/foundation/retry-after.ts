/** The header Retry-After (RFC 9110, 10.2.3): seconds, or a date; a day at most. */

const longestRetryAfterSeconds = 86_400;

/** @returns undefined where it is not there, or says nothing */
export function retryAfterSeconds(header: string | string[] | undefined, now: Date): number | undefined {
  const text = [header].flat()[0]?.trim();
  if (text === undefined || text === '') return undefined;
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : (Date.parse(text) - now.getTime()) / 1_000;
  if (Number.isNaN(seconds)) return undefined;
  return Math.min(Math.max(0, Math.ceil(seconds)), longestRetryAfterSeconds);
}
