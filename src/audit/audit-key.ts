/**
 * The key of the audit trail: made once, stored encrypted under the key ring. Who can write to the database
 * but has not got the ring cannot forge an event.
 */
import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Tables } from '../database/tables.ts';
import { KeywardError, messageOf } from '../foundation/errors.ts';
import { Secret } from '../foundation/secret.ts';

const keyBytes = 32;

/**
 * The key of this installation's chain; made at the first call of all.
 * @throws KeywardError audit_unavailable when no key of the ring opens it
 */
export async function openAuditKey(db: Kysely<Tables>, ring: KeyRing): Promise<KeyObject> {
  const token = (await readAuditKeyToken(db)) ?? (await makeAuditKey(db, ring));
  try {
    return createSecretKey(Buffer.from(ring.decrypt(token).secret.reveal(), 'hex'));
  } catch (error) {
    throw new KeywardError('audit_unavailable', {
      message: `The audit trail cannot be written, so nothing was changed: its key does not decrypt with the encryption key here (${ring.keyIds.join(', ')}). Use the encryption key that the servers use.`,
      cause: messageOf(error),
    });
  }
}

/** The stored Fernet token of the audit key; undefined before there is one. */
export async function readAuditKeyToken(db: Kysely<Tables>): Promise<string | undefined> {
  const row = await db.selectFrom('keyward_audit_chain').select('encrypted_audit_key').executeTakeFirst();
  return row?.encrypted_audit_key;
}

/** Of several that start at once the first wins, and all use its key. */
async function makeAuditKey(db: Kysely<Tables>, ring: KeyRing): Promise<string> {
  const key = new Secret(randomBytes(keyBytes).toString('hex'));
  await db
    .insertInto('keyward_audit_chain')
    .values({ encrypted_audit_key: ring.encrypt(key) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { encrypted_audit_key: token } = await db
    .selectFrom('keyward_audit_chain')
    .select('encrypted_audit_key')
    .executeTakeFirstOrThrow();
  return token;
}
