/**
 * What a person does with an alert: take it up, put it off, declare it over. Each is one transaction with its
 * event in the audit trail.
 */
import { dayMs } from '../foundation/day.ts';
import type { Kysely, Updateable } from 'kysely';
import { storable, type AuditAction, type Occasion, writtenBy } from '../audit/audit-event.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { KeywardAlertsTable, Tables } from '../database/tables.ts';
import type { Clock } from '../foundation/clock.ts';
import { KeywardError } from '../foundation/errors.ts';
import { alertOf, lockAlerts, type StoredAlert } from './alert-store.ts';
import { queueDeliveries } from './queue-deliveries.ts';

export interface AlertActParts {
  readonly audit: AuditTrail;
  readonly clock: Clock;
}

/**
 * Somebody sees to it: no more reminders while it is open.
 * @throws KeywardError alert_not_found (404), alert_resolved (409), audit_unavailable (503)
 */
export async function acknowledgeAlert(
  parts: AlertActParts,
  occasion: Occasion,
  id: string,
): Promise<StoredAlert> {
  return act(parts, occasion, id, {
    action: 'alert.acknowledged',
    values: (now) => ({
      acknowledged_at: now,
      acknowledged_by: writtenBy(occasion),
      next_reminder_at: null,
    }),
  });
}

/** What is put off for longer is forgotten. */
export const mostSnoozeDays = 90;

/**
 * Nobody is told of it until then, and a reminder follows.
 * @param until at most `mostSnoozeDays` from now. Throws as acknowledgeAlert, and field_invalid (400).
 */
export async function snoozeAlert(
  parts: AlertActParts,
  occasion: Occasion,
  id: string,
  until: Date,
): Promise<StoredAlert> {
  if (until <= parts.clock.now()) {
    throw new KeywardError('field_invalid', {
      param: 'until',
      message: 'until must lie in the future. Nothing was changed.',
    });
  }
  if (until.getTime() - parts.clock.now().getTime() > mostSnoozeDays * dayMs) {
    throw new KeywardError('field_invalid', {
      param: 'until',
      message: `An alert is put off for ${mostSnoozeDays} days at most. Nothing was changed.`,
    });
  }
  return act(parts, occasion, id, {
    action: 'alert.snoozed',
    values: () => ({
      snoozed_until: until,
      snoozed_by: writtenBy(occasion),
      next_reminder_at: until,
    }),
  });
}

/** It is over; where its cause is still seen, the next look opens it again. Throws as acknowledgeAlert. */
export async function resolveAlert(
  parts: AlertActParts,
  occasion: Occasion,
  id: string,
): Promise<StoredAlert> {
  return act(parts, occasion, id, {
    action: 'alert.resolved',
    values: (now) => ({ resolved_at: now, next_reminder_at: null }),
    alsoDo: async (tx, alert, now) => {
      const isSnoozed = alert.snoozedUntil !== null && alert.snoozedUntil > now;
      if (!isSnoozed) await queueDeliveries(tx, [{ alert, event: 'resolved' }], now);
    },
  });
}

interface Act {
  readonly action: AuditAction;
  readonly values: (now: Date) => Updateable<KeywardAlertsTable>;
  readonly alsoDo?: (tx: Kysely<Tables>, alert: StoredAlert, now: Date) => Promise<void>;
}

async function act(
  { audit, clock }: AlertActParts,
  occasion: Occasion,
  id: string,
  { action, values, alsoDo }: Act,
): Promise<StoredAlert> {
  const { value } = await audit.change(occasion, async (tx, record) => {
    await lockAlerts(tx);
    const row = await tx.selectFrom('keyward_alerts').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) throw new KeywardError('alert_not_found');
    if (row.resolved_at !== null) throw new KeywardError('alert_resolved');
    const now = clock.now();
    const changed = values(now);
    const written = await tx
      .updateTable('keyward_alerts')
      .set({ ...changed, reason: reasonOf(occasion) })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    const alert = alertOf(written);
    await alsoDo?.(tx, alert, now);
    record({ action, target: { kind: 'alert', id }, after: { cause: row.cause, ...shown(changed) } });
    return alert;
  });
  return value;
}

function reasonOf({ reason }: Occasion): string | null {
  return reason === undefined || reason === null ? null : storable(reason);
}

/** Who and why stand in the event itself. */
function shown({ acknowledged_at, snoozed_until, resolved_at }: Updateable<KeywardAlertsTable>): object {
  return Object.fromEntries(
    Object.entries({ acknowledged_at, snoozed_until, resolved_at }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}
