/** How an alert, a delivery and a channel look to an administrator, over HTTP and by command. */
import type { KeyRing } from '../crypto/key-ring.ts';
import type { StoredAlert } from './alert-store.ts';
import { shownSettings, type AlertChannel } from './channel-store.ts';
import type { ChannelKind, SettingsFields } from './channel-settings.ts';
import type { AlertDetails, Severity } from './condition.ts';
import type { Delivery } from './delivery-store.ts';
import type { ChannelRules, QuietHours } from './routing.ts';

export interface AlertView {
  readonly id: string;
  readonly state: 'open' | 'acknowledged' | 'snoozed' | 'resolved';
  readonly cause: string;
  readonly kind: string;
  readonly severity: Severity;
  readonly what: string;
  readonly details: Omit<AlertDetails, 'what'>;
  readonly occurrences: number;
  readonly opened_at: string;
  readonly seen_at: string;
  readonly resolved_at: string | null;
  readonly acknowledged_at: string | null;
  readonly acknowledged_by: string | null;
  readonly snoozed_until: string | null;
  readonly snoozed_by: string | null;
  readonly reason: string | null;
  readonly reminders: number;
  readonly next_reminder_at: string | null;
}

export function viewAlert(alert: StoredAlert, now: Date): AlertView {
  const { what, ...details } = alert.details;
  return {
    id: alert.id,
    state: stateOf(alert, now),
    cause: alert.cause,
    kind: alert.kind,
    severity: alert.severity,
    what,
    details,
    occurrences: alert.occurrences,
    opened_at: alert.openedAt.toISOString(),
    seen_at: alert.seenAt.toISOString(),
    resolved_at: textOf(alert.resolvedAt),
    acknowledged_at: textOf(alert.acknowledgedAt),
    acknowledged_by: alert.acknowledgedBy,
    snoozed_until: textOf(alert.snoozedUntil),
    snoozed_by: alert.snoozedBy,
    reason: alert.reason,
    reminders: alert.reminders,
    next_reminder_at: textOf(alert.nextReminderAt),
  };
}

function stateOf({ resolvedAt, snoozedUntil, acknowledgedAt }: StoredAlert, now: Date): AlertView['state'] {
  if (resolvedAt !== null) return 'resolved';
  if (snoozedUntil !== null && snoozedUntil > now) return 'snoozed';
  return acknowledgedAt === null ? 'open' : 'acknowledged';
}

export interface DeliveryView {
  readonly id: string;
  readonly alert_id: string | null;
  readonly channel_id: number;
  readonly event: Delivery['event'];
  readonly state: Delivery['state'];
  readonly attempts: number;
  readonly last_error: string | null;
  readonly created_at: string;
  readonly next_attempt_at: string | null;
  readonly delivered_at: string | null;
}

export function viewDelivery(delivery: Delivery): DeliveryView {
  return {
    id: delivery.id,
    alert_id: delivery.alert_id,
    channel_id: delivery.channel_id,
    event: delivery.event,
    state: delivery.state,
    attempts: delivery.attempts,
    last_error: delivery.last_error,
    created_at: delivery.created_at.toISOString(),
    next_attempt_at: delivery.state === 'waiting' ? delivery.next_attempt_at.toISOString() : null,
    delivered_at: textOf(delivery.delivered_at),
  };
}

export interface ChannelView {
  readonly id: number;
  readonly name: string;
  readonly kind: ChannelKind;
  readonly settings: SettingsFields | null;
  readonly rules: ChannelRules;
  readonly quiet_hours: QuietHours | null;
  readonly is_active: boolean;
  readonly changed_by: string;
  readonly changed_at: string;
  readonly revision: number;
}

export function viewChannel(channel: AlertChannel, ring: KeyRing): ChannelView {
  return {
    id: channel.id,
    name: channel.name,
    kind: channel.kind,
    settings: shownSettings(channel, ring),
    rules: channel.rules,
    quiet_hours: channel.quiet,
    is_active: channel.isActive,
    changed_by: channel.changedBy,
    changed_at: channel.changedAt.toISOString(),
    revision: channel.revision,
  };
}

function textOf(time: Date | null): string | null {
  return time?.toISOString() ?? null;
}
