/**
 * The tables llm_usage_logs and keyward_usage_daily: one row a request, and its sums by day (and, in usage-hours.ts, by
 * hour) in the same transaction, so that they never tell different stories.
 */
import { randomUUID } from 'node:crypto';
import { sql, type Kysely } from 'kysely';
import { numericIn } from '../database/numeric.ts';
import type { Tables } from '../database/tables.ts';
import { dayOf } from '../foundation/day.ts';
import { costOf, type Cost, type OwnPrice } from './price.ts';
import { addToHours } from './usage-hours.ts';
import { isError, type UsageRecord } from './usage-record.ts';

export interface PricedRecord extends UsageRecord {
  /** Null where the price is not known, or no tokens are. */
  readonly cost: Cost | null;
}

/** As wide as the columns. */
const longestModel = 300;
/** Of the tokens of a request on one side: the column of both together has four digits before its point. */
const mostUsd = 4_999;

/** A name that is cut within a character has half of it at its end, which no database takes. */
function storable(record: UsageRecord): UsageRecord {
  return { ...record, model: record.model.slice(0, longestModel).toWellFormed() };
}

/** Writes all of them or none. */
export async function writeUsage(
  db: Kysely<Tables>,
  given: readonly UsageRecord[],
): Promise<readonly PricedRecord[]> {
  const records = given.map((record) => storable(record));
  return db.transaction().execute(async (tx) => {
    const prices = await readOwnPrices(tx, records);
    const priced = records.map((record) => ({ ...record, cost: priceOf(record, prices) }));
    await addRows(tx, priced);
    await addToDays(tx, priced);
    await addToHours(tx, priced);
    return priced;
  });
}

type OwnPrices = ReadonlyMap<string, OwnPrice>;

const nameOf = (provider: string, model: string): string => `${provider}/${model}`;

function priceOf(record: UsageRecord, prices: OwnPrices): Cost | null {
  if (record.tokens === null) return null;
  return costOf(record.tokens, record, prices.get(nameOf(record.provider, record.model)));
}

async function readOwnPrices(tx: Kysely<Tables>, records: readonly UsageRecord[]): Promise<OwnPrices> {
  const models = [...new Set(records.map(({ model }) => model))];
  const { rows } = await sql<{
    provider: string;
    model: string;
    input: string | null;
    output: string | null;
    cached: string | null;
  }>`SELECT provider_slug AS provider, model_id AS model, cost_per_1m_input_tokens AS input,
            cost_per_1m_output_tokens AS output, cost_per_1m_tokens_cached AS cached
       FROM llm_models JOIN llm_providers ON llm_providers.id = provider_id
      WHERE model_id = ANY (${models}::text[])`.execute(tx);
  return new Map(
    rows.map(({ provider, model, input, output, cached }) => [
      nameOf(provider, model),
      { input: numericIn(input), output: numericIn(output), cached: numericIn(cached) },
    ]),
  );
}

/** A caller may use one id for many requests, and the column takes each once. */
function uniqueId(id: string): string {
  return /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(id) ? id : `${id.slice(0, 63)}:${randomUUID()}`;
}

