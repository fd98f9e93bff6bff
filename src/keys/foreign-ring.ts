/** Keeps a process with another encryption key than the servers' from storing keys that they could not read. */
import { KeywardError } from '../foundation/errors.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Database } from '../database/database.ts';
import { readEncryptedRows } from './provider-store.ts';

/**
 * A key that only this ring opens would take the provider away from every server.
 * @param from where the ring comes from, in words
 * @throws KeywardError encryption_key_foreign (409) when the ring opens none of the other stored keys
 */
export async function refuseForeignRing(
  { kysely }: Database,
  ring: KeyRing,
  slug: string,
  from = 'this process',
): Promise<void> {
  const others = (await readEncryptedRows(kysely)).filter(({ name }) => name !== slug);
  if (others.length === 0 || others.some(({ token }) => ring.keyIdFor(token) !== undefined)) return;
  throw new KeywardError('encryption_key_foreign', {
    message: `The encryption key here (${ring.activeKeyId}, from ${from}) opens none of the ${others.length} other keys that are stored, so it is not the one that the servers use. Nothing was changed. See: keyward encryption-key check`,
  });
}
