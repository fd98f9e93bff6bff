/**
 * The table keyward_usage_hourly: how much was asked of each provider in each hour of the last two days. Written in the
 * transaction that writes the requests, told as the last 24 hours, and cleared behind them.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { hourMs, hourOf } from '../foundation/day.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Logger } from '../foundation/logger.ts';
import { isError, type UsageRecord } from './usage-record.ts';

/** How many hours are told, the current one with them. */
export const toldHours = 24;
/** How many are kept: what waited for the database may still fall into one that is told. */
const keptHours = 48;

type Counted = Pick<UsageRecord, 'at' | 'provider' | 'status' | 'errorCode'>;

/** Behind the sums by day in every transaction, so that two instances that write at once do not deadlock. */
export async function addToHours(tx: Kysely<Tables>, records: readonly Counted[]): Promise<void> {
  const sums = new Map<string, { hour: string; provider: string; requests: number; errors: number }>();
  for (const record of records) {
    const key = { hour: hourOf(record.at).toISOString(), provider: record.provider };
    const name = JSON.stringify(key);
    const sum = sums.get(name) ?? { ...key, requests: 0, errors: 0 };
    sum.requests += 1;
    sum.errors += isError(record) ? 1 : 0;
    sums.set(name, sum);
  }
  // In one order, for the same reason.
  const rows = [...sums].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
  await sql`
    INSERT INTO keyward_usage_hourly AS kept (hour, provider, requests, errors)
    SELECT hour AT TIME ZONE 'UTC', provider, requests, errors
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        AS r (hour timestamptz, provider text, requests bigint, errors bigint)
    ON CONFLICT (hour, provider) DO UPDATE SET
      requests = kept.requests + excluded.requests, errors = kept.errors + excluded.errors`.execute(tx);
}

interface ProviderHours {
  /** Slug. */
  readonly provider: string;
  /** One for each hour, the oldest first. */
  readonly requests: readonly number[];
  /** Those of them that were answered with 400 or above, or broke off. */
  readonly errors: readonly number[];
}

export interface UsageByHour {
  /** The beginnings of the last 24 hours, the oldest first; the last one goes on. */
  readonly hours: readonly Date[];
  /** By slug; who was asked nothing is missing, and who is deleted too. */
  readonly providers: readonly ProviderHours[];
}

/** Never more than 24 numbers of each kind for each provider that there is. */
export async function readHours(db: Kysely<Tables>, now: Date): Promise<UsageByHour> {
  const current = hourOf(now).getTime();
  const hours = Array.from(
    { length: toldHours },
    (_, index) => new Date(current - (toldHours - 1 - index) * hourMs),
  );
  const rows = await db
    .selectFrom('keyward_usage_hourly')
    .innerJoin('llm_providers', 'provider_slug', 'provider')
    .select(['provider', 'hour', 'requests', 'errors'])
    .where('hour', 'in', hours)
    .orderBy('provider')
    .execute();
  const places = new Map(hours.map((hour, index) => [hour.getTime(), index]));
  const byProvider = new Map<string, { requests: number[]; errors: number[] }>();
  for (const row of rows) {
    const place = places.get(row.hour.getTime());
    if (place === undefined) continue;
    const counts = byProvider.get(row.provider) ?? { requests: noneIn(hours), errors: noneIn(hours) };
    counts.requests[place] = Number(row.requests);
    counts.errors[place] = Number(row.errors);
    byProvider.set(row.provider, counts);
  }
  return { hours, providers: [...byProvider].map(([provider, counts]) => ({ provider, ...counts })) };
}

const noneIn = (hours: readonly Date[]): number[] => hours.map(() => 0);

export interface OldHoursParts {
  readonly db: Kysely<Tables>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Clears the hours that nobody asks for any more, at most once an hour. */
export class OldHours {
  readonly #parts: OldHoursParts;
  #clearedIn = 0;

  constructor(parts: OldHoursParts) {
    this.#parts = parts;
  }

  /** Called after each write. That it fails is no fault of what was written: it is said, and tried in the next hour. */
  async clear(): Promise<void> {
    const { db, clock, log } = this.#parts;
    const hour = hourOf(clock.now()).getTime();
    if (hour === this.#clearedIn) return;
    this.#clearedIn = hour;
    try {
      await clearHours(db, new Date(hour - keptHours * hourMs));
    } catch (error) {
      log.warn({ err: error }, 'usage by hour is not cleared yet');
    }
  }
}

/** Leaves what another instance writes or clears at the same moment, so that neither waits for the other. */
async function clearHours(db: Kysely<Tables>, before: Date): Promise<void> {
  await sql`
    DELETE FROM keyward_usage_hourly AS hourly
     USING (SELECT hour, provider FROM keyward_usage_hourly WHERE hour < ${before} FOR UPDATE SKIP LOCKED) AS free
     WHERE hourly.hour = free.hour AND hourly.provider = free.provider`.execute(db);
}
