/**
 * The table keyward_alert_deliveries while it is worked off: each row is claimed by one instance, and by another
 * when that one is gone. Of one alert and one channel the rows go out in their order.
 */
import { sql, type Kysely, type Selectable } from 'kysely';
import type { KeywardAlertDeliveriesTable, Tables } from '../database/tables.ts';

export type Delivery = Selectable<KeywardAlertDeliveriesTable>;

/** Longer than any attempt takes. */
const claimMs = 60_000;

/** What is due, for this instance from now on, counted as an attempt; one statement. */
export async function claimDeliveries(
  db: Kysely<Tables>,
  { instanceId, now, limit }: { readonly instanceId: string; readonly now: Date; readonly limit: number },
): Promise<Delivery[]> {
  const until = new Date(now.getTime() + claimMs);
  const { rows } = await sql<Delivery>`
    UPDATE keyward_alert_deliveries
       SET state = 'sending', attempts = attempts + 1, claimed_by = ${instanceId}, claimed_until = ${until}
     WHERE id IN (SELECT id FROM keyward_alert_deliveries AS due
                   WHERE ((state = 'waiting' AND next_attempt_at <= ${now}) OR (state = 'sending' AND claimed_until <= ${now}))
                     AND NOT EXISTS (SELECT FROM keyward_alert_deliveries AS earlier
                                      WHERE earlier.alert_id = due.alert_id AND earlier.channel_id = due.channel_id
                                        AND earlier.id < due.id AND earlier.state IN ('waiting', 'sending'))
                   ORDER BY next_attempt_at, id LIMIT ${limit} FOR UPDATE SKIP LOCKED)
    RETURNING *`.execute(db);
  return rows.toSorted((one, other) => Number(one.id) - Number(other.id));
}

/** A test of the channel, claimed by who asks for it. */
export async function insertTest(
  db: Kysely<Tables>,
  channelId: number,
  { instanceId, now }: { readonly instanceId: string; readonly now: Date },
): Promise<Delivery> {
  return db
    .insertInto('keyward_alert_deliveries')
    .values({
      channel_id: channelId,
      event: 'test',
      state: 'sending',
      attempts: 1,
      next_attempt_at: now,
      created_at: now,
      claimed_by: instanceId,
      claimed_until: new Date(now.getTime() + claimMs),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export interface Settled {
  readonly state: 'waiting' | 'delivered' | 'failed' | 'dropped';
  readonly lastError: string | null;
  readonly nextAttemptAt?: Date;
  readonly now: Date;
}

/** Writes what became of an attempt, unless another instance has the delivery by now. */
export async function settleDelivery(
  db: Kysely<Tables>,
  { id, attempts, claimed_by: claimedBy }: Delivery,
  { state, lastError, nextAttemptAt, now }: Settled,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('keyward_alert_deliveries')
    .set({
      state,
      last_error: lastError,
      claimed_by: null,
      claimed_until: null,
      ...(nextAttemptAt !== undefined && { next_attempt_at: nextAttemptAt }),
      ...(state === 'delivered' && { delivered_at: now }),
    })
    .where('id', '=', id)
    .where('claimed_by', '=', claimedBy)
    .where('attempts', '=', attempts)
    .where('state', '=', 'sending')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** A receiver that has enough is left alone by everything that waits for it. */
export async function holdBack(db: Kysely<Tables>, channelId: number, until: Date): Promise<void> {
  await db
    .updateTable('keyward_alert_deliveries')
    .set({ next_attempt_at: until })
    .where('channel_id', '=', channelId)
    .where('state', '=', 'waiting')
    .where('next_attempt_at', '<', until)
    .execute();
}

/** What was sent of an alert, or over a channel: the newest first. */
export async function listDeliveries(
  db: Kysely<Tables>,
  of: { readonly alertId: string } | { readonly channelId: number },
  limit: number,
): Promise<Delivery[]> {
  const query = db.selectFrom('keyward_alert_deliveries').selectAll().orderBy('id', 'desc').limit(limit);
  return (
    'alertId' in of ? query.where('alert_id', '=', of.alertId) : query.where('channel_id', '=', of.channelId)
  ).execute();
}
