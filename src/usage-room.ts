/** What becomes of the use of each request: written down, counted for Prometheus and the limits of its token, and traced. */
import type { Kysely } from 'kysely';
import type { Registry } from 'prom-client';
import type { TokenUsage } from './auth/token-usage.ts';
import { isUnfitValue } from './database/database-fault.ts';
import type { Tables } from './database/tables.ts';
import type { Clock } from './foundation/clock.ts';
import type { Config } from './foundation/config.ts';
import type { Logger } from './foundation/logger.ts';
import { OldHours } from './usage/usage-hours.ts';
import { usageMetrics } from './usage/usage-metrics.ts';
import { UsageQueue } from './usage/usage-queue.ts';
import type { UsageSink } from './usage/usage-record.ts';
import { writeUsage } from './usage/usage-store.ts';

export interface UsageRoom {
  readonly sink: UsageSink;
  /** Writes and sends what waits. */
  stop(): Promise<void>;
}

export async function openUsage(parts: {
  readonly db: Kysely<Tables>;
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly instanceId: string;
  readonly registry: Registry;
  readonly tokenUsage: TokenUsage;
  /** The slugs that are served now. */
  readonly providers: () => Iterable<string>;
}): Promise<UsageRoom> {
  const { db, config, clock, log, instanceId, registry, tokenUsage } = parts;
  const oldHours = new OldHours({ db, clock, log });
  const queue: UsageQueue = new UsageQueue({
    log,
    write: async (records) => {
      const written = await writeUsage(db, records);
      metrics.countWritten(written);
      for (const record of written)
        tokenUsage.used(record, { costUsd: (record.cost?.inputUsd ?? 0) + (record.cost?.outputUsd ?? 0) });
      await oldHours.clear();
    },
    isUnfit: isUnfitValue,
    onDropped: (records) => metrics.countDropped(records),
  });
  const metrics = usageMetrics(registry, parts.providers, () => queue.depth);
  const spans =
    config.traceEndpoint === undefined
      ? null
      : (await import('./usage/trace-spans.ts')).openTraceSpans(config.traceEndpoint, instanceId);
  return {
    sink: {
      record: (record) => {
        queue.record(record);
        const { prompt = 0, completion = 0 } = record.tokens ?? {};
        tokenUsage.used(record, { tokens: prompt + completion });
        spans?.record(record);
      },
    },
    stop: async () => {
      await queue.stop();
      await spans?.stop();
    },
  };
}
