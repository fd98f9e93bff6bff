/**
 * The key of the audit trail: made once, stored encrypted under the key ring. Who can write to the database
 * but has not got the ring cannot forge an event.
 */
import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Tables } from '../database/tables.ts';
import { KeywardError, messageOf, UsageError } from '../foundation/errors.ts';
import { Secret } from '../foundation/secret.ts';

const keyBytes = 32;

/**
 * Sees to it that the chain has a key: made at the first call of all.
 * @throws KeywardError audit_unavailable when there are events and the key that proves them is gone
 */
export async function ensureAuditKey(db: Kysely<Tables>, ring: KeyRing): Promise<void> {
  if ((await readAuditKeyToken(db)) !== undefined) return;
  await db.transaction().execute(async (tx) => {
    // Of several that start at once the first wins, and all use its key.
    if (!(await makeAuditKey(tx, ring))) return;
    // Under a new key all that was recorded before would count as forged.
    const event = await tx.selectFrom('keyward_audit_events').select('sequence').limit(1).executeTakeFirst();
    if (event !== undefined) throw auditKeyIsGone();
  });
}

/** @returns whether there was none before */
export async function makeAuditKey(tx: Kysely<Tables>, ring: KeyRing): Promise<boolean> {
  const key = new Secret(randomBytes(keyBytes).toString('hex'));
  const made = await tx
    .insertInto('keyward_audit_chain')
    .values({ encrypted_audit_key: ring.encrypt(key) })
    .onConflict((conflict) => conflict.doNothing())
    .returning('only_row')
    .executeTakeFirst();
  return made !== undefined;
}

/** The stored Fernet token of the audit key; undefined before there is one. */
export async function readAuditKeyToken(db: Kysely<Tables>): Promise<string | undefined> {
  const row = await db.selectFrom('keyward_audit_chain').select('encrypted_audit_key').executeTakeFirst();
  return row?.encrypted_audit_key;
}

/**
 * The key in the stored token, for whoever writes.
 * @throws KeywardError audit_unavailable when no key of the ring opens it
 */
export function openAuditKey(token: string, ring: KeyRing): KeyObject {
  try {
    return decryptAuditKey(token, ring);
  } catch (error) {
    throw new KeywardError('audit_unavailable', {
      message: `The audit trail cannot be written, so nothing was changed: its key (keyward_audit_chain) does not decrypt with the encryption key here (${ring.keyIds.join(', ')}). Use the encryption key that the servers use, or see docs/audit.md.`,
      cause: messageOf(error),
    });
  }
}

/**
 * The same for whoever only proves.
 * @throws UsageError when no key of the ring opens it
 */
export function openAuditKeyToVerify(token: string, ring: KeyRing): KeyObject {
  try {
    return decryptAuditKey(token, ring);
  } catch (error) {
    throw new UsageError(
      `The audit trail cannot be verified here: its key (keyward_audit_chain) does not decrypt with the encryption key here (${ring.keyIds.join(', ')}). Use the encryption key that the servers use; if this is the one, the stored audit key was altered.`,
      { cause: error },
    );
  }
}

export function auditKeyIsGone(): KeywardError {
  return new KeywardError('audit_unavailable', {
    message:
      'The audit trail cannot be written, so nothing was changed: there are events, and the key that proves them is gone from keyward_audit_chain. Put its row back from a backup, or see docs/audit.md.',
  });
}

function decryptAuditKey(token: string, ring: KeyRing): KeyObject {
  return createSecretKey(Buffer.from(ring.decrypt(token).secret.reveal(), 'hex'));
}
