/** Days and hours in UTC. */

export const dayMs = 86_400_000;

export const hourMs = 3_600_000;

/** `2026-03-01` */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

/** The beginning of the hour in which this time lies. */
export function hourOf(time: Date): Date {
  return new Date(Math.floor(time.getTime() / hourMs) * hourMs);
}
