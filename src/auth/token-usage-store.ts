/**
 * The table keyward_token_minutes, in which the instances tell each other what limited tokens use, and what the
 * usage by day says that a token has spent. No row of either serves a call, so none moves the revision.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';

export interface MinuteCount {
  readonly tokenId: number;
  readonly requests: number;
  readonly tokens: number;
}

/**
 * Adds what this instance has counted, and gives what all have told of this minute.
 * @param minute since 1970, UTC
 * @param counted each token once
 */
export async function exchangeMinute(
  db: Kysely<Tables>,
  minute: number,
  counted: readonly MinuteCount[],
): Promise<MinuteCount[]> {
  // In one order for all instances, so that none waits for another in a ring.
  const rows = counted.toSorted((one, other) => one.tokenId - other.tokenId);
  const at = sql`(to_timestamp(${minute * 60}::double precision) AT TIME ZONE 'UTC')`;
  const told = await sql<{ token_id: number; requests: string; tokens: string }>`
    WITH told AS (
      INSERT INTO keyward_token_minutes AS known (token_id, minute, requests, tokens)
      SELECT token_id, ${at}, requests, tokens
        FROM unnest(${rows.map(({ tokenId }) => tokenId)}::integer[], ${rows.map(({ requests }) => requests)}::bigint[],
                    ${rows.map(({ tokens }) => tokens)}::bigint[]) AS counted (token_id, requests, tokens)
      ON CONFLICT (token_id, minute)
        DO UPDATE SET requests = known.requests + excluded.requests, tokens = known.tokens + excluded.tokens
      RETURNING token_id, requests, tokens)
    SELECT token_id, requests, tokens FROM told
    UNION ALL
    SELECT token_id, requests, tokens FROM keyward_token_minutes
     WHERE minute = ${at} AND token_id NOT IN (SELECT token_id FROM told)`.execute(db);
  return told.rows.map((row) => ({
    tokenId: row.token_id,
    requests: Number(row.requests),
    tokens: Number(row.tokens),
  }));
}

/** Takes away what was counted before this minute, in minutes since 1970. */
export async function clearMinutes(db: Kysely<Tables>, before: number): Promise<void> {
  await sql`DELETE FROM keyward_token_minutes
             WHERE minute < to_timestamp(${before * 60}::double precision) AT TIME ZONE 'UTC'`.execute(db);
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
