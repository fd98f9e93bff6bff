/** What the gateway counts, for Prometheus. Labels come from a closed set: slugs that exist, statuses, sources. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface GatewayMetrics {
  readonly requests: Counter<'provider' | 'status' | 'source'>;
  readonly overheadSeconds: Histogram;
  readonly streamsOpen: Gauge;
  readonly keyRejections: Counter<'provider'>;
}

export function gatewayMetrics(registry: Registry): GatewayMetrics {
  const registers = [registry];
  return {
    requests: new Counter({
      name: 'keyward_requests_total',
      help: 'Answered requests, by provider (none where it was not found), status and source of the key.',
      labelNames: ['provider', 'status', 'source'],
      registers,
    }),
    overheadSeconds: new Histogram({
      name: 'keyward_overhead_seconds',
      help: 'Time that Keyward itself added to a request, without the waiting for caller and provider.',
      buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1],
      registers,
    }),
    streamsOpen: new Gauge({
      name: 'keyward_answers_open',
      help: 'Answers that are being relayed at this moment.',
      registers,
    }),
    keyRejections: new Counter({
      name: 'keyward_provider_key_rejections_total',
      help: 'Answers in which a provider refused the key.',
      labelNames: ['provider'],
      registers,
    }),
  };
}
