/** Snapshots as tests need them: providers with one key each, without a database behind them. */
import { Secret } from '../../src/foundation/secret.ts';
import type { Target } from '../../src/gateway/choose-provider.ts';
import { ModelAliases } from '../../src/keys/model-aliases.ts';
import type { Resolution } from '../../src/keys/resolve-key.ts';
import type { ServedProvider, Snapshot } from '../../src/keys/snapshot.ts';
import type { Upstream } from '../../src/keys/upstream-address.ts';
import { providerEntry } from '../../src/providers/registry.ts';

const upstreamOfTests: Upstream = {
  origin: 'http://127.0.0.1:9',
  basePath: '/v1',
  baseUrl: 'http://127.0.0.1:9/v1',
  from: 'environment',
  allowPrivateNetwork: true,
  headers: {},
};

/** A key that serves from the database, without any fallback. */
export function goodResolution(key: Secret): Resolution {
  return {
    key,
    source: 'database',
    fallback: null,
    reason: 'the source is database',
    problem: null,
    isProvenDead: false,
    standby: null,
  };
}

/** An active provider whose key is `key of <slug>`, but for what is said otherwise. */
export function servedProvider(slug: string, changes: Partial<ServedProvider> = {}): ServedProvider {
  return {
    slug,
    displayName: slug,
    entry: providerEntry(slug),
    upstream: upstreamOfTests,
    resolution: goodResolution(new Secret(`key of ${slug}`)),
    trial: null,
    storedKeyUnreadable: false,
    keyBinding: 'bound',
    ...changes,
  };
}

export function snapshotOf(
  providers: readonly ServedProvider[],
  models: Readonly<Record<string, string>> = {},
): Snapshot {
  return {
    revision: 1,
    readAt: new Date(0),
    providers: new Map(providers.map((provider) => [provider.slug, provider])),
    models: new Map(
      Object.entries(models).map(([name, slug]) => [name, { name, slug, modelId: name, displayName: name }]),
    ),
    modelsOff: new Set(),
    gatewayTokens: new Map(),
    aliases: new ModelAliases([]),
    userKeys: new Map(),
    problems: new Map(),
    remarks: new Map(),
  };
}

export function targetAt(provider: ServedProvider, key: Secret): Target {
  return { provider, upstream: upstreamOfTests, key, source: 'database', model: 'model', api: null };
}
