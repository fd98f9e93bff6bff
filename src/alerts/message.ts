/**
 * What a message says of an alert: what, since when, who is affected, what serves now, and what mends it. A pure
 * function; the formats of the channels are made from what it gives.
 */
import type { AlertDetails, Severity } from './condition.ts';
import type { AlertEvent } from './plan-changes.ts';
import type { StoredAlert } from './alert-store.ts';

export interface Message {
  readonly event: AlertEvent | 'test';
  /** Null for a test of the channel. */
  readonly alert: { readonly id: string; readonly kind: string; readonly openedAt: Date } | null;
  readonly severity: Severity;
  /** One line: `Critical: …`. */
  readonly title: string;
  readonly facts: readonly Fact[];
  /** What mends it. */
  readonly command: string | null;
  /** Where to look; null where PUBLIC_URL is not set. */
  readonly link: string | null;
  readonly details: AlertDetails;
}

interface Fact {
  readonly label: string;
  readonly text: string;
}

export interface MessageParts {
  readonly now: Date;
  /** PUBLIC_URL. */
  readonly publicOrigin: string | undefined;
}

export function composeMessage(
  event: AlertEvent,
  alert: StoredAlert,
  { now, publicOrigin }: MessageParts,
): Message {
  const { details, severity } = alert;
  const path = details.path ?? `/health/alerts/${alert.id}`;
  return {
    event,
    alert: { id: alert.id, kind: alert.kind, openedAt: alert.openedAt },
    severity,
    title: `${beginningOf(event, alert)}: ${details.what}`,
    facts: factsOf(event, alert, now),
    command: event === 'resolved' ? null : (details.command ?? null),
    link: publicOrigin === undefined ? null : publicOrigin + path,
    details,
  };
}

/** Says that the channel works, and of which installation it is. */
export function composeTest(channelName: string, { now, publicOrigin }: MessageParts): Message {
  const what = `The channel "${channelName}" works.`;
  return {
    event: 'test',
    alert: null,
    severity: 'info',
    title: `Test: ${what}`,
    facts: [
      { label: 'Sent', text: timeInUtc(now) },
      { label: 'What this is', text: 'Somebody had the channel tested. Nothing is wrong.' },
    ],
    command: null,
    link: publicOrigin ?? null,
    details: { what },
  };
}

function beginningOf(event: AlertEvent, { severity, occurrences }: StoredAlert): string {
  const name = `${severity.charAt(0).toUpperCase()}${severity.slice(1)}`;
  if (event === 'resolved') return 'Resolved';
  if (event === 'reminder') return `Still ${severity}`;
  if (event === 'updated') return occurrences > 1 ? `${name}, and it comes and goes` : `Now ${severity}`;
  return name;
}

function factsOf(event: AlertEvent, alert: StoredAlert, now: Date): Fact[] {
  const { details, occurrences } = alert;
  const since = details.since === undefined ? alert.openedAt : new Date(details.since);
  const end = event === 'resolved' ? (alert.resolvedAt ?? now) : now;
  const facts: (Fact | false)[] = [
    details.why !== undefined && event !== 'resolved' && { label: 'Why', text: details.why },
    { label: 'Since', text: `${timeInUtc(since)} (${duration(end.getTime() - since.getTime())})` },
    event === 'resolved' && { label: 'Until', text: timeInUtc(end) },
    occurrences > 1 && { label: 'Seen', text: `${occurrences} times` },
    details.providers !== undefined && { label: 'Providers', text: details.providers.join(', ') },
    details.provider !== undefined && { label: 'Provider', text: details.provider },
    details.owner !== undefined && { label: 'Owner', text: details.owner },
    // The hour before an alert ended says nothing of whom it hit.
    details.requestsLastHour !== undefined &&
      event !== 'resolved' && {
        label: 'Affected',
        text: `${details.requestsLastHour} request${details.requestsLastHour === 1 ? '' : 's'} in the last hour`,
      },
    details.serves !== undefined && event !== 'resolved' && { label: 'Serves now', text: details.serves },
    event === 'resolved' && alert.reason !== null && { label: 'Reason', text: alert.reason },
  ];
  return facts.filter((fact) => fact !== false);
}

/** `2026-03-01 09:00 UTC` */
function timeInUtc(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** `5 min`, `3 h`, `2 d`. */
function duration(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes >= 2_880) return `${Math.floor(minutes / 1_440)} d`;
  return minutes >= 120 ? `${Math.floor(minutes / 60)} h` : `${minutes} min`;
}

/** The message as plain text, its title first. */
export function textOf({ title, facts, command, link, alert, event }: Message): string {
  const rows = [
    ...facts,
    ...(command === null ? [] : [{ label: 'Mend it', text: command }]),
    ...(link === null ? [] : [{ label: 'Look', text: link }]),
    ...(alert === null || event === 'resolved'
      ? []
      : [{ label: 'See to it', text: `keyward alerts ack ${alert.id}` }]),
  ];
  const width = Math.max(...rows.map(({ label }) => label.length)) + 2;
  return [title, '', ...rows.map(({ label, text }) => `${`${label}:`.padEnd(width)}${text}`), ''].join('\n');
}
