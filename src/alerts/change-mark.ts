/** A mark that differs whenever an alert, or what was sent of one, has changed. */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';

export async function readAlertMark(db: Kysely<Tables>): Promise<string> {
  const { rows } = await sql<{ mark: string }>`
    SELECT concat_ws('/',
      (SELECT concat_ws(',', count(*), max(id), count(acknowledged_at), max(snoozed_until), max(occurrences))
         FROM keyward_alerts WHERE resolved_at IS NULL),
      (SELECT concat_ws(',', max(id), max(delivered_at)) FROM keyward_alert_deliveries)) AS mark`.execute(db);
  return rows[0]?.mark ?? '';
}
