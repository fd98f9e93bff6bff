/**
 * What stands beside a stored Fernet token and says which encryption key made it. A Fernet token does not say it
 * itself. The mark names its token too: where another program replaced the token, the mark says nothing any more.
 */
import { createHash } from 'node:crypto';
import type { Secret } from '../foundation/secret.ts';
import type { KeyRing } from './key-ring.ts';

const hashDigits = 16;

/** `<id of the encryption key>.<first 16 hex digits of the SHA-256 of the token>` */
export function encryptionMark(keyId: string, token: string): string {
  return `${keyId}.${createHash('sha256').update(token).digest('hex').slice(0, hashDigits)}`;
}

/** The value under the active key of the ring, and the mark that says so. */
export function encryptMarked(ring: KeyRing, value: Secret): { token: string; mark: string } {
  const token = ring.encrypt(value);
  return { token, mark: encryptionMark(ring.activeKeyId, token) };
}

/** The key that the mark names, or undefined where it was made for another token, or is none. */
export function markedKeyId(mark: string | null, token: string): string | undefined {
  const keyId = mark?.split('.', 1)[0];
  return keyId !== undefined && encryptionMark(keyId, token) === mark ? keyId : undefined;
}
