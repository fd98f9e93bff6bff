/** `keyward alerts list`, `show` and what a person does with an alert. */
import { acknowledgeAlert, resolveAlert, snoozeAlert } from '../alerts/alert-acts.ts';
import type { Severity } from '../alerts/condition.ts';
import { readChannels } from '../alerts/channel-store.ts';
import { listDeliveries } from '../alerts/delivery-store.ts';
import { listActs, type AlertAct } from '../alerts/list-acts.ts';
import { findAlert, listAlerts } from '../alerts/list-alerts.ts';
import { viewAlert, viewDelivery, type AlertView } from '../alerts/view-alert.ts';
import { UsageError } from '../foundation/errors.ts';
import { visible } from '../foundation/visible-text.ts';
import { ago, print, printJson, remark, table } from './terminal.ts';
import { reasonedOccasion, withInstallation } from './with-installation.ts';

export type AlertActName = 'ack' | 'snooze' | 'resolve';

export interface AlertListOptions {
  readonly all?: true;
  readonly severity?: Severity;
  readonly provider?: string;
  readonly limit: number;
  readonly json?: true;
}

export interface AlertActOptions {
  /** Milliseconds. */
  readonly for?: number;
  readonly reason?: string;
  readonly json?: true;
}

const mostDeliveries = 100;

export async function printAlerts({ all, severity, provider, limit, json }: AlertListOptions): Promise<void> {
  await withInstallation(async ({ database, clock }) => {
    const filter = { severity, provider, ...(all !== true && { state: 'open' as const }) };
    const { alerts, next } = await listAlerts(database.kysely, { filter, before: null, limit });
    const views = alerts.map((alert) => viewAlert(alert, clock.now()));
    if (json) {
      printJson({ alerts: views, has_more: next !== null });
      return;
    }
    const rows = views.map((alert) => [
      alert.id,
      alert.severity,
      alert.state,
      ago(new Date(alert.opened_at), clock.now()),
      visible(alert.what),
    ]);
    for (const line of table([['ID', 'SEVERITY', 'STATE', 'AGE', 'WHAT'], ...rows])) print(line);
    if (rows.length === 0) remark('Nothing is wrong that an alert would say.');
    if (next !== null) remark('There are older ones: --limit shows more.');
  });
}

export async function showAlert(id: string, { json }: { json?: true }): Promise<void> {
  await withInstallation(async ({ database, clock }) => {
    const alert = await findAlert(database.kysely, id);
    if (alert === undefined) throw noAlert(id);
    const view = viewAlert(alert, clock.now());
    const deliveries = (await listDeliveries(database.kysely, { alertId: id }, mostDeliveries)).map(
      viewDelivery,
    );
    const acts = await listActs(database.kysely, id);
    if (json) {
      printJson({ alert: view, deliveries, acts });
      return;
    }
    for (const line of linesOf(view, acts)) print(line);
    if (deliveries.length === 0) return remark('Nothing was sent of it: keyward alerts channels list');
    print();
    const names = new Map(
      (await readChannels(database.kysely)).map(({ id: number, name }) => [number, name]),
    );
    const rows = deliveries.map((sent) => [
      sent.event,
      visible(names.get(sent.channel_id) ?? String(sent.channel_id)),
      sent.state,
      String(sent.attempts),
      `${ago(new Date(sent.created_at), clock.now())} ago`,
      visible(sent.last_error ?? ''),
    ]);
    for (const line of table([['MESSAGE', 'CHANNEL', 'STATE', 'ATTEMPTS', 'QUEUED', 'LAST ERROR'], ...rows]))
      print(line);
  });
}

function linesOf({ details, ...view }: AlertView, acts: readonly AlertAct[]): string[] {
  const rows: (readonly [string, string | null | undefined])[] = [
    ['alert', `${view.id}, ${view.severity}, ${view.state}`],
    ['what', view.what],
    ['why', details.why],
    ['provider', details.provider ?? details.providers?.join(', ')],
    ['since', details.since ?? view.opened_at],
    ['resolved', view.resolved_at],
    ['came', view.occurrences > 1 ? `${view.occurrences} times` : null],
    ['serves now', details.serves],
    ['mend it', details.command],
    ['seen to by', view.acknowledged_by],
    ['snoozed', view.snoozed_until === null ? null : `until ${view.snoozed_until} by ${view.snoozed_by}`],
    ...reasonsOf(view, acts),
    ['reminder', view.next_reminder_at],
  ];
  return rows.flatMap(([label, text]) =>
    text === null || text === undefined ? [] : [`${label.padEnd(11)} ${visible(text)}`],
  );
}

/** A retention may have removed the events; then the alert itself knows the last reason. */
function reasonsOf(
  { reason }: Pick<AlertView, 'reason'>,
  acts: readonly AlertAct[],
): [string, string | null][] {
  if (acts.length === 0) return [['reason', reason]];
  return acts.flatMap(({ act, at, by, reason: why }) =>
    why === null ? [] : [['reason', `${why} (${act} by ${by} at ${at})`] as [string, string]],
  );
}

export async function actOnAlert(act: AlertActName, id: string, options: AlertActOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const { database, audit, clock } = installation;
    if ((await findAlert(database.kysely, id)) === undefined) throw noAlert(id);
    const parts = { audit, clock };
    const occasion = await reasonedOccasion(installation, options.reason);
    const alert =
      act === 'snooze'
        ? await snoozeAlert(parts, occasion, id, new Date(clock.now().getTime() + (options.for ?? 0)))
        : await (act === 'ack' ? acknowledgeAlert : resolveAlert)(parts, occasion, id);
    const view = viewAlert(alert, clock.now());
    if (options.json) printJson({ alert: view });
    else print(sentenceOf(act, view));
  });
}

function sentenceOf(act: AlertActName, { id, what, snoozed_until: until }: AlertView): string {
  if (act === 'ack') return `Alert ${id} is seen to: no more reminders. ${visible(what)}`;
  if (act === 'resolve') return `Alert ${id} is over. ${visible(what)}`;
  return `Alert ${id} is put off until ${until?.slice(0, 16).replace('T', ' ')} UTC. ${visible(what)}`;
}

function noAlert(id: string): UsageError {
  return new UsageError(`There is no alert ${id}. The open ones: keyward alerts list`, { exitCode: 2 });
}
