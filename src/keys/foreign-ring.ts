/** Keeps a process with another encryption key than the servers' from storing keys that they could not read. */
import { readAuditKeyToken } from '../audit/audit-key.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Database } from '../database/database.ts';
import { readEncryptedRows } from './provider-store.ts';

/**
 * A key that only this ring opens would take the provider away from every server. The audit trail's own key
 * tells whose ring it is; before there is one, the stored keys do, and a row that is corrupt says nothing.
 * @param from where the ring comes from, in words
 * @throws KeywardError encryption_key_foreign (409)
 */
export async function refuseForeignRing(
  { kysely }: Database,
  ring: KeyRing,
  from = 'this process',
): Promise<void> {
  const auditKey = await readAuditKeyToken(kysely);
  const tokens =
    auditKey === undefined ? (await readEncryptedRows(kysely)).map(({ token }) => token) : [auditKey];
  if (tokens.length === 0 || tokens.some((token) => ring.keyIdFor(token) !== undefined)) return;
  const what = auditKey === undefined ? `none of the ${tokens.length} stored keys` : 'not the audit trail';
  throw new KeywardError('encryption_key_foreign', {
    message: `The encryption key here (${ring.activeKeyId}, from ${from}) opens ${what}, so it is not the one that the servers use. Nothing was changed. See: keyward encryption-key check`,
  });
}
