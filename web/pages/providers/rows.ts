/** What the list shows, filtered and in order. */
import type { Provider, ProviderHealth, UsageByHour } from '../../api/views.ts';
import type { ProviderFilter } from '../../router.tsx';

export interface Row {
  readonly provider: Provider;
  readonly health: ProviderHealth | undefined;
  /** Null where it was asked nothing; undefined while that is not known. */
  readonly traffic: Traffic | null | undefined;
}

export type Traffic = Omit<UsageByHour['providers'][number], 'provider'>;

export function rowsOf(
  providers: readonly Provider[],
  health: readonly ProviderHealth[],
  traffic: UsageByHour | undefined,
): Row[] {
  const healthBySlug = new Map(health.map((one) => [one.provider, one]));
  const trafficBySlug = new Map(traffic?.providers.map((one) => [one.provider, one]));
  return providers.map((provider) => ({
    provider,
    health: healthBySlug.get(provider.slug),
    traffic: traffic === undefined ? undefined : (trafficBySlug.get(provider.slug) ?? null),
  }));
}

export function chooseRows(
  rows: readonly Row[],
  { q = '', status, source, sort = 'attention' }: ProviderFilter,
): Row[] {
  const needle = q.trim().toLowerCase();
  return rows
    .filter(
      ({ provider }) =>
        `${provider.slug} ${provider.display_name}`.toLowerCase().includes(needle) &&
        (source === undefined || provider.source === source) &&
        (status === undefined || (provider.stored_key?.test_status ?? 'none') === status),
    )
    .toSorted((a, b) => orders[sort](a, b) || a.provider.display_name.localeCompare(b.provider.display_name));
}

const orders: Readonly<Record<NonNullable<ProviderFilter['sort']>, (a: Row, b: Row) => number>> = {
  attention: (a, b) => urgencyOf(b) - urgencyOf(a),
  name: () => 0,
  age: (a, b) => (b.health?.key_age_days ?? -1) - (a.health?.key_age_days ?? -1),
  tested: (a, b) => testedAt(a) - testedAt(b),
};

function testedAt({ provider }: Row): number {
  const at = provider.stored_key?.last_tested_at;
  return at == null ? 0 : Date.parse(at);
}

/** What needs somebody comes first. */
function urgencyOf({ provider, health }: Row): number {
  if (provider.serves.source === null && provider.stored_key === null) return 0;
  return { unhealthy: 4, degraded: 3, unknown: 2, healthy: 1 }[health?.health ?? 'unknown'];
}
