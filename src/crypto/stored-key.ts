/** What may be shown of a key that lies encrypted in the database: enough to recognise it, nothing to use. */
import { Secret } from '../foundation/secret.ts';
import { maskKey, type Fingerprinter } from './fingerprint.ts';
import type { KeyRing } from './key-ring.ts';

export interface ShownKey {
  /** null: there is no key. `unreadable`: no key of the ring opens it. */
  readonly fingerprint: string | null;
  readonly mask: string | null;
}

export const unreadable = 'unreadable';

/** @param token the stored Fernet token; null or empty where there is no key */
export function showStoredKey(token: string | null, ring: KeyRing, fingerprinter: Fingerprinter): ShownKey {
  if (!token) return { fingerprint: null, mask: null };
  try {
    // Other programs may have encrypted a line break with it, which no request carries.
    const key = new Secret(ring.decrypt(token).secret.reveal().trim());
    return { fingerprint: fingerprinter.of(key), mask: maskKey(key) };
  } catch {
    return { fingerprint: unreadable, mask: null };
  }
}
