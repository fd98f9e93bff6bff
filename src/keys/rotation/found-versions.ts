/**
 * Versions of keys that another program stored: the trigger that makes them cannot look into a key, so an
 * instance fills in by what to recognise it.
 */
import type { Kysely } from 'kysely';
import { encryptionMark } from '../../crypto/encryption-mark.ts';
import { showStoredKey } from '../../crypto/stored-key.ts';
import type { Tables } from '../../database/tables.ts';
import type { ChangeParts } from '../change-provider.ts';

const batchSize = 500;

/**
 * Fills in mask and fingerprint where they are missing.
 * @param providerId only of this provider; absent: of all
 * @returns how many
 */
export async function describeFoundVersions(
  db: Kysely<Tables>,
  { ring, fingerprinter }: Pick<ChangeParts, 'ring' | 'fingerprinter'>,
  providerId?: number,
): Promise<number> {
  let query = db
    .selectFrom('keyward_key_versions')
    .select(['id', 'encrypted_api_key'])
    .where('fingerprint', 'is', null)
    .where('encrypted_api_key', 'is not', null)
    .orderBy('id')
    .limit(batchSize);
  if (providerId !== undefined) query = query.where('provider_id', '=', providerId);
  const found = await query.execute();
  for (const { id, encrypted_api_key: token } of found) {
    const { fingerprint, mask } = showStoredKey(token, ring, fingerprinter);
    const keyId = token === null ? undefined : ring.keyIdFor(token);
    const mark = token === null || keyId === undefined ? null : encryptionMark(keyId, token);
    await db
      .updateTable('keyward_key_versions')
      .set({ fingerprint, mask, encrypted_under: mark })
      .where('id', '=', id)
      .where('encrypted_api_key', '=', token)
      .execute();
  }
  return found.length;
}
