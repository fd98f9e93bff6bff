/**
 * The daily call that spends a token, for providers whose policy asks for one: proof that a key answers chats, which
 * the free call does not give. No more are made in a month than the policy allows, over all instances, and one a day;
 * a call counts from before it is sent, whatever becomes of it.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../../database/tables.ts';
import type { ClaimedTest } from './daily-tests.ts';

export interface Probe {
  /** As the provider knows it. */
  readonly model: string;
  readonly monthlyCalls: number;
  /** `2026-03`: the month that `callsMade` counts, UTC; null: none was made yet. */
  readonly month: string | null;
  readonly callsMade: number;
  /** By the price in llm_models; null: none stands there. */
  readonly usdPerCall: number | null;
}

/** What the call asks for is one word, around which each provider puts a few tokens of its own. */
const [tokensIn, tokensOut] = [10, 1];

/** SQL: what a call of the row `policy` costs in USD, reckoned with ten tokens in and one out. */
export const usdPerProbe = sql<number | null>`
  (SELECT min(cost_per_1m_input_tokens * ${sql.lit(tokensIn)} + cost_per_1m_output_tokens * ${sql.lit(tokensOut)})::float8 / 1e6
     FROM llm_models WHERE llm_models.provider_id = policy.provider_id AND model_id = policy.probe_model)`;

class NoProbe extends Error {}

/**
 * Takes one of the calls of this month for a test that this instance runs.
 * @returns the model to call; null: none is wanted, the month has had its calls, or the day has had its one
 */
export async function claimProbe(
  db: Kysely<Tables>,
  instanceId: string,
  { provider_id: id, day }: ClaimedTest,
): Promise<string | null> {
  try {
    return await db.transaction().execute(async (tx) => {
      const { rows } = await sql<{ probe_model: string }>`
        UPDATE keyward_key_policies
           SET probe_calls = CASE WHEN probe_month = date_trunc('month', ${day}::date)::date THEN probe_calls + 1 ELSE 1 END,
               probe_month = date_trunc('month', ${day}::date)::date
         WHERE provider_id = ${id} AND probe_model IS NOT NULL
           AND (probe_month IS DISTINCT FROM date_trunc('month', ${day}::date)::date OR probe_calls < probe_monthly_calls)
        RETURNING probe_model`.execute(tx);
      const [found] = rows;
      if (found === undefined) return null;
      const { numAffectedRows } = await sql`
        UPDATE keyward_daily_tests SET remark = ${`A call of one token was begun with ${found.probe_model}.`}
         WHERE provider_id = ${id} AND day = ${day}::date AND state = 'running' AND claimed_by = ${instanceId} AND remark IS NULL`.execute(
        tx,
      );
      // With it goes what was counted.
      if (numAffectedRows !== 1n) throw new NoProbe();
      return found.probe_model;
    });
  } catch (error) {
    if (error instanceof NoProbe) return null;
    throw error;
  }
}
