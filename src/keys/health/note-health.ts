/**
 * The columns of health in llm_providers, for the platform's other programs and its pages: what healthOf says of
 * the key that serves. They move no revision, and no program here decides by them.
 */
import type { Kysely } from 'kysely';
import type { Tables } from '../../database/tables.ts';
import { nameOfKey, readEvidence } from './evidence.ts';
import { healthOf } from './health-status.ts';
import type { ServedKey } from './live-verdicts.ts';

/** After a test or a refusal, in its transaction. */
export async function noteHealth(
  tx: Kysely<Tables>,
  key: ServedKey,
  { at, responseTimeMs }: { readonly at: Date; readonly responseTimeMs?: number },
): Promise<void> {
  const evidence = await readEvidence(tx, [key]);
  const { status } = healthOf(evidence.get(nameOfKey(key)) ?? [], at);
  await tx
    .updateTable('llm_providers')
    .set({
      health_status: status,
      health_last_checked: at,
      ...(responseTimeMs !== undefined && { health_response_time_ms: responseTimeMs }),
    })
    .where('provider_slug', '=', key.slug)
    .execute();
}

/** Brings the columns up to what is known by now: calls were answered, two days have passed, another key serves. */
export async function refreshHealth(
  db: Kysely<Tables>,
  keys: readonly ServedKey[],
  now: Date,
): Promise<void> {
  if (keys.length === 0) return;
  const evidence = await readEvidence(db, keys);
  for (const key of keys) {
    const { status } = healthOf(evidence.get(nameOfKey(key)) ?? [], now);
    await db
      .updateTable('llm_providers')
      .set({ health_status: status })
      .where('provider_slug', '=', key.slug)
      .where('health_status', 'is distinct from', status)
      .execute();
  }
}
