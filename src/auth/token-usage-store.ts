/**
 * The table keyward_token_minutes, in which the instances tell each other what limited tokens use. No row of it serves
 * a call, so none moves the revision.
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
