/** Which encryption keys the servers use, as the trail tells it: by their ids, recorded when they change. */
import { isDeepStrictEqual } from 'node:util';
import type { Kysely } from 'kysely';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Tables } from '../database/tables.ts';
import { lockChain } from './append-events.ts';
import type { Occasion } from './audit-event.ts';
import type { AuditTrail } from './audit-trail.ts';

/** Records the ring unless it is the one that was recorded last; once, however many instances start with it. */
export async function recordEncryptionRing(
  db: Kysely<Tables>,
  audit: AuditTrail,
  occasion: Occasion,
  ring: KeyRing,
): Promise<void> {
  const after = { active_key_id: ring.activeKeyId, key_ids: ring.keyIds };
  // Without the look before, every start would need the lock of the chain.
  if (isDeepStrictEqual(await readRecordedRing(db), after)) return;
  await audit.change(occasion, async (tx, record) => {
    await lockChain(tx);
    const before = await readRecordedRing(tx);
    if (isDeepStrictEqual(before, after)) return;
    record({
      action: 'encryption_ring.changed',
      target: { kind: 'encryption_ring', id: ring.activeKeyId },
      before,
      after,
    });
  });
}

async function readRecordedRing(db: Kysely<Tables>): Promise<Readonly<Record<string, unknown>> | null> {
  const row = await db
    .selectFrom('keyward_audit_events')
    .select('event')
    .where('action', '=', 'encryption_ring.changed')
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return null;
  return (JSON.parse(row.event) as { after: Readonly<Record<string, unknown>> | null }).after;
}
