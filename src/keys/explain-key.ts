/**
 * What can be said of a provider's keys without showing one: what is stored, what would serve and why, and
 * what would be if something were otherwise. A question of that kind goes through the code that serves, so
 * the answer is what a server would do.
 */
import { maskKey } from '../crypto/fingerprint.ts';
import type { Config } from '../foundation/config.ts';
import { Secret } from '../foundation/secret.ts';
import type { ChangeParts } from './change-provider.ts';
import { serve } from './load-snapshot.ts';
import type { ProviderRow } from './provider-store.ts';
import type { KeySource } from './resolve-key.ts';
import type { ServedProvider } from './snapshot.ts';
import { placeOf } from './stored-key-place.ts';
import { judgeStoredKey, type KeyBinding } from './stored-key.ts';

export interface ExplainParts {
  readonly config: Pick<Config, 'keyBinding' | 'upstream' | 'provider'>;
  readonly changes: Pick<ChangeParts, 'ring' | 'fingerprinter' | 'bindings'>;
}

export interface StoredKeyView {
  /** Null where it cannot be read. */
  readonly mask: string | null;
  readonly fingerprint: string | null;
  /** Why it cannot be used; null where it can. */
  readonly problem: string | null;
  /** Null where it cannot be read. */
  readonly binding: KeyBinding | null;
}

/** What is stored for the provider; null where nothing is. */
export function describeStoredKey(
  row: ProviderRow,
  { config, changes: { ring: keyRing, ...changes } }: ExplainParts,
): StoredKeyView | null {
  const stored = judgeStoredKey(row, { ...changes, config, keyRing });
  if (stored === null) return null;
  const { candidate, key, binding } = stored;
  return {
    mask: key === undefined ? null : maskKey(key),
    fingerprint: key?.fingerprint ?? null,
    problem: 'problem' in candidate ? candidate.problem : null,
    binding,
  };
}

/** The provider as this process would serve it, active or not. */
export function serveHere(row: ProviderRow, { config, changes }: ExplainParts): ServedProvider {
  const { ring: keyRing, fingerprinter, bindings } = changes;
  return serve(row, { config, keyRing, fingerprinter, bindings });
}

/** What to take for granted instead of what is; absent: as it is. */
export interface Assumptions {
  readonly source?: string | undefined;
  readonly storedKey?: 'present' | 'absent' | 'unreadable' | 'dead' | undefined;
  readonly environment?: 'present' | 'absent' | undefined;
}

export interface Explained {
  readonly served: ServedProvider;
  /** The key that would serve exists only by assumption. */
  readonly isAssumed: boolean;
}

/** Stands for a key that is only assumed; it never leaves this file. */
const assumedKey = new Secret('assumed-key-that-does-not-exist');

export function explainUnder(row: ProviderRow, parts: ExplainParts, assumed: Assumptions): Explained {
  const environmentOf = parts.config.provider;
  const config: ExplainParts['config'] =
    assumed.environment === undefined
      ? parts.config
      : {
          ...parts.config,
          provider: (slug) => ({
            ...environmentOf(slug),
            apiKey:
              assumed.environment === 'present' ? (environmentOf(slug).apiKey ?? assumedKey) : undefined,
          }),
        };
  const served = serveHere(
    {
      ...row,
      ...storedAs(row, parts.changes, assumed.storedKey),
      api_key_source: assumed.source ?? row.api_key_source,
    },
    { ...parts, config },
  );
  const { key } = served.resolution;
  return {
    served,
    isAssumed: key !== null && key.fingerprint === parts.changes.fingerprinter.of(assumedKey),
  };
}

function storedAs(
  row: ProviderRow,
  { ring }: ExplainParts['changes'],
  storedKey: Assumptions['storedKey'],
): Partial<ProviderRow> {
  if (storedKey === undefined) return {};
  if (storedKey === 'absent') return { encrypted_api_key: null };
  if (storedKey === 'unreadable') return { encrypted_api_key: 'gAAAA, and no more of a token' };
  const isThere = row.encrypted_api_key !== null;
  return {
    encrypted_api_key: row.encrypted_api_key ?? ring.encrypt(assumedKey),
    api_key_binding: isThere ? row.api_key_binding : ring.bind(assumedKey, placeOf(row)),
    api_key_test_status: storedKey === 'dead' ? 'invalid' : 'untested',
  };
}

/** What serves, in the words of lists and answers; no secrets. */
export interface ServingKey {
  readonly source: KeySource | null;
  readonly fingerprint: string | null;
  readonly mask: string | null;
}

export function servingKeyOf({ served, isAssumed }: Explained): ServingKey {
  const { key, source } = served.resolution;
  if (key === null || isAssumed) return { source, fingerprint: null, mask: null };
  return { source, fingerprint: key.fingerprint ?? null, mask: maskKey(key) };
}
