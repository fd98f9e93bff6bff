/**
 * The proof that a stored key belongs to one provider and one host. A Fernet token has no associated data:
 * copied to another row it still decrypts. The binding stands beside it and does not verify elsewhere.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { derivedKey } from './derived-key.ts';
import type { FernetKey } from './fernet.ts';

/** Where a key may go. */
export interface KeyPlace {
  /** The provider. */
  readonly slug: string;
  /** Host and port in lower case, `api.groq.com:443`; empty where the provider has no address of its own. */
  readonly host: string;
}

/**
 * `elsewhere`: made for another place or another key, or forged. `unknown_key`: it names an encryption key
 * that is not at hand. `malformed`: no binding of a version known here.
 */
export type BindingVerdict = 'good' | 'elsewhere' | 'unknown_key' | 'malformed';

const info = 'keyward key binding v1';
const form = /^v1\.([0-9a-f]{8})\.([A-Za-z0-9_-]{43})$/;

/** `v1.<id of the encryption key>.<HMAC-SHA256 in base64url without padding>` */
export function makeBinding(key: FernetKey, place: KeyPlace, plaintext: string): string {
  return `v1.${key.id}.${macOf(key, place, plaintext).toString('base64url')}`;
}

/**
 * Compares in constant time, under the encryption key that the binding names.
 * @param keyById finds a key of the ring
 */
export function verifyBinding(
  binding: string,
  keyById: (id: string) => FernetKey | undefined,
  place: KeyPlace,
  plaintext: string,
): BindingVerdict {
  const [, id, text] = form.exec(binding) ?? [];
  if (id === undefined || text === undefined) return 'malformed';
  const key = keyById(id);
  if (key === undefined) return 'unknown_key';
  const mac = Buffer.from(text, 'base64url');
  // Two bits of the last character belong to no byte: only one text stands for a MAC.
  if (mac.toString('base64url') !== text) return 'malformed';
  return timingSafeEqual(mac, macOf(key, place, plaintext)) ? 'good' : 'elsewhere';
}

/** Each part after its length, so that no two triples make the same bytes. */
function macOf(key: FernetKey, { slug, host }: KeyPlace, plaintext: string): Buffer {
  const mac = createHmac('sha256', derivedKey(key, info));
  for (const part of [slug, host, plaintext]) {
    const bytes = Buffer.from(part, 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    mac.update(length).update(bytes);
  }
  return mac.digest();
}
