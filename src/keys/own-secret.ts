/**
 * Keyward's own tokens and encryption keys, pasted where the key of a provider is asked for: refused before
 * anybody is asked, since the test of a key sends it away.
 */
import { isToken } from '../auth/token.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Config } from '../foundation/config.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { Secret } from '../foundation/secret.ts';

/** @throws KeywardError key_refused (400) with a sentence that holds no part of the secret */
export function refuseOwnSecret(
  { config, ring }: { config: Pick<Config, 'adminToken' | 'gatewayToken'>; ring: KeyRing },
  key: Secret,
): void {
  const what = isToken(key, [config.adminToken, config.gatewayToken])
    ? 'This is a token of Keyward itself, not the key of a provider.'
    : ring.holds(key)
      ? 'This is the encryption key of Keyward, which must never leave it.'
      : undefined;
  if (what === undefined) return;
  throw new KeywardError('key_refused', { message: `${what} Nothing was changed.`, param: 'api_key' });
}
