/**
 * What the hot path reads: all providers with their resolved keys, all models and all good gateway
 * tokens, of one revision. A snapshot never changes; a newer one replaces it whole.
 */
import type { GoodTokens } from '../auth/authenticate.ts';
import type { Secret } from '../foundation/secret.ts';
import type { ProviderEntry } from '../providers/provider-entry.ts';
import type { KnownModel } from './known-model.ts';
import type { ModelAliases } from './model-aliases.ts';
import type { Resolution } from './resolve-key.ts';
import type { KeyTrial } from './rotation/key-trial.ts';
import type { KeyBinding } from './stored-key.ts';
import type { Upstream } from './upstream-address.ts';
import type { UserKeys } from './user-keys.ts';

export interface ServedProvider {
  readonly slug: string;
  readonly displayName: string;
  readonly entry: ProviderEntry;
  /** Where requests go, or why they cannot go anywhere. */
  readonly upstream: Upstream | { readonly problem: string };
  readonly resolution: Resolution;
  /** A key is stored and does not decrypt, whether or not it would serve. */
  readonly storedKeyUnreadable: boolean;
  /** The other key of a rotation that is being tried or soaks; null where none is. */
  readonly trial: KeyTrial | null;
  /** How the stored key stands to its binding, whether or not it would serve; null without a readable one. */
  readonly keyBinding: KeyBinding | null;
}

export interface Snapshot {
  readonly revision: number;
  readonly readAt: Date;
  /** Active providers by slug; an inactive one does not exist for callers. */
  readonly providers: ReadonlyMap<string, ServedProvider>;
  /** By both names of each, for requests that do not name a provider. */
  readonly models: ReadonlyMap<string, KnownModel>;
  /** Those that an administrator has switched off, as `provider/model`. */
  readonly modelsOff: ReadonlySet<string>;
  /** Names that stand for models. */
  readonly aliases: ModelAliases;
  readonly gatewayTokens: GoodTokens;
  /** Keys that users brought, where they may serve. */
  readonly userKeys: UserKeys;
  /** What is set aside and why, in words for an administrator, by slug. */
  readonly problems: ReadonlyMap<string, string>;
  /** What serves and should not stay as it is, in words for an administrator, by slug. */
  readonly remarks: ReadonlyMap<string, string>;
}

/** Every key that a call may be sent with, those of rotations too: what must stand in no log line and no message. */
export function keysIn({ providers, userKeys }: Snapshot): Secret[] {
  const own = Array.from(providers.values(), ({ resolution, trial }) => [
    resolution.key,
    trial?.other.key ?? null,
  ]);
  const ofUsers = Array.from(userKeys.values(), (keys) => Array.from(keys.values(), ({ key }) => key));
  return [...own.flat(), ...ofUsers.flat()].filter((key) => key !== null);
}
