/**
 * What is to be said of a key that somebody offers, before anybody is asked or anything is stored: the API and
 * the command line refuse the same. Keyward's own tokens and encryption keys are no keys of a provider, and the
 * test of a key would send them away.
 */
import { isToken } from '../auth/token.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Config } from '../foundation/config.ts';
import type { Secret } from '../foundation/secret.ts';
import { describeKeyShape, type KeyShapeReport } from '../providers/key-shape.ts';
import { providerEntry } from '../providers/registry.ts';

export interface OwnSecrets {
  readonly config: Pick<Config, 'adminToken' | 'gatewayToken'>;
  readonly ring: KeyRing;
}

/** No sentence of it holds any part of the key. */
export function describeOfferedKey(own: OwnSecrets, slug: string, key: Secret): KeyShapeReport {
  const refusal = ownSecretIn(own, key);
  return refusal === null ? describeKeyShape(providerEntry(slug), key) : { fits: false, refusal };
}

/** A sentence that refuses what is a secret of Keyward itself, whatever it was offered for; else null. */
export function ownSecretIn({ config, ring }: OwnSecrets, key: Secret): string | null {
  if (isToken(key, [config.adminToken, config.gatewayToken]))
    return 'This is a token of Keyward itself, not the key of a provider.';
  if (ring.holds(key)) return 'This is the encryption key of Keyward, which must never leave it.';
  return null;
}
