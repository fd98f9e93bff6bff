/**
 * The table keyward_live_verdicts: what calls said of each key, last and how often; and which instance has a
 * refused key tested because of it, one in a while.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../../database/tables.ts';
import type { Verdict } from '../../providers/verdict.ts';

/** Longer than a test takes. */
const claimSeconds = 60;
/** A key that goes on being refused is tested again after this time at the earliest. */
const debounceSeconds = 600;

export interface LiveVerdict {
  readonly slug: string;
  readonly fingerprint: string;
  readonly verdict: Verdict;
  readonly calls: number;
  readonly at: Date;
}

/** Adds what an instance saw; of a provider that is gone nothing is kept. */
export async function addLiveVerdict(
  db: Kysely<Tables>,
  { slug, fingerprint, verdict, calls, at }: LiveVerdict,
): Promise<void> {
  await sql`
    INSERT INTO keyward_live_verdicts AS seen (provider_id, fingerprint, verdict, calls, first_seen_at, last_seen_at)
    SELECT id, ${fingerprint}, ${verdict}, ${calls}, ${at}, ${at} FROM llm_providers WHERE provider_slug = ${slug}
    ON CONFLICT (provider_id, fingerprint, verdict) DO UPDATE
       SET calls = seen.calls + EXCLUDED.calls, first_seen_at = least(seen.first_seen_at, EXCLUDED.first_seen_at),
           last_seen_at = greatest(seen.last_seen_at, EXCLUDED.last_seen_at)`.execute(db);
}

export interface ServedKey {
  readonly slug: string;
  readonly fingerprint: string;
}

export interface ClaimedRefusal extends ServedKey {
  readonly provider_id: number;
  readonly verdict: Verdict;
}

/**
 * The keys among these that calls proved dead since they were last tested because of that, for this instance
 * from now on; one statement.
 */
export async function claimRefusals(
  db: Kysely<Tables>,
  instanceId: string,
  { at, served }: { readonly at: Date; readonly served: readonly ServedKey[] },
): Promise<ClaimedRefusal[]> {
  const now = sql`now() AT TIME ZONE 'UTC'`;
  const { rows } = await sql<ClaimedRefusal>`
    UPDATE keyward_live_verdicts AS seen
       SET claimed_by = ${instanceId}, claimed_until = ${now} + make_interval(secs => ${sql.lit(claimSeconds)})
      FROM llm_providers
     WHERE llm_providers.id = seen.provider_id AND (seen.provider_id, seen.fingerprint, seen.verdict) IN (
             SELECT provider_id, fingerprint, verdict FROM keyward_live_verdicts
              WHERE verdict IN ('invalid', 'compromised')
                AND fingerprint = ANY (${served.map(({ fingerprint }) => fingerprint)})
                AND (tested_at IS NULL
                     OR (last_seen_at > tested_at AND tested_at <= ${at}::timestamp - make_interval(secs => ${sql.lit(debounceSeconds)})))
                AND (claimed_until IS NULL OR claimed_until <= ${now}
                     OR claimed_by NOT IN (SELECT id FROM keyward_instances WHERE seen_at > ${now} - interval '15 seconds'))
              ORDER BY last_seen_at FOR UPDATE SKIP LOCKED)
    RETURNING seen.provider_id, llm_providers.provider_slug AS slug, seen.fingerprint, seen.verdict`.execute(
    db,
  );
  return rows;
}

/** @param testedAt null: it could not be tested now, and is taken again */
export async function releaseRefusal(
  db: Kysely<Tables>,
  instanceId: string,
  { provider_id: id, fingerprint }: ClaimedRefusal,
  testedAt: Date | null,
): Promise<void> {
  await sql`
    UPDATE keyward_live_verdicts
       SET claimed_by = NULL, claimed_until = NULL, tested_at = coalesce(${testedAt}::timestamp, tested_at)
     WHERE provider_id = ${id} AND fingerprint = ${fingerprint} AND claimed_by = ${instanceId}`.execute(db);
}

/** Forgets what was last seen before that. */
export async function forgetLiveVerdicts(db: Kysely<Tables>, before: Date): Promise<void> {
  await db.deleteFrom('keyward_live_verdicts').where('last_seen_at', '<', before).execute();
}
