/** Days in UTC. */

export const dayMs = 86_400_000;

/** `2026-03-01` */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
