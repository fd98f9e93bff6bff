/**
 * Alerts and messages grow thinner with age: an alert that is over goes after thirteen months, what was sent of it
 * three months after its end. Until then, and while it is open, its messages say who hears of its end.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';

const alertDays = 400;
const deliveryDays = 90;

export interface Thinned {
  readonly alerts: number;
  readonly deliveries: number;
}

/** @returns how many were forgotten; the messages that go with their alert are not counted */
export async function thinAlerts(db: Kysely<Tables>, now: Date): Promise<Thinned> {
  const before = (days: number) => sql<Date>`${now}::timestamp - make_interval(days => ${sql.lit(days)})`;
  const { numAffectedRows: deliveries = 0n } = await sql`
    DELETE FROM keyward_alert_deliveries AS delivery
     WHERE state IN ('delivered', 'failed', 'dropped') AND created_at < ${before(deliveryDays)}
       AND NOT EXISTS (SELECT FROM keyward_alerts AS alert WHERE alert.id = delivery.alert_id
                          AND (resolved_at IS NULL OR resolved_at >= ${before(deliveryDays)}))`.execute(db);
  const { numAffectedRows: alerts = 0n } = await sql`
    DELETE FROM keyward_alerts WHERE resolved_at < ${before(alertDays)}`.execute(db);
  return { alerts: Number(alerts), deliveries: Number(deliveries) };
}
