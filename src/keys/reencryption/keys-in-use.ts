/**
 * The table keyward_encryption_keys: which encryption keys have encrypted something that is still stored, each
 * with a canary that only it opens. A ring that lacks one of them must not serve.
 */
import { sql, type Kysely } from 'kysely';
import type { Occasion } from '../../audit/audit-event.ts';
import { readAuditKeyToken } from '../../audit/audit-key.ts';
import type { AuditTrail } from '../../audit/audit-trail.ts';
import type { KeyRing } from '../../crypto/key-ring.ts';
import type { Tables } from '../../database/tables.ts';
import { KeywardError, UsageError } from '../../foundation/errors.ts';
import { readProviders } from '../provider-store.ts';

export interface KeyInUse {
  readonly id: string;
  readonly firstUsedAt: Date;
  readonly retiredAt: Date | null;
}

export async function listKeysInUse(db: Kysely<Tables>): Promise<KeyInUse[]> {
  const rows = await db.selectFrom('keyward_encryption_keys').selectAll().orderBy('first_used_at').execute();
  return rows.map((row) => ({ id: row.key_id, firstUsedAt: row.first_used_at, retiredAt: row.retired_at }));
}

/**
 * Sees to it that the ring opens what is stored, and notes that its active key is in use from now on.
 * @param from where the ring stands, in words
 * @throws UsageError that names each key which is missing, by its id
 */
export async function admitRing(db: Kysely<Tables>, ring: KeyRing, from: string): Promise<void> {
  const all = await db
    .selectFrom('keyward_encryption_keys')
    .select(['key_id', 'canary', 'retired_at'])
    .execute();
  const rows = all.filter(({ retired_at: retiredAt }) => retiredAt === null);
  const missing = rows
    .filter(({ canary }) => ring.keyIdFor(canary) === undefined)
    .map(({ key_id: id }) => id);
  if (missing.length > 0) throw lacks(missing, ring, from);
  const known = new Set(rows.map(({ key_id: id }) => id));
  const used = all.length === 0 ? await usedBefore(db, ring, from) : [];
  for (const id of new Set([ring.activeKeyId, ...used])) if (!known.has(id)) await noteInUse(db, ring, id);
}

/** For a database that was encrypted before canaries were kept: the keys that open what it holds. */
async function usedBefore(db: Kysely<Tables>, ring: KeyRing, from: string): Promise<string[]> {
  const auditKey = await readAuditKeyToken(db);
  if (auditKey !== undefined && ring.keyIdFor(auditKey) === undefined) throw opensNothing(ring, from);
  const stored = (await readProviders(db)).map(({ encrypted_api_key: token }) => token);
  return [auditKey ?? null, ...stored].flatMap((token) =>
    token === null ? [] : (ring.keyIdFor(token) ?? []),
  );
}

/** One that was retired is in use again. */
async function noteInUse(db: Kysely<Tables>, ring: KeyRing, id: string): Promise<void> {
  await db
    .insertInto('keyward_encryption_keys')
    .values({ key_id: id, canary: ring.canary(id) })
    .onConflict((conflict) => conflict.column('key_id').doUpdateSet({ retired_at: null }))
    .execute();
}

/**
 * Gives up a key that is lost. Where the key of the audit trail is lost with it nothing can be recorded, and
 * nobody could ever start again if that stood in the way.
 * @returns whether an event tells of it
 */
export async function forgetKey(
  parts: { readonly db: Kysely<Tables>; readonly audit: AuditTrail },
  occasion: Occasion,
  id: string,
): Promise<boolean> {
  try {
    return await retireKey(parts, occasion, id, { forgotten: true });
  } catch (error) {
    if (!(error instanceof KeywardError) || error.code !== 'audit_unavailable') throw error;
    await retire(parts.db, id);
    return false;
  }
}

async function retire(db: Kysely<Tables>, id: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('keyward_encryption_keys')
    .set({ retired_at: sql<Date>`now() AT TIME ZONE 'UTC'` })
    .where('key_id', '=', id)
    .where('retired_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Says that a key is needed no more; a start without it is let through from now on. */
export async function retireKey(
  { audit }: { readonly audit: AuditTrail },
  occasion: Occasion,
  id: string,
  why: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const { value } = await audit.change(occasion, async (tx, record) => {
    if (!(await retire(tx, id))) return false;
    record({ action: 'encryption_ring.key_retired', target: { kind: 'encryption_ring', id }, after: why });
    return true;
  });
  return value;
}

function lacks(missing: readonly string[], ring: KeyRing, from: string): UsageError {
  const [which, it] =
    missing.length === 1 ? [`key ${missing[0]}`, 'it'] : [`keys ${missing.join(' and ')}`, 'they'];
  return new UsageError(
    `The encryption key ring (from ${from}) holds ${ring.keyIds.join(', ')} and lacks ${which}, under which this database is encrypted. Put ${it === 'it' ? 'it' : 'them'} back into the ring. If ${it} ${it === 'it' ? 'is' : 'are'} lost for good, with what only ${it} opened: keyward encryption-key forget ${missing.join(' ')}`,
  );
}

function opensNothing(ring: KeyRing, from: string): UsageError {
  return new UsageError(
    `The encryption key ring (from ${from}) holds ${ring.keyIds.join(', ')}, and none of these opens what is stored in this database. Use the encryption key that it was encrypted with. See: keyward encryption-key check`,
  );
}
