/**
 * The table keyward_alerts. What a look finds is applied under the lock of the table, so that however many
 * instances look at once, one cause makes one alert and is told once.
 */
import { sql, type Kysely, type Selectable } from 'kysely';
import type { KeywardAlertsTable, Tables } from '../database/tables.ts';
import type { AlertPolicy } from './alert-policy.ts';
import type { AlertDetails, Condition } from './condition.ts';
import { queueDeliveries } from './queue-deliveries.ts';
import { planChanges, type Alert, type AlertEvent } from './plan-changes.ts';
import { storableDetails } from './storable-details.ts';

export interface StoredAlert extends Alert {
  readonly acknowledgedBy: string | null;
  readonly snoozedBy: string | null;
  /** Why it was acknowledged, snoozed or resolved, in that person's words. */
  readonly reason: string | null;
}

export function alertOf(row: Selectable<KeywardAlertsTable>): StoredAlert {
  return {
    id: row.id,
    cause: row.cause,
    kind: row.kind,
    severity: row.severity,
    providerId: row.provider_id,
    details: detailsIn(row.details),
    occurrences: Number(row.occurrences),
    openedAt: row.opened_at,
    seenAt: row.updated_at,
    resolvedAt: row.resolved_at,
    acknowledgedAt: row.acknowledged_at,
    acknowledgedBy: row.acknowledged_by,
    snoozedUntil: row.snoozed_until,
    snoozedBy: row.snoozed_by,
    reason: row.reason,
    reminders: row.reminders,
    nextReminderAt: row.next_reminder_at,
  };
}

/** SQL may have put anything there. */
function detailsIn(value: unknown): AlertDetails {
  const details = typeof value === 'object' && value !== null ? (value as Partial<AlertDetails>) : {};
  return { ...details, what: typeof details.what === 'string' ? details.what : 'Something is wrong.' };
}

export interface SeenNow {
  readonly conditions: readonly Condition[];
  readonly testedProviders: number;
  /** When this instance has looked before; null: never. */
  readonly previousLook: Date | null;
  readonly now: Date;
}

export interface Told {
  readonly alert: Alert;
  readonly event: AlertEvent;
}

/**
 * Makes the alerts what they are now, and queues what is told.
 * @returns what was told
 */
export async function applyLook(
  db: Kysely<Tables>,
  seen: SeenNow,
  policy: AlertPolicy,
): Promise<readonly Told[]> {
  if (seen.conditions.length === 0 && !(await hasAlerts(db, seen.now, policy))) return [];
  return db.transaction().execute(async (tx) => {
    await lockAlerts(tx);
    const alerts = await readCurrent(tx, seen.now, policy);
    const told: Told[] = [];
    for (const { id, after, event } of planChanges({ ...seen, alerts }, seen.now, policy)) {
      const alert = { ...after, id: id ?? '', details: storableDetails(after.details) };
      const written = id === null ? await insertAlert(tx, alert) : await updateAlert(tx, alert);
      if (event !== null) told.push({ alert: written, event });
    }
    await queueDeliveries(tx, told, seen.now);
    return told;
  });
}

/** Until the end of the transaction nobody else changes an alert; reading goes on. */
export async function lockAlerts(tx: Kysely<Tables>): Promise<void> {
  await sql`LOCK TABLE keyward_alerts IN SHARE ROW EXCLUSIVE MODE`.execute(tx);
}

function currentAlerts(db: Kysely<Tables>, now: Date, { reopenWithinMs }: AlertPolicy) {
  const since = new Date(now.getTime() - reopenWithinMs);
  return db
    .selectFrom('keyward_alerts')
    .where((where) => where.or([where('resolved_at', 'is', null), where('resolved_at', '>=', since)]));
}

async function hasAlerts(db: Kysely<Tables>, now: Date, policy: AlertPolicy): Promise<boolean> {
  return (await currentAlerts(db, now, policy).select('id').limit(1).executeTakeFirst()) !== undefined;
}

async function readCurrent(db: Kysely<Tables>, now: Date, policy: AlertPolicy): Promise<StoredAlert[]> {
  return (await currentAlerts(db, now, policy).selectAll().orderBy('id').execute()).map(alertOf);
}

async function insertAlert(tx: Kysely<Tables>, alert: Alert): Promise<StoredAlert> {
  const row = await tx
    .insertInto('keyward_alerts')
    .values({ ...columnsOf(alert), cause: alert.cause, opened_at: alert.openedAt })
    .returningAll()
    .executeTakeFirstOrThrow();
  return alertOf(row);
}

async function updateAlert(tx: Kysely<Tables>, alert: Alert): Promise<StoredAlert> {
  const row = await tx
    .updateTable('keyward_alerts')
    .set({
      ...columnsOf(alert),
      // Nobody's again: then nobody's name stands there either.
      ...(alert.acknowledgedAt === null && { acknowledged_by: null }),
    })
    .where('id', '=', alert.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return alertOf(row);
}

function columnsOf(alert: Alert) {
  return {
    kind: alert.kind,
    severity: alert.severity,
    provider_id: alert.providerId,
    details: JSON.stringify(alert.details),
    occurrences: alert.occurrences,
    updated_at: alert.seenAt,
    resolved_at: alert.resolvedAt,
    acknowledged_at: alert.acknowledgedAt,
    snoozed_until: alert.snoozedUntil,
    reminders: alert.reminders,
    next_reminder_at: alert.nextReminderAt,
  };
}

/** How many alerts are open, by severity. */
export async function countOpen(db: Kysely<Tables>): Promise<Readonly<Record<string, number>>> {
  const rows = await db
    .selectFrom('keyward_alerts')
    .select(['severity', sql<number>`count(*)::int`.as('count')])
    .where('resolved_at', 'is', null)
    .groupBy('severity')
    .execute();
  return Object.fromEntries(rows.map(({ severity, count }) => [severity, count]));
}
