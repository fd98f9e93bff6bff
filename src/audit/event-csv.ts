/**
 * Events as CSV (RFC 4180): one header, one record each, lines ended by CR LF. No cell can be taken for a
 * formula by a spreadsheet.
 */
import type { RecordedEvent } from './audit-event.ts';

const columns: Readonly<Record<string, (event: RecordedEvent) => unknown>> = {
  sequence: ({ sequence }) => sequence,
  occurred_at: (event) => event.occurred_at,
  actor_kind: ({ actor }) => actor.kind,
  actor_id: ({ actor }) => actor.id,
  actor_name: ({ actor }) => actor.name,
  actor_role: ({ actor }) => actor.role,
  address: ({ actor }) => actor.address,
  user_agent: ({ actor }) => actor.user_agent,
  action: ({ action }) => action,
  target_kind: ({ target }) => target.kind,
  target_id: ({ target }) => target.id,
  outcome: ({ outcome }) => outcome,
  reason: ({ reason }) => reason,
  request_id: (event) => event.request_id,
  before: ({ before }) => before && JSON.stringify(before),
  after: ({ after }) => after && JSON.stringify(after),
  previous_hash: (event) => event.previous_hash,
  hash: ({ hash }) => hash,
};

export const csvHeader = `${Object.keys(columns).join(',')}\r\n`;

export function csvRecord(event: RecordedEvent): string {
  return `${Object.values(columns)
    .map((read) => csvCell(read(event)))
    .join(',')}\r\n`;
}

/** What spreadsheets begin a formula with; behind a tab or a line break they find it too. */
const formulaStart = /^[=+\-@\t\r\n]/;

function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const harmless = formulaStart.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
