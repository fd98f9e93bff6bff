/** What the gateway's callers used, for Prometheus: tokens and money by provider, and what waits to be written. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { PricedRecord } from './usage-store.ts';

export interface UsageMetrics {
  readonly countWritten: (records: readonly PricedRecord[]) => void;
  readonly countDropped: (records: number) => void;
}

const kinds = ['prompt', 'completion', 'cached'] as const;

/** @param providers the slugs that are served now */
export function usageMetrics(
  registry: Registry,
  providers: () => Iterable<string>,
  queueDepth: () => number,
): UsageMetrics {
  const registers = [registry];
  const tokens = new Counter({
    name: 'keyward_tokens_total',
    help: 'Tokens, by provider and kind (prompt, completion, cached), as providers count them or estimated.',
    labelNames: ['provider', 'kind'],
    registers,
    collect() {
      for (const provider of providers()) for (const kind of kinds) this.inc({ provider, kind }, 0);
    },
  });
  const cost = new Counter({
    name: 'keyward_cost_usd_total',
    help: 'What requests whose price is known have cost, in USD, by provider.',
    labelNames: ['provider'],
    registers,
    collect() {
      for (const provider of providers()) this.inc({ provider }, 0);
    },
  });
  const dropped = new Counter({
    name: 'keyward_usage_dropped_total',
    help: 'Requests whose usage was lost, since the queue was full while the database was away.',
    registers,
  });
  const depth: Gauge = new Gauge({
    name: 'keyward_usage_queue_depth',
    help: 'Requests whose usage waits to be written.',
    registers,
    collect: () => depth.set(queueDepth()),
  });
  return {
    countDropped: (records) => dropped.inc(records),
    countWritten: (records) => {
      for (const { provider, tokens: used, cost: paid } of records) {
        if (used !== null) for (const kind of kinds) tokens.inc({ provider, kind }, used[kind]);
        if (paid !== null) cost.inc({ provider }, paid.inputUsd + paid.outputUsd);
      }
    },
  };
}
