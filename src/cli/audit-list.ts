/** `keyward audit list`: the newest events, one line each. */
import type { RecordedEvent } from '../audit/audit-event.ts';
import { listAuditEvents, type AuditFilters } from '../audit/read-events.ts';
import { visible } from '../foundation/visible-text.ts';
import { print, printJson, remark, table } from './terminal.ts';
import { withInstallation } from './with-installation.ts';

export async function listEvents({
  limit,
  json,
  ...filters
}: AuditFilters & { limit: number; json?: true }): Promise<void> {
  await withInstallation(async ({ database }) => {
    const { events, nextCursor } = await listAuditEvents(database.kysely, { filters, limit });
    if (json) {
      printJson({ events, next_cursor: nextCursor });
      return;
    }
    const rows = events.map((event) => [
      String(event.sequence),
      event.occurred_at.replace('T', ' ').slice(0, 19),
      visible(event.actor.name),
      event.action,
      visible(`${event.target.kind}:${event.target.id}`),
      event.outcome,
      visible(detailsOf(event)),
    ]);
    for (const line of table([
      ['EVENT', 'TIME (UTC)', 'ACTOR', 'ACTION', 'TARGET', 'OUTCOME', 'DETAILS'],
      ...rows,
    ]))
      print(line);
    if (nextCursor !== null) remark(`There are older ones: --limit shows more, keyward audit export all.`);
  });
}

/** What changed, shortly: `source environment → database, fingerprint fp_… → fp_…`. */
function detailsOf({ before, after, reason }: RecordedEvent): string {
  const names = Object.keys({ ...before, ...after });
  const changes = names
    .filter((name) => JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]))
    .map((name) => {
      const [old, now] = [short(before?.[name]), short(after?.[name])];
      return old === '' ? `${name} ${now}` : `${name} ${old} → ${now === '' ? 'none' : now}`;
    });
  return [...(reason ? [`"${reason}"`] : []), ...changes].join(', ');
}

const longestShown = 60;

function short(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}
