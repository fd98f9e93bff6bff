/**
 * What the gateway counts, for Prometheus. Labels come from a closed set: slugs that exist, statuses, sources. What
 * an alert may rest on stands at 0 before it happens: Prometheus sees no increase in a series that begins with 1.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { KeyTrial } from '../keys/rotation/key-trial.ts';

export interface GatewayMetrics {
  readonly requests: Counter<'provider' | 'status' | 'source'>;
  readonly overheadSeconds: Histogram;
  readonly timeToFirstToken: Histogram<'provider'>;
  readonly streamsOpen: Gauge;
  readonly answersCut: Counter<'provider'>;
  readonly keyRejections: Counter<'provider'>;
  readonly providerErrors: Counter<'provider' | 'verdict'>;
  readonly retries: Counter<'provider' | 'to'>;
  readonly rotationCalls: Counter<'provider' | 'key' | 'outcome'>;
  readonly rotationFallbacks: Counter<'provider' | 'stage'>;
}

const trialStages = ['canary', 'soak'] as const satisfies readonly KeyTrial['stage'][];

/** @param providers the slugs that are served now */
export function gatewayMetrics(registry: Registry, providers: () => Iterable<string>): GatewayMetrics {
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
    timeToFirstToken: new Histogram({
      name: 'keyward_time_to_first_token_seconds',
      help: 'Time from a request to the first byte of its good answer, by provider.',
      labelNames: ['provider'],
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    }),
    streamsOpen: new Gauge({
      name: 'keyward_answers_open',
      help: 'Answers that are being relayed at this moment.',
      registers,
    }),
    answersCut: new Counter({
      name: 'keyward_answers_cut_total',
      help: 'Answers that had begun, with the status that is counted as theirs, and were cut off since the provider broke off.',
      labelNames: ['provider'],
      registers,
      collect() {
        for (const provider of providers()) this.inc({ provider }, 0);
      },
    }),
    keyRejections: new Counter({
      name: 'keyward_provider_key_rejections_total',
      help: 'Answers in which a provider refused the key.',
      labelNames: ['provider'],
      registers,
      collect() {
        for (const provider of providers()) this.inc({ provider }, 0);
      },
    }),
    providerErrors: new Counter({
      name: 'keyward_provider_errors_total',
      help: 'Attempts that a provider answered with an error, did not answer or broke off, by what that says of the key.',
      labelNames: ['provider', 'verdict'],
      registers,
    }),
    retries: new Counter({
      name: 'keyward_retries_total',
      help: 'Attempts beyond the first of a call, by the provider that failed and the one that was tried next.',
      labelNames: ['provider', 'to'],
      registers,
    }),
    rotationCalls: new Counter({
      name: 'keyward_rotation_calls_total',
      help: 'Calls of a provider whose key is being rotated, by the key that was sent (new or old) and what came of it (good, error, refused).',
      labelNames: ['provider', 'key', 'outcome'],
      registers,
    }),
    rotationFallbacks: new Counter({
      name: 'keyward_rotation_fallbacks_total',
      help: 'Calls that the other key of a rotation took over because the first was refused, by stage (canary or soak).',
      labelNames: ['provider', 'stage'],
      registers,
      collect() {
        for (const provider of providers()) for (const stage of trialStages) this.inc({ provider, stage }, 0);
      },
    }),
  };
}
