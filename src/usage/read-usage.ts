/** What was used, from keyward_usage_daily: summed by day, provider, model, token or key, and what a token has spent. */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';

export const usageGroups = ['day', 'provider', 'model', 'token', 'key'] as const;

export type UsageGroup = (typeof usageGroups)[number];

export interface UsageQuestion {
  readonly by: readonly UsageGroup[];
  /** As 2026-01-31, in UTC; both days are in it. */
  readonly from: string;
  readonly to: string;
  readonly provider?: string | undefined;
  readonly tokenId?: number | undefined;
}

export interface UsageSum {
  readonly day: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  /** keyward_tokens.id; 0 for a token of the environment. */
  readonly tokenId: number | null;
  /** Null where it is gone, or where it is not asked for. */
  readonly tokenName: string | null;
  readonly keyFingerprint: string | null;
  readonly requests: number;
  readonly errors: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  readonly costUsd: number;
  readonly unpriced: number;
  readonly averageLatencyMs: number;
}

/** The most rows that are given: a chart has no use for more. */
const mostRows = 5_000;

/** By day in its order, and within a day, or without days, the dearest first and then the most asked. */
export async function readUsage(db: Kysely<Tables>, question: UsageQuestion): Promise<UsageSum[]> {
  const has = (group: UsageGroup): boolean => question.by.includes(group);
  const column = (group: UsageGroup, name: string) => (has(group) ? sql.raw(name) : sql.raw('NULL'));
  const groups = [
    has('day') && 'u.day',
    has('provider') && 'u.provider',
    has('model') && 'u.provider, u.model',
    has('token') && 'u.gateway_token_id, t.name',
    has('key') && 'u.key_fingerprint',
  ].filter((name) => name !== false);
  const provider = has('provider') || has('model') ? sql.raw('u.provider') : sql.raw('NULL');
  const { rows } = await sql<Record<string, string | number | null>>`
    SELECT ${column('day', "to_char(u.day, 'YYYY-MM-DD')")} AS day, ${provider} AS provider,
           ${column('model', 'u.model')} AS model, ${column('token', 'u.gateway_token_id')} AS token_id,
           ${column('token', 't.name')} AS token_name, ${column('key', 'u.key_fingerprint')} AS key_fingerprint,
           sum(requests) AS requests, sum(errors) AS errors, sum(prompt_tokens) AS prompt_tokens,
           sum(completion_tokens) AS completion_tokens, sum(cached_tokens) AS cached_tokens,
           sum(cost_usd) AS cost_usd, sum(unpriced) AS unpriced, sum(latency_ms) AS latency_ms
      FROM keyward_usage_daily u LEFT JOIN keyward_tokens t ON t.id = u.gateway_token_id
     WHERE u.day BETWEEN ${question.from}::date AND ${question.to}::date
       AND (${question.provider ?? null}::text IS NULL OR u.provider = ${question.provider ?? null})
       AND (${question.tokenId ?? null}::int IS NULL OR u.gateway_token_id = ${question.tokenId ?? null})
     ${groups.length === 0 ? sql`` : sql`GROUP BY ${sql.raw([...new Set(groups.join(', ').split(', '))].join(', '))}`}
     ${groups.length === 0 ? sql`HAVING count(*) > 0` : sql``}
     ORDER BY 1 NULLS FIRST, sum(cost_usd) DESC, sum(requests) DESC
     LIMIT ${mostRows}`.execute(db);
  return rows.map((row) => {
    const number = (name: string): number => Number(row[name]);
    const text = (name: string): string | null => (row[name] === null ? null : String(row[name]));
    const requests = number('requests');
    return {
      day: text('day'),
      provider: text('provider'),
      model: text('model'),
      tokenId: row['token_id'] === null ? null : number('token_id'),
      tokenName: text('token_name'),
      keyFingerprint: text('key_fingerprint'),
      requests,
      errors: number('errors'),
      promptTokens: number('prompt_tokens'),
      completionTokens: number('completion_tokens'),
      cachedTokens: number('cached_tokens'),
      costUsd: number('cost_usd'),
      unpriced: number('unpriced'),
      averageLatencyMs: requests === 0 ? 0 : Math.round(number('latency_ms') / requests),
    };
  });
}

export interface Spending {
  readonly tokenId: number;
  readonly dayUsd: number;
  /** With that of the day. */
  readonly monthUsd: number;
}

/**
 * What these tokens have spent on the day and in its month; a token that has spent nothing may be missing.
 * @param day as 2027-01-31, UTC
 */
export async function readSpending(
  db: Kysely<Tables>,
  tokenIds: readonly number[],
  day: string,
): Promise<Spending[]> {
  const { rows } = await sql<{ token_id: number; day_usd: number | null; month_usd: number }>`
    SELECT gateway_token_id AS token_id, (sum(cost_usd) FILTER (WHERE day = ${day}::date))::double precision AS day_usd,
           sum(cost_usd)::double precision AS month_usd
      FROM keyward_usage_daily
     WHERE gateway_token_id = ANY(${[...tokenIds]}::integer[])
       AND day >= date_trunc('month', ${day}::date) AND day <= ${day}::date
     GROUP BY gateway_token_id`.execute(db);
  return rows.map((row) => ({ tokenId: row.token_id, dayUsd: row.day_usd ?? 0, monthUsd: row.month_usd }));
}
