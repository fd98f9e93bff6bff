/**
 * What the trail says of the keys: by provider, the fingerprint that was stored last. Retentions hand on what
 * the events said that they removed.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { readRetentions } from './retention-event.ts';

/**
 * @param through only what happened up to this event
 * @returns by slug; null where the key was removed. A provider that no event tells of is not there
 */
export async function readLastKeys(
  db: Kysely<Tables>,
  through = Number.MAX_SAFE_INTEGER,
): Promise<Map<string, string | null>> {
  const emptied = await lastEmptying(db, through);
  // What lies before an event that is there is older than that event.
  const handedOn = emptied === 0 ? await readRetentions(db) : [];
  // JSON is read of the last event of each provider only: the text tells which events speak of a key. A
  // provider that another program gave a new name leaves no key under the old one.
  const { rows } = await sql<{ slug: string; fingerprint: string | null }>`
    WITH last (slug, sequence) AS (
      SELECT target_id, max(sequence) FROM keyward_audit_events
       WHERE target_kind = 'provider' AND outcome = 'done' AND action <> 'provider.key_tested'
         AND sequence > ${emptied} AND sequence <= ${through}
         AND (action IN ('provider.created', 'provider.deleted') OR position('"fingerprint":' IN event) > 0)
       GROUP BY target_id),
    told (slug, fingerprint, sequence) AS (
      SELECT slug, event::jsonb -> 'after' ->> 'fingerprint', sequence FROM last JOIN keyward_audit_events USING (sequence)
      UNION ALL
      SELECT event::jsonb -> 'before' ->> 'provider_slug', NULL, sequence FROM keyward_audit_events
       WHERE action = 'database.changed' AND sequence > ${emptied} AND sequence <= ${through}
         AND CASE WHEN position('"provider_slug":' IN event) > 0
                  THEN event::jsonb -> 'before' ->> 'provider_slug' <> target_id END)
    SELECT DISTINCT ON (slug) slug, fingerprint FROM told ORDER BY slug, sequence DESC`.execute(db);
  return new Map([
    ...handedOn.flatMap(({ lastKeys }) => Object.entries(lastKeys)),
    ...rows.map(({ slug, fingerprint }) => [slug, fingerprint] as const),
  ]);
}

/** The last event that tells of a TRUNCATE of the providers; 0 where none does. */
async function lastEmptying(db: Kysely<Tables>, through: number): Promise<number> {
  const row = await db
    .selectFrom('keyward_audit_events')
    .select('sequence')
    .where('target_kind', '=', 'table')
    .where('target_id', '=', 'llm_providers')
    .where('sequence', '<=', String(through))
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  return Number(row?.sequence ?? 0);
}
