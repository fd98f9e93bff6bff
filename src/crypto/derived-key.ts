/** Keys for other purposes than Fernet, each derived from a whole encryption key and good for one purpose alone. */
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { FernetKey } from './fernet.ts';

const keyBytes = 32;
const derived = new WeakMap<FernetKey, Map<string, KeyObject>>();

/**
 * HKDF-SHA256 (RFC 5869) of the whole encryption key, without salt: 32 bytes.
 * @param info names the purpose, and its version
 */
export function derivedKey(key: FernetKey, info: string): KeyObject {
  const known = derived.get(key) ?? new Map<string, KeyObject>();
  derived.set(key, known);
  const made =
    known.get(info) ?? createSecretKey(Buffer.from(hkdfSync('sha256', key.wholeKey, '', info, keyBytes)));
  known.set(info, made);
  return made;
}
