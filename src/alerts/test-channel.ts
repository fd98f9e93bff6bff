/** Has a channel say that it works: sent at once, once, with its outcome for who asked, and on record. */
import type { Occasion } from '../audit/audit-event.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import { KeywardError } from '../foundation/errors.ts';
import { findChannel, shownSettings } from './channel-store.ts';
import { attempt, type DeliveryParts } from './deliver.ts';
import { insertTest, type Delivery } from './delivery-store.ts';

/** @throws KeywardError channel_not_found (404), channel_unreadable (409), audit_unavailable (503) */
export async function testChannel(
  parts: DeliveryParts & { readonly audit: AuditTrail },
  occasion: Occasion,
  id: number,
): Promise<Delivery> {
  const { audit, db, clock, instanceId, ring } = parts;
  const { value: delivery } = await audit.change(occasion, async (tx, record) => {
    const channel = await findChannel(tx, { id });
    if (channel === undefined) throw new KeywardError('channel_not_found');
    if (shownSettings(channel, ring) === null) throw new KeywardError('channel_unreadable');
    record({
      action: 'alert_channel.tested',
      target: { kind: 'alert_channel', id: String(id) },
      after: { name: channel.name },
    });
    return insertTest(tx, id, { instanceId, now: clock.now() });
  });
  await attempt(parts, delivery);
  return db
    .selectFrom('keyward_alert_deliveries')
    .selectAll()
    .where('id', '=', delivery.id)
    .executeTakeFirstOrThrow();
}
