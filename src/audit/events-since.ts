/** Reading on in the audit trail from where the last reading ended. */
import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { AuditAction } from './audit-event.ts';

export interface TrailReading {
  /** The events, in their order, as they were recorded. */
  readonly events: readonly PastEvent[];
  /** The sequence to go on from. */
  readonly through: number;
  /** The trail ended before the given sequence: it is another one, from a backup for example. */
  readonly isAnother: boolean;
}

/** What is read back of an event; who wrote it has seen to its form, and nobody else. */
export interface PastEvent {
  readonly sequence: number;
  readonly target: { readonly kind: string; readonly id: string };
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

/** All events of these actions after that sequence; of another trail, all from its start. */
export async function readEventsSince(
  db: Kysely<Tables>,
  sequence: number,
  actions: readonly AuditAction[],
): Promise<TrailReading> {
  const last = await db
    .selectFrom('keyward_audit_events')
    .select('sequence')
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  const through = Number(last?.sequence ?? 0);
  const isAnother = through < sequence;
  if (through === sequence) return { events: [], through, isAnother };
  const rows = await db
    .selectFrom('keyward_audit_events')
    .select('event')
    .where('sequence', '>', String(isAnother ? 0 : sequence))
    .where('sequence', '<=', String(through))
    .where('action', 'in', actions)
    .orderBy('sequence')
    .execute();
  return { events: rows.map(({ event }) => JSON.parse(event) as PastEvent), through, isAnother };
}
