/**
 * What the trail says of bindings, handed on by retentions: without it, a key whose old events are gone would get
 * free once somebody wipes out the binding in its row.
 */
import { sql, type Kysely } from 'kysely';
import { z } from 'zod';
import type { Tables } from '../database/tables.ts';

/** As it was recorded: see recordedBinding. */
export interface PastBinding {
  /** Of the event that told of it first. */
  readonly sequence: number;
  readonly bound_to_host: string;
  readonly binding: string;
}

const handedOn = z.record(
  z.string(),
  z.object({ sequence: z.int(), bound_to_host: z.string(), binding: z.string() }),
);

/** The last binding of each provider, by slug, that the events up to this one tell of. */
export async function readLastBindings(
  db: Kysely<Tables>,
  through: number,
): Promise<Record<string, PastBinding>> {
  const { rows } = await sql<PastBinding & { slug: string }>`
    WITH last (slug, sequence) AS (
      SELECT target_id, max(sequence) FROM keyward_audit_events
       WHERE target_kind = 'provider' AND sequence <= ${through} AND position('"bound_to_host":' IN event) > 0
       GROUP BY target_id)
    SELECT slug, sequence::integer AS sequence, event::jsonb -> 'after' ->> 'bound_to_host' AS bound_to_host,
           event::jsonb -> 'after' ->> 'binding' AS binding
      FROM last JOIN keyward_audit_events USING (sequence)
     WHERE event::jsonb -> 'after' ->> 'binding' IS NOT NULL`.execute(db);
  const retentions = await db
    .selectFrom('keyward_audit_events')
    .select('event')
    .where('action', '=', 'audit.retention')
    .where('sequence', '<=', String(through))
    .orderBy('sequence')
    .execute();
  const before = retentions.flatMap(({ event }) =>
    Object.entries(bindingsOf((JSON.parse(event) as { after: Record<string, unknown> | null }).after)),
  );
  return Object.fromEntries([
    ...before,
    ...rows.map(
      ({ slug, sequence, bound_to_host, binding }) => [slug, { sequence, bound_to_host, binding }] as const,
    ),
  ]);
}

/** What the `after` of a retention hands on; nothing of another event. */
export function bindingsOf(after: Readonly<Record<string, unknown>> | null): Record<string, PastBinding> {
  return handedOn.catch({}).parse(after?.['last_bindings'] ?? {});
}
