/**
 * The health of keys for Prometheus, read when somebody scrapes and kept for a while; what cannot be read is told
 * as it was last known. Labels come from closed sets.
 */
import { Gauge, type Registry } from 'prom-client';
import { healthStatuses } from '../keys/health/health-status.ts';
import { ageStates } from '../keys/health/key-age.ts';
import type { HealthReport, ProviderHealth } from '../keys/health/read-health.ts';

export interface HealthMetricsParts {
  readonly read: () => Promise<HealthReport>;
  /** Milliseconds from an arbitrary origin. */
  readonly monotonicMs: () => number;
}

const keptMs = 10_000;
const daySeconds = 86_400;

export function registerHealthMetrics(registry: Registry, { read, monotonicMs }: HealthMetricsParts): void {
  let kept: { readonly at: number; readonly report: Promise<HealthReport | null> } | undefined;
  let last: HealthReport | null = null;
  /** All gauges of one scrape are asked at once. */
  const report = async (): Promise<readonly ProviderHealth[]> => {
    if (kept === undefined || monotonicMs() - kept.at > keptMs) {
      kept = { at: monotonicMs(), report: read().catch(() => last) };
    }
    last = await kept.report;
    return (last?.providers ?? []).filter(({ fingerprint }) => fingerprint !== null);
  };
  /** @param fill sets the values of one provider */
  const gauge = (
    name: string,
    { help, label }: { readonly help: string; readonly label: string },
    fill: (set: (value: string, to: number) => void, provider: ProviderHealth) => void,
  ): void => {
    const metric: Gauge = new Gauge({
      name,
      help,
      labelNames: ['provider', label],
      registers: [registry],
      collect: async () => {
        const providers = await report();
        metric.reset();
        for (const one of providers)
          fill((value, to) => metric.set({ provider: one.slug, [label]: value }, to), one);
      },
    });
  };
  gauge(
    'keyward_key_age_seconds',
    {
      help: 'Age of the key that serves, in whole days; of one of the environment since it was first seen.',
      label: 'source',
    },
    (set, { source, age }) => {
      if (age.days !== null && source !== null) set(source, age.days * daySeconds);
    },
  );
  gauge(
    'keyward_key_status',
    {
      help: '1 for the state of age that the key is in: fresh, ageing, due or overdue; else 0.',
      label: 'state',
    },
    (set, { age }) => {
      for (const state of age.state === null ? [] : ageStates) set(state, Number(state === age.state));
    },
  );
  gauge(
    'keyward_health_status',
    {
      help: '1 for the health of the key: healthy, degraded, unhealthy or unknown; else 0.',
      label: 'status',
    },
    (set, { health }) => {
      for (const status of healthStatuses) set(status, Number(status === health.status));
    },
  );
}
