/**
 * Reads everything that the gateway serves from in one consistent read, and resolves every provider's
 * key. One bad row sets its provider aside and leaves the others alone.
 */
import { readGoodTokens } from '../auth/token-store.ts';
import { withBootstrapToken } from '../auth/authenticate.ts';
import type { Fingerprinter } from '../crypto/fingerprint.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Database } from '../database/database.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Config } from '../foundation/config.ts';
import type { Secret } from '../foundation/secret.ts';
import { providerEntry } from '../providers/registry.ts';
import { ModelAliases } from './model-aliases.ts';
import { readAliases } from './model-alias-store.ts';
import type { KnownBindings } from './known-bindings.ts';
import { whyNoKey } from './management-credentials.ts';
import { readModels, readProviders, type ProviderRow } from './provider-store.ts';
import { readRevision } from '../database/revision.ts';
import { resolveKey, type Resolution, type UsableKey } from './resolve-key.ts';
import { trialOf } from './rotation/key-trial.ts';
import { readOpenRotations, type Rotation } from './rotation/rotation-store.ts';
import type { ServedProvider, Snapshot } from './snapshot.ts';
import {
  judgeStoredKey,
  rememberingReader,
  usableKey,
  type KeyReader,
  type StoredKey,
} from './stored-key.ts';
import { resolveUpstream } from './upstream-address.ts';
import { readUserKeys } from './user-key-store.ts';
import { UserKeyReader } from './user-keys.ts';

export interface SnapshotParts {
  readonly database: Database;
  readonly config: Config;
  readonly keyRing: KeyRing;
  readonly fingerprinter: Fingerprinter;
  readonly bindings: KnownBindings;
  readonly clock: Clock;
  /** Remembers what it has read from one snapshot to the next. */
  readonly userKeys?: UserKeyReader;
}

export async function loadSnapshot(parts: SnapshotParts): Promise<Snapshot> {
  const keys = rememberingReader(parts.keyRing, parts.fingerprinter);
  const read = await parts.database.kysely
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      const rows = await readProviders(tx);
      await parts.bindings.refresh(tx, rows, parts.keyRing, (token) => {
        const found = keys(token);
        return 'key' in found ? found.key : undefined;
      });
      return {
        rows,
        revision: await readRevision(tx),
        models: await readModels(tx),
        gatewayTokens: await readGoodTokens(tx, 'gateway'),
        rotations: await readOpenRotations(tx),
        userKeys: await readUserKeys(tx),
        aliases: await readAliases(tx),
      };
    });
  const rotations = new Map(read.rotations.map((rotation) => [rotation.provider_id, rotation]));
  const served = read.rows
    .filter((row) => row.is_active === true)
    .map((row) => serve(row, { ...parts, read: keys }, rotations.get(row.id)));
  return Object.freeze({
    revision: read.revision,
    readAt: parts.clock.now(),
    providers: new Map(served.map((provider) => [provider.slug, provider])),
    models: read.models.models,
    modelsOff: read.models.off,
    aliases: new ModelAliases(read.aliases),
    userKeys: (parts.userKeys ?? new UserKeyReader()).read(read.userKeys, parts.keyRing, parts.fingerprinter),
    gatewayTokens: withBootstrapToken(read.gatewayTokens, parts.config.gatewayToken),
    problems: new Map(served.flatMap((provider) => problemsOf(provider))),
    remarks: new Map(served.flatMap((provider) => remarksOf(provider))),
  });
}

export interface ServeParts extends Pick<SnapshotParts, 'keyRing' | 'fingerprinter' | 'bindings'> {
  readonly config: Pick<Config, 'keyBinding' | 'upstream' | 'provider'>;
  readonly read?: KeyReader;
}

/**
 * One row with its address and its key, as the gateway serves it.
 * @param rotation the one that is open for this provider
 */
export function serve(row: ProviderRow, parts: ServeParts, rotation?: Rotation): ServedProvider {
  const { config } = parts;
  const stored = judgeStoredKey(row, parts);
  const entry = providerEntry(row.provider_slug);
  const environment = config.provider(row.provider_slug);
  return Object.freeze({
    slug: row.provider_slug,
    displayName: row.display_name,
    entry,
    upstream: resolveUpstream({
      environment: environment.baseUrl,
      environmentName: environment.baseUrlName,
      database: row.base_url,
      provider: entry.baseUrl,
      native: entry.native,
      allowPrivateNetwork: row.allow_private_network,
      requestHeaders: row.request_headers,
      allowHttp: config.upstream.allowHttp,
    }),
    resolution: resolve(row, stored, parts),
    trial: trialOf(row, rotation, (other) => resolve(other, judgeStoredKey(other, parts), parts)),
    storedKeyUnreadable: stored !== null && stored.binding === null,
    keyBinding: stored?.binding ?? null,
  });
}

function resolve(row: ProviderRow, stored: StoredKey | null, parts: ServeParts): Resolution {
  const { config } = parts;
  const environment = config.provider(row.provider_slug);
  return resolveKey({
    configuredSource: row.api_key_source,
    database: stored?.candidate ?? null,
    databaseKeyDead: row.api_key_test_status === 'invalid',
    environment: environment.apiKey === undefined ? null : environmentKey(environment.apiKey, parts),
    environmentName: environment.apiKeyName,
  });
}

/** What makes and revokes keys is sent with no call, from wherever it comes. */
function environmentKey(
  apiKey: Secret,
  { bindings, keyRing, fingerprinter }: ServeParts,
): UsableKey | { readonly problem: string } {
  const usable = usableKey(apiKey, fingerprinter);
  if ('problem' in usable) return usable;
  const management = bindings.credentialOf(usable.key, keyRing);
  return management === undefined ? usable : { problem: `it ${whyNoKey(management)} and is set aside` };
}

function problemsOf({ slug, upstream, resolution }: ServedProvider): [string, string][] {
  if ('problem' in upstream) return [[slug, upstream.problem]];
  return resolution.problem === null ? [] : [[slug, resolution.problem]];
}

/** Keys that serve without a binding. */
function remarksOf({ slug, keyBinding, resolution }: ServedProvider): [string, string][] {
  return keyBinding === 'unbound' && resolution.source === 'database' ? [[slug, resolution.reason]] : [];
}
