/**
 * Takes the secrets of this installation out of what somebody gives as a reason: it is kept for good and shown to
 * everybody who looks, whatever command or request it came with.
 */
import { redactSecrets } from '../providers/redact.ts';
import { readKnownSecrets, type SecretsParts } from './known-secrets.ts';

/** The reason without them, and without what looks like a key. */
export async function scrubReason(parts: SecretsParts, reason: string): Promise<string> {
  return redactSecrets(reason, await readKnownSecrets(parts));
}
