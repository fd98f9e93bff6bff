/**
 * Retention: the oldest events go, and an event stays that says which, so that the rest of the chain can
 * still be proven. The newest event never goes.
 */
import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { lockChain, readHead } from './append-events.ts';
import type { Occasion } from './audit-event.ts';
import type { AuditTrail } from './audit-trail.ts';
import { readLastBindings } from './last-bindings.ts';
import { readLastKeys } from './last-keys.ts';
import { readFirstSequence } from './read-chain.ts';

/** The events that a retention would remove, or has removed. */
export interface Retained {
  readonly first: number;
  readonly through: number;
  readonly count: number;
}

/** One statement would take too long for a table of any size. */
const deletedAtOnce = 10_000;

/** What would go: every event before the first that is not older. @returns null when nothing would */
export async function planRetention(db: Kysely<Tables>, before: Date): Promise<Retained | null> {
  const head = await readHead(db);
  const first = Number((await readFirstSequence(db)) ?? 0);
  if (head === undefined) return null;
  // Clocks of several servers differ: what counts is the place in the chain.
  const kept = await db
    .selectFrom('keyward_audit_events')
    .select('sequence')
    .where('occurred_at', '>=', before)
    .orderBy('sequence')
    .limit(1)
    .executeTakeFirst();
  const through = Math.min(head.sequence, Number(kept?.sequence ?? head.sequence)) - 1;
  return through < first ? null : { first, through, count: through - first + 1 };
}

/**
 * Removes the events before the date and records it, in one transaction.
 * @returns null when there was nothing to remove
 * @throws KeywardError audit_unavailable; then nothing was removed
 */
export async function retainEvents(
  { audit, occasion }: { readonly audit: AuditTrail; readonly occasion: Occasion },
  before: Date,
): Promise<Retained | null> {
  const { value } = await audit.change(occasion, async (tx, record, write) => {
    // Nobody adds an event, and no other retention runs, until this one is done.
    await lockChain(tx);
    const plan = await planRetention(tx, before);
    if (plan === null) return null;
    const { first, through, count } = plan;
    const { hash } = await tx
      .selectFrom('keyward_audit_events')
      .select('hash')
      .where('sequence', '=', String(through))
      .executeTakeFirstOrThrow();
    const lastKeys = await readLastKeys(tx, through);
    const lastBindings = await readLastBindings(tx, through);
    record({
      action: 'audit.retention',
      target: { kind: 'audit_trail', id: `${first}-${through}` },
      before: null,
      after: {
        removed_through: through,
        hash,
        count,
        before: before.toISOString(),
        last_keys: Object.fromEntries(lastKeys),
        last_bindings: lastBindings,
      },
    });
    // The table lets events go only to an event that names them.
    await write();
    for (let from = first; from <= through; from += deletedAtOnce) {
      await tx
        .deleteFrom('keyward_audit_events')
        .where('sequence', '>=', String(from))
        .where('sequence', '<', String(Math.min(from + deletedAtOnce, through + 1)))
        .execute();
    }
    return plan;
  });
  return value;
}
