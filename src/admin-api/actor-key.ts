/** Tells actors apart where something is counted or kept for each. */
import type { Actor } from '../audit/audit-event.ts';

const longestKey = 300;

/** `admin_token:7`; by name where the kind has no numbers. */
export function actorKey({ kind, id, name }: Actor): string {
  return `${kind}:${id ?? name}`.slice(0, longestKey);
}
