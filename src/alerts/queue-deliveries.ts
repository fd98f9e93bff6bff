/**
 * How what is told becomes rows of keyward_alert_deliveries, in the transaction of the alert itself: one for each
 * channel that it is meant for, due when that channel may be disturbed. What has not gone out yet and is
 * overtaken is not sent at all.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { readChannels, type AlertChannel } from './channel-store.ts';
import type { Alert, AlertEvent } from './plan-changes.ts';
import { isMeantFor, sendAt } from './routing.ts';

type Channel = Pick<AlertChannel, 'id' | 'rules' | 'quiet'>;

/** `now` is the time of creation: Keyward's own clock, by which all is due. */
export async function queueDeliveries(
  tx: Kysely<Tables>,
  told: readonly { readonly alert: Alert; readonly event: AlertEvent }[],
  now: Date,
): Promise<void> {
  if (told.length === 0) return;
  const channels = (await readChannels(tx)).filter(({ isActive }) => isActive);
  for (const { alert, event } of told) {
    if (event === 'resolved') await queueEnd(tx, alert, channels, now);
    else await queueNews(tx, alert, event, channels, now);
  }
}

async function queueNews(
  tx: Kysely<Tables>,
  alert: Alert,
  event: Exclude<AlertEvent, 'resolved'>,
  channels: readonly Channel[],
  now: Date,
): Promise<void> {
  const routed = { ...alert, provider: alert.details.provider };
  for (const channel of channels.filter(({ rules }) => isMeantFor(rules, routed))) {
    const dueAt = sendAt(channel, alert.severity, now);
    // What still waits will say how the alert stands by then: a second message would say the same.
    const { numUpdatedRows } = await tx
      .updateTable('keyward_alert_deliveries')
      .set({ next_attempt_at: sql<Date>`LEAST(next_attempt_at, ${dueAt})` })
      .where('alert_id', '=', alert.id)
      .where('channel_id', '=', channel.id)
      .where('state', '=', 'waiting')
      .where('attempts', '=', 0)
      .where('event', '<>', 'resolved')
      .executeTakeFirst();
    if (numUpdatedRows === 0n) await insertDelivery(tx, { alert, event, channelId: channel.id, dueAt, now });
  }
}

/** Told to whoever heard of the beginning. */
async function queueEnd(
  tx: Kysely<Tables>,
  alert: Alert,
  channels: readonly Channel[],
  now: Date,
): Promise<void> {
  await tx
    .updateTable('keyward_alert_deliveries')
    .set({ state: 'dropped', last_error: 'It was over before it was sent.' })
    .where('alert_id', '=', alert.id)
    .where('state', '=', 'waiting')
    .where('attempts', '=', 0)
    .execute();
  const { rows } = await sql<{ channel_id: number; event: string }>`
    SELECT DISTINCT ON (channel_id) channel_id, event FROM keyward_alert_deliveries
     WHERE alert_id = ${alert.id} AND state IN ('waiting', 'sending', 'delivered')
     ORDER BY channel_id, id DESC`.execute(tx);
  const heard = new Set(rows.filter(({ event }) => event !== 'resolved').map((row) => row.channel_id));
  for (const channel of channels.filter(({ id }) => heard.has(id))) {
    const dueAt = sendAt(channel, alert.severity, now);
    await insertDelivery(tx, { alert, event: 'resolved', channelId: channel.id, dueAt, now });
  }
}

async function insertDelivery(
  tx: Kysely<Tables>,
  row: { alert: Alert; event: AlertEvent; channelId: number; dueAt: Date; now: Date },
): Promise<void> {
  await tx
    .insertInto('keyward_alert_deliveries')
    .values({
      alert_id: row.alert.id,
      channel_id: row.channelId,
      event: row.event,
      next_attempt_at: row.dueAt,
      created_at: row.now,
    })
    .execute();
}
