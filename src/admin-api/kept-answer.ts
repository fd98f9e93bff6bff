/**
 * Answers that are kept for whoever repeats a request. An answer may hold what is shown once, such as a new
 * token, so each is kept as a Fernet token under the encryption key, as the keys of the providers are.
 */
import type { KeyRing } from '../crypto/key-ring.ts';
import { KeywardError } from '../foundation/errors.ts';
import { Secret } from '../foundation/secret.ts';

export function sealAnswer(ring: KeyRing, answer: string): string {
  return ring.encrypt(new Secret(answer));
}

/** @throws KeywardError idempotency_answer_lost (409) when no key of the ring opens it */
export function openAnswer(ring: KeyRing, sealed: string): string {
  try {
    return ring.decrypt(sealed).secret.reveal();
  } catch (error) {
    throw new KeywardError('idempotency_answer_lost', {
      param: 'Idempotency-Key',
      cause: error instanceof Error ? error.message : undefined,
    });
  }
}
