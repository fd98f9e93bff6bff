/**
 * The keys of users as the snapshot holds them: by owner and provider, each decrypted once however often the snapshot
 * is made anew. A row that cannot be read sets nothing aside but itself.
 */
import type { Fingerprinter } from '../crypto/fingerprint.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Secret } from '../foundation/secret.ts';
import { readStoredKey } from './stored-key.ts';
import type { UserKeyRow } from './user-key-store.ts';

export interface UserKey {
  readonly id: number;
  readonly owner: string;
  /** Null where it cannot be read. */
  readonly key: Secret | null;
  /** The Fernet token, which tells this key from one that is stored later. */
  readonly storedToken: string;
}

/** By owner, and then by the slug of the provider. */
export type UserKeys = ReadonlyMap<string, ReadonlyMap<string, UserKey>>;

export class UserKeyReader {
  #read = new Map<string, Secret>();

  read(rows: readonly UserKeyRow[], ring: KeyRing, fingerprinter: Fingerprinter): UserKeys {
    const read = new Map<string, Secret>();
    const keys = new Map<string, Map<string, UserKey>>();
    for (const { id, user_id: owner, provider_slug: slug, encrypted_api_key: storedToken } of rows) {
      const key = this.#read.get(storedToken) ?? openedKey(storedToken, ring, fingerprinter);
      if (key !== null) read.set(storedToken, key);
      const ofOwner = keys.get(owner) ?? new Map<string, UserKey>();
      keys.set(owner, ofOwner.set(slug, { id, owner, key, storedToken }));
    }
    this.#read = read;
    return keys;
  }
}

function openedKey(token: string, ring: KeyRing, fingerprinter: Fingerprinter): Secret | null {
  const read = readStoredKey(token, ring, fingerprinter);
  return 'key' in read ? read.key : null;
}
