/** The stored keys of the providers as secrets, for who takes them out of a text. */
import type { Kysely } from 'kysely';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Tables } from '../database/tables.ts';
import type { Secret } from '../foundation/secret.ts';
import { readProviders } from './provider-store.ts';

/** Those that the ring opens; without those that users brought. */
export async function readStoredKeys(db: Kysely<Tables>, ring: KeyRing): Promise<readonly Secret[]> {
  const rows = await readProviders(db);
  return rows.flatMap(({ encrypted_api_key: token }) => {
    if (token === null) return [];
    try {
      return [ring.decrypt(token).secret];
    } catch {
      return [];
    }
  });
}
