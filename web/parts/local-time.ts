/** Times where the reader is, as fields of the type datetime-local hold them. */

/** `2026-01-31T12:00` */
export function localTime(time: Date): string {
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
