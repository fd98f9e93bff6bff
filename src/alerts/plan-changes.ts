/**
 * What becomes of the alerts when somebody has looked: a pure function from those that there are and what is
 * wrong now to how they stand after it and what is told. Two alerts of one cause are never open, nothing is
 * told while an alert is snoozed, and what is gone for long enough is resolved.
 */
import { firstReminder, reminderAfter, type AlertPolicy } from './alert-policy.ts';
import { isWorse, type AlertDetails, type Condition, type Severity } from './condition.ts';
import { correlate, network } from './correlate.ts';

/** An alert as it stands; times are UTC. */
export interface Alert {
  readonly id: string;
  readonly cause: string;
  readonly kind: string;
  readonly severity: Severity;
  readonly providerId: number | null;
  readonly details: AlertDetails;
  /** How often the cause came. */
  readonly occurrences: number;
  readonly openedAt: Date;
  /** When the cause was last seen. */
  readonly seenAt: Date;
  readonly resolvedAt: Date | null;
  readonly acknowledgedAt: Date | null;
  readonly snoozedUntil: Date | null;
  readonly reminders: number;
  readonly nextReminderAt: Date | null;
}

/** What is told of an alert. */
export type AlertEvent = 'opened' | 'updated' | 'resolved' | 'reminder';

export interface Change {
  /** Null for a new alert. */
  readonly id: string | null;
  readonly after: Omit<Alert, 'id'>;
  /** Null: nobody is told. */
  readonly event: AlertEvent | null;
}

export interface Look {
  /** The open alerts, and those resolved within `reopenWithinMs`. */
  readonly alerts: readonly Alert[];
  readonly conditions: readonly Condition[];
  readonly testedProviders: number;
  /**
   * When whoever looks has looked before: what was not seen then was gone, though nobody was told so. Null: never,
   * and nobody knows what was in between.
   */
  readonly previousLook: Date | null;
}

export function planChanges(look: Look, now: Date, policy: AlertPolicy): Change[] {
  const open = new Map(
    look.alerts.flatMap((alert) => (alert.resolvedAt === null ? [[alert.cause, alert]] : [])),
  );
  const { conditions, covered } = correlate(worstOfEach(look.conditions), {
    testedProviders: look.testedProviders,
    networkIsOpen: open.has(network),
  });
  const seen = conditions.flatMap((condition) => {
    const alert = open.get(condition.cause);
    if (alert !== undefined)
      return [goOn(alert, condition, now, { policy, previousLook: look.previousLook })];
    const recent = lastResolved(look.alerts, condition.cause, now, policy);
    if (recent !== undefined)
      return [reopen(recent, condition, now, { policy, previousLook: look.previousLook })];
    return isRipe(condition, now, policy) ? [openNew(condition, now, policy)] : [];
  });
  const present = new Set(conditions.map(({ cause }) => cause));
  const unseen = [...open.values()].flatMap((alert) => {
    if (present.has(alert.cause)) return [];
    if (covered.has(alert.cause)) return [{ id: alert.id, after: { ...alert, seenAt: now }, event: null }];
    return isOver(alert, now, policy) ? [resolve(alert, now)] : [];
  });
  return [...seen, ...unseen];
}

function worstOfEach(conditions: readonly Condition[]): Condition[] {
  const worst = new Map<string, Condition>();
  for (const condition of conditions) {
    const known = worst.get(condition.cause);
    if (known === undefined || isWorse(condition.severity, known.severity))
      worst.set(condition.cause, condition);
  }
  return [...worst.values()];
}

function isRipe({ kind, details: { since } }: Condition, now: Date, { openAfterMs }: AlertPolicy): boolean {
  const wait = openAfterMs[kind];
  if (wait === undefined || since === undefined) return true;
  return now.getTime() - Date.parse(since) >= wait;
}

function openNew(condition: Condition, now: Date, policy: AlertPolicy): Change {
  return {
    id: null,
    event: 'opened',
    after: {
      ...condition,
      occurrences: 1,
      openedAt: now,
      seenAt: now,
      resolvedAt: null,
      acknowledgedAt: null,
      snoozedUntil: null,
      reminders: 0,
      nextReminderAt: firstReminder(policy, condition, now),
    },
  };
}

