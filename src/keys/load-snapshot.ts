/**
 * Reads everything that the gateway serves from in one consistent read, and resolves every provider's
 * key. One bad row sets its provider aside and leaves the others alone.
 */
import { readGoodHashes } from '../auth/token-store.ts';
import { withBootstrapToken } from '../auth/authenticate.ts';
import type { Fingerprinter } from '../crypto/fingerprint.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Database } from '../database/database.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Config } from '../foundation/config.ts';
import { Secret } from '../foundation/secret.ts';
import { providerEntry } from '../providers/registry.ts';
import { readModels, readProviders, type ProviderRow } from './provider-store.ts';
import { readRevision } from '../database/revision.ts';
import { resolveKey, type KeyCandidates } from './resolve-key.ts';
import type { ServedProvider, Snapshot } from './snapshot.ts';
import { resolveUpstream } from './upstream-address.ts';

export interface SnapshotParts {
  readonly database: Database;
  readonly config: Config;
  readonly keyRing: KeyRing;
  readonly fingerprinter: Fingerprinter;
  readonly clock: Clock;
}

export async function loadSnapshot(parts: SnapshotParts): Promise<Snapshot> {
  const read = await parts.database.kysely
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => ({
      revision: await readRevision(tx),
      rows: await readProviders(tx),
      models: await readModels(tx),
      gatewayTokens: await readGoodHashes(tx, 'gateway'),
    }));
  const served = read.rows.filter((row) => row.is_active === true).map((row) => serve(row, parts));
  return Object.freeze({
    revision: read.revision,
    readAt: parts.clock.now(),
    providers: new Map(served.map((provider) => [provider.slug, provider])),
    models: read.models,
    gatewayTokens: withBootstrapToken(read.gatewayTokens, parts.config.gatewayToken),
    problems: new Map(served.flatMap((provider) => problemsOf(provider))),
  });
}

/** One row with its address and its key, as the gateway serves it. */
export function serve(
  row: ProviderRow,
  { config, keyRing, fingerprinter }: Pick<SnapshotParts, 'config' | 'keyRing' | 'fingerprinter'>,
): ServedProvider {
  const entry = providerEntry(row.provider_slug);
  const environment = config.provider(row.provider_slug);
  const stored =
    row.encrypted_api_key === null ? null : readStoredKey(row.encrypted_api_key, keyRing, fingerprinter);
  return Object.freeze({
    slug: row.provider_slug,
    displayName: row.display_name,
    entry,
    upstream: resolveUpstream({
      environment: environment.baseUrl,
      environmentName: environment.baseUrlName,
      database: row.base_url,
      provider: entry.baseUrl,
      allowHttp: config.upstream.allowHttp,
    }),
    resolution: resolveKey({
      configuredSource: row.api_key_source,
      database: stored,
      databaseKeyDead: row.api_key_test_status === 'invalid',
      environment: environment.apiKey === undefined ? null : usable(environment.apiKey, fingerprinter),
      environmentName: environment.apiKeyName,
    }),
    storedKeyUnreadable: stored !== null && 'problem' in stored,
  });
}

/** What the stored Fernet token holds, or why it cannot be used; empty text counts as a broken key, not as none. */
export function readStoredKey(
  token: string,
  keyRing: KeyRing,
  fingerprinter: Fingerprinter,
): NonNullable<KeyCandidates['database']> {
  try {
    return usable(new Secret(keyRing.decrypt(token).secret.reveal().trim()), fingerprinter);
  } catch {
    return { problem: `it does not decrypt with any key of the ring (${keyRing.keyIds.join(', ')})` };
  }
}

/** A header can carry printable ASCII only: anything else was stored by mistake. */
function usable(key: Secret, fingerprinter: Fingerprinter): { key: Secret } | { problem: string } {
  if (!/^[\x21-\x7e]+$/.test(key.reveal())) return { problem: 'it holds characters that no key has' };
  return { key: fingerprinter.seal(key) };
}

function problemsOf({ slug, upstream, resolution }: ServedProvider): [string, string][] {
  if ('problem' in upstream) return [[slug, upstream.problem]];
  return resolution.problem === null ? [] : [[slug, resolution.problem]];
}
