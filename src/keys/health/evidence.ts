/** All that was said of keys, by tests and by calls: the last time of each verdict, for healthOf to judge. */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../../database/tables.ts';
import { verdictIn } from '../rotation/rotation-store.ts';
import type { Seen } from './health-status.ts';
import type { ServedKey } from './live-verdicts.ts';

/** By `nameOfKey`; a key of which nothing was heard is missing. */
export type Evidence = ReadonlyMap<string, readonly Seen[]>;

export function nameOfKey({ slug, fingerprint }: ServedKey): string {
  return `${slug} ${fingerprint}`;
}

export async function readEvidence(db: Kysely<Tables>, keys: readonly ServedKey[]): Promise<Evidence> {
  const slugs = keys.map(({ slug }) => slug);
  const fingerprints = keys.map(({ fingerprint }) => fingerprint);
  const { rows } = await sql<ServedKey & { verdict: string; at: Date }>`
    SELECT provider_slug AS slug, fingerprint, verdict, max(tested_at) AS at FROM keyward_key_tests
     WHERE provider_slug = ANY (${slugs}) AND fingerprint = ANY (${fingerprints}) GROUP BY 1, 2, 3
    UNION ALL
    SELECT provider_slug, fingerprint, verdict, last_seen_at
      FROM keyward_live_verdicts JOIN llm_providers ON llm_providers.id = provider_id
     WHERE provider_slug = ANY (${slugs}) AND fingerprint = ANY (${fingerprints})`.execute(db);
  const evidence = new Map<string, Seen[]>();
  for (const { verdict: text, at, ...key } of rows) {
    const verdict = verdictIn(text);
    if (verdict === null) continue;
    const name = nameOfKey(key);
    evidence.set(name, [...(evidence.get(name) ?? []), { verdict, at }]);
  }
  return evidence;
}