async function addRows(tx: Kysely<Tables>, records: readonly PricedRecord[]): Promise<void> {
  const rows = records.map((record) => ({
    user_id: record.userId,
    provider: record.provider,
    model: record.model,
    request_id: uniqueId(record.requestId),
    prompt_tokens: record.tokens?.prompt ?? 0,
    completion_tokens: record.tokens?.completion ?? 0,
    cached_tokens: record.tokens?.cached ?? 0,
    cost_input_usd: record.cost && Math.min(record.cost.inputUsd, mostUsd),
    cost_output_usd: record.cost && Math.min(record.cost.outputUsd, mostUsd),
    used_byok: record.usedOwnKey,
    latency_ms: Math.round(record.latencyMs),
    time_to_first_token_ms: record.timeToFirstTokenMs === null ? null : Math.round(record.timeToFirstTokenMs),
    status_code: record.status,
    error_message: record.errorCode,
    fallback_reason: record.fallback,
    attempts: record.attempts,
    endpoint: record.endpoint,
    gateway_token_id: record.tokenId === 0 ? null : record.tokenId,
    key_fingerprint: record.keyFingerprint,
    created_at: record.at.toISOString(),
  }));
  await sql`
    INSERT INTO llm_usage_logs (user_id, provider_id, model_id, user_key_id, request_id, prompt_tokens,
      completion_tokens, total_tokens, cached_tokens, cost_input_usd, cost_output_usd, cost_total_usd, used_byok,
      latency_ms, tokens_per_second, status_code, error_message, was_fallback, fallback_reason, created_at, model_name,
      endpoint, gateway_token_id, key_fingerprint, time_to_first_token_ms, attempts)
    SELECT r.user_id, p.id, m.id, k.id, r.request_id, r.prompt_tokens, r.completion_tokens,
           r.prompt_tokens + r.completion_tokens, r.cached_tokens, r.cost_input_usd, r.cost_output_usd,
           r.cost_input_usd + r.cost_output_usd, r.used_byok, r.latency_ms,
           CASE WHEN r.latency_ms > 0 AND r.completion_tokens > 0
                THEN least(r.completion_tokens * 1000.0 / r.latency_ms, 99999999) END,
           r.status_code, r.error_message, r.fallback_reason IS NOT NULL, r.fallback_reason,
           r.created_at AT TIME ZONE 'UTC', r.model, r.endpoint, r.gateway_token_id, r.key_fingerprint,
           r.time_to_first_token_ms, r.attempts
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r (user_id text, provider text, model text,
             request_id text, prompt_tokens int, completion_tokens int, cached_tokens int, cost_input_usd numeric,
             cost_output_usd numeric, used_byok boolean, latency_ms int, time_to_first_token_ms int, status_code int,
             error_message text, fallback_reason text, attempts int, endpoint text, gateway_token_id int,
             key_fingerprint text, created_at timestamptz)
      LEFT JOIN llm_providers p ON p.provider_slug = r.provider
      LEFT JOIN llm_models m ON m.provider_id = p.id AND m.model_id = r.model
      LEFT JOIN user_api_keys k ON r.used_byok AND k.provider_id = p.id AND k.user_id = r.user_id
    ON CONFLICT (request_id) DO NOTHING`.execute(tx);
}

async function addToDays(tx: Kysely<Tables>, records: readonly PricedRecord[]): Promise<void> {
  const sums = new Map<string, Record<string, string | number>>();
  for (const record of records) {
    const key = {
      day: dayOf(record.at),
      provider: record.provider,
      model: record.model,
      token: record.tokenId,
      fingerprint: record.keyFingerprint,
    };
    const name = JSON.stringify(key);
    const sum = sums.get(name) ?? {
      ...key,
      requests: 0,
      errors: 0,
      prompt: 0,
      completion: 0,
      cached: 0,
      cost: 0,
      unpriced: 0,
      latency: 0,
    };
    sums.set(name, sum);
    const add = (field: string, number: number): void => {
      sum[field] = Number(sum[field]) + number;
    };
    add('requests', 1);
    add('errors', isError(record) ? 1 : 0);
    add('prompt', record.tokens?.prompt ?? 0);
    add('completion', record.tokens?.completion ?? 0);
    add('cached', record.tokens?.cached ?? 0);
    add('cost', record.cost === null ? 0 : record.cost.inputUsd + record.cost.outputUsd);
    add('unpriced', record.tokens !== null && record.cost === null ? 1 : 0);
    add('latency', Math.round(record.latencyMs));
  }
  // In one order, so that two instances that write at once wait for each other and do not deadlock.
  const rows = [...sums].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
  await sql`
    INSERT INTO keyward_usage_daily AS kept (day, provider, model, gateway_token_id, key_fingerprint, requests, errors,
      prompt_tokens, completion_tokens, cached_tokens, cost_usd, unpriced, latency_ms)
    SELECT * FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r (day date, provider text, model text,
      token int, fingerprint text, requests bigint, errors bigint, prompt bigint, completion bigint, cached bigint,
      cost numeric, unpriced bigint, latency bigint)
    ON CONFLICT (day, provider, model, gateway_token_id, key_fingerprint) DO UPDATE SET
      requests = kept.requests + excluded.requests, errors = kept.errors + excluded.errors,
      prompt_tokens = kept.prompt_tokens + excluded.prompt_tokens,
      completion_tokens = kept.completion_tokens + excluded.completion_tokens,
      cached_tokens = kept.cached_tokens + excluded.cached_tokens, cost_usd = kept.cost_usd + excluded.cost_usd,
      unpriced = kept.unpriced + excluded.unpriced, latency_ms = kept.latency_ms + excluded.latency_ms`.execute(
    tx,
  );
}
