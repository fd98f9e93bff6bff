/** Keeps a process with another encryption key than the servers' from storing keys that they could not read. */
import type { Kysely } from 'kysely';
import { readAuditKeyToken } from '../audit/audit-key.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Database } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';
import { listLiveInstances } from './instances.ts';
import { listKeysInUse } from './reencryption/keys-in-use.ts';
import { readEncryptedRows } from './provider-store.ts';

/**
 * A key that only this ring opens would take the provider away from every server. The audit trail's own key
 * tells whose ring it is; before there is one, the stored keys do, and a row that is corrupt says nothing. And
 * every running server says which keys it has: the one that encrypts here must be among them.
 * @param from where the ring comes from, in words
 * @throws KeywardError encryption_key_foreign (409)
 */
export async function refuseForeignRing(
  { kysely }: Pick<Database, 'kysely'>,
  ring: KeyRing,
  from = 'this process',
): Promise<void> {
  await refuseRetiredKey(kysely, ring, from);
  await refuseUnknownToServers(kysely, ring, from);
  const auditKey = await readAuditKeyToken(kysely);
  const tokens =
    auditKey === undefined ? (await readEncryptedRows(kysely)).map(({ token }) => token) : [auditKey];
  if (tokens.length === 0 || tokens.some((token) => ring.keyIdFor(token) !== undefined)) return;
  const what = auditKey === undefined ? `none of the ${tokens.length} stored keys` : 'not the audit trail';
  throw new KeywardError('encryption_key_foreign', {
    message: `The encryption key here (${ring.activeKeyId}, from ${from}) opens ${what}, so it is not the one that the servers use. Nothing was changed. See: keyward encryption-key check`,
  });
}

async function refuseUnknownToServers(db: Kysely<Tables>, ring: KeyRing, from: string): Promise<void> {
  const { activeKeyId: id } = ring;
  // An older server does not say which keys it has.
  const lacking = (await listLiveInstances(db)).filter(
    ({ encryptionKeyIds: ids }) => ids.length > 0 && !ids.includes(id),
  );
  if (lacking.length === 0) return;
  const names = lacking
    .map(({ host, pid, encryptionKeyIds: ids }) => `${host} (process ${pid}, which has ${ids.join(', ')})`)
    .join(', ');
  throw new KeywardError('encryption_key_foreign', {
    message: `The encryption key here (${id}, from ${from}) is not in the ring of ${names}, so what is stored under it could not be read there. Nothing was changed. Add it behind the present key there first, or put the key of the servers first here. See: keyward encryption-key rotate --status`,
  });
}

/** Under a key that nothing needs any more, and that may be gone tomorrow, nothing is stored. */
async function refuseRetiredKey(db: Kysely<Tables>, ring: KeyRing, from: string): Promise<void> {
  const retired = (await listKeysInUse(db)).find(
    ({ id, retiredAt }) => id === ring.activeKeyId && retiredAt !== null,
  );
  if (retired === undefined) return;
  throw new KeywardError('encryption_key_foreign', {
    message: `The encryption key here (${ring.activeKeyId}, from ${from}) was replaced by another one, and nothing is stored under it any more. Nothing was changed. Put the new key first, as on the servers.`,
  });
}
