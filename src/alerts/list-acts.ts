/** What people did with an alert, as the audit trail tells it: there every reason stays, in the alert only the last. */
import type { Kysely } from 'kysely';
import { listAuditEvents } from '../audit/read-events.ts';
import type { Tables } from '../database/tables.ts';

export const alertActs = ['acknowledged', 'snoozed', 'resolved'] as const;

export interface AlertAct {
  readonly act: (typeof alertActs)[number];
  /** UTC, ISO 8601. */
  readonly at: string;
  readonly by: string;
  readonly reason: string | null;
}

export const mostActs = 20;

/** The newest first, `mostActs` at most; what a retention has removed is missing. */
export async function listActs(db: Kysely<Tables>, id: string): Promise<AlertAct[]> {
  const filters = { action: 'alert', target: `alert:${id}` };
  const { events } = await listAuditEvents(db, { filters, limit: mostActs });
  return events.flatMap(({ action, occurred_at: at, actor, reason }) => {
    const act = alertActs.find((one) => action === `alert.${one}`);
    return act === undefined ? [] : [{ act, at, by: actor.name, reason }];
  });
}