function goOn(
  alert: Alert,
  condition: Condition,
  now: Date,
  { policy, previousLook }: { readonly policy: AlertPolicy; readonly previousLook: Date | null },
): Change {
  const wasGone = previousLook !== null && alert.seenAt < previousLook;
  const after: Omit<Alert, 'id'> = {
    ...alert,
    ...condition,
    seenAt: now,
    occurrences: alert.occurrences + (wasGone ? 1 : 0),
  };
  if (isSnoozed(alert, now)) return { id: alert.id, after, event: null };
  if (isWorse(condition.severity, alert.severity) || isNearer(condition, alert)) {
    const nextReminderAt = alert.acknowledgedAt === null ? firstReminder(policy, condition, now) : null;
    return { id: alert.id, after: { ...after, reminders: 0, nextReminderAt }, event: 'updated' };
  }
  if (alert.acknowledgedAt !== null || alert.nextReminderAt === null || alert.nextReminderAt > now)
    return { id: alert.id, after, event: null };
  const reminders = alert.reminders + 1;
  const counted = condition.details.stage === undefined ? reminders : Infinity;
  return {
    id: alert.id,
    after: { ...after, reminders, nextReminderAt: reminderAfter(policy, counted, now) },
    event: 'reminder',
  };
}

/** A date that comes has reached its next mark. */
function isNearer({ details: { stage } }: Condition, { details }: Alert): boolean {
  return stage !== undefined && details.stage !== undefined && stage < details.stage;
}

function isSnoozed({ snoozedUntil }: Alert, now: Date): boolean {
  return snoozedUntil !== null && snoozedUntil > now;
}

function lastResolved(
  alerts: readonly Alert[],
  cause: string,
  now: Date,
  { reopenWithinMs }: AlertPolicy,
): Alert | undefined {
  return alerts
    .filter((alert) => alert.cause === cause && alert.resolvedAt !== null)
    .filter(({ resolvedAt }) => now.getTime() - (resolvedAt?.getTime() ?? 0) <= reopenWithinMs)
    .toSorted((one, other) => Number(other.resolvedAt) - Number(one.resolvedAt))
    .at(0);
}

/** Whoever took it up, or put it off, did so with what was then: it is nobody's again. */
function reopen(
  alert: Alert,
  condition: Condition,
  now: Date,
  { policy, previousLook }: { readonly policy: AlertPolicy; readonly previousLook: Date | null },
): Change {
  return {
    id: alert.id,
    event: 'updated',
    after: {
      ...alert,
      ...condition,
      occurrences: alert.occurrences + (wasGone(alert, previousLook, policy) ? 1 : 0),
      seenAt: now,
      resolvedAt: null,
      acknowledgedAt: null,
      snoozedUntil: null,
      reminders: 0,
      nextReminderAt: firstReminder(policy, condition, now),
    },
  };
}

/** What somebody declared over while it was still there was never gone, and so has not come back. */
function wasGone({ seenAt, resolvedAt }: Alert, previousLook: Date | null, policy: AlertPolicy): boolean {
  if (resolvedAt === null) return false;
  const endedByItself = resolvedAt.getTime() - seenAt.getTime() >= policy.resolveAfterMs;
  return endedByItself || (previousLook !== null && previousLook > resolvedAt);
}

/** One that has come back once is believed gone later, which bounds how often it is told. */
function isOver({ seenAt, occurrences }: Alert, now: Date, policy: AlertPolicy): boolean {
  const hold =
    occurrences > 1 ? Math.max(policy.resolveAfterMs, policy.flappingResolveAfterMs) : policy.resolveAfterMs;
  return now.getTime() - seenAt.getTime() >= hold;
}

/** With it ends what it was snoozed for: what comes later is told. */
function resolve(alert: Alert, now: Date): Change {
  return {
    id: alert.id,
    event: isSnoozed(alert, now) ? null : 'resolved',
    after: { ...alert, resolvedAt: now, snoozedUntil: null, nextReminderAt: null },
  };
}
