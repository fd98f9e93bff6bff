/** The schemas of alerts, deliveries and channels, as the API shows them. */
import { z } from 'zod';
import { alertActs, mostActs, type AlertAct } from '../alerts/list-acts.ts';
import { channelKinds, settingsFields } from '../alerts/channel-settings.ts';
import { severities } from '../alerts/condition.ts';
import { keptRules } from '../alerts/routing.ts';
import type { ChannelView, DeliveryView } from '../alerts/view-alert.ts';

const time = z.iso.datetime();

const alertDetails = z
  .looseObject({
    why: z.string().optional(),
    provider: z.string().optional().describe('Slug of the provider that it is about.'),
    providers: z.array(z.string()).optional(),
    owner: z.string().optional().describe('Who looks after the key.'),
    stage: z
      .number()
      .optional()
      .describe('Of a date that comes: days of the last mark that is reached; 0 once it has come.'),
    since: z
      .string()
      .optional()
      .describe('When it began, where that is known better than when it was noticed.'),
    requestsLastHour: z
      .number()
      .optional()
      .describe('How many requests for the provider the servers had in the last hour, as of the last look.'),
    serves: z.string().optional().describe('What serves in the meantime.'),
    command: z.string().optional().describe('What mends it.'),
    path: z.string().optional(),
  })
  .describe('What its messages say.');

export const alertView = z
  .object({
    id: z.string(),
    state: z
      .enum(['open', 'acknowledged', 'snoozed', 'resolved'])
      .describe(
        'acknowledged: somebody sees to it, no reminders. snoozed: nobody is told until `snoozed_until`.',
      ),
    cause: z.string().describe('Names what is wrong; no two open alerts have the same.'),
    kind: z.string(),
    severity: z.enum(severities),
    what: z.string(),
    details: alertDetails,
    occurrences: z.int().describe('How often the cause came.'),
    opened_at: time,
    seen_at: time.describe('When the cause was last seen.'),
    resolved_at: time.nullable(),
    acknowledged_at: time.nullable(),
    acknowledged_by: z.string().nullable(),
    snoozed_until: time.nullable(),
    snoozed_by: z.string().nullable(),
    reason: z.string().nullable().describe('Of the last thing that somebody did with it.'),
    reminders: z.int(),
    next_reminder_at: time.nullable(),
  })
  .meta({ id: 'Alert' });

export const alertActsView = z
  .array(
    z.object({
      act: z.enum(alertActs),
      at: time,
      by: z.string(),
      reason: z.string().nullable(),
    }) satisfies z.ZodType<AlertAct>,
  )
  .describe(
    `What people did with it, each with its reason: the newest first, ${mostActs} at most, as the audit trail tells it.`,
  );

export const deliveryView = z
  .object({
    id: z.string(),
    alert_id: z.string().nullable().describe('Null for a test of the channel.'),
    channel_id: z.int(),
    event: z.enum(['opened', 'updated', 'resolved', 'reminder', 'test']),
    state: z
      .enum(['waiting', 'sending', 'delivered', 'failed', 'dropped'])
      .describe('failed: given up. dropped: not worth sending any more.'),
    attempts: z.int(),
    last_error: z.string().nullable(),
    created_at: time,
    next_attempt_at: time.nullable(),
    delivered_at: time.nullable(),
  })
  .meta({ id: 'AlertDelivery' }) satisfies z.ZodType<DeliveryView>;

const minutes = z.int().min(0).max(1_439);

export const quietHours = z
  .strictObject({
    from: minutes.describe('Minutes after midnight, UTC.'),
    to: minutes.describe('Before `from`: on the next day.'),
  })
  .nullable();

export const channelView = z
  .object({
    id: z.int(),
    name: z.string(),
    kind: z.enum(channelKinds),
    settings: settingsFields
      .clone()
      .nullable()
      .describe('Without what is secret; null where no encryption key opens them.'),
    rules: keptRules,
    quiet_hours: quietHours.describe(
      'Within them only what is bad enough is sent; the rest follows at their end.',
    ),
    is_active: z.boolean(),
    changed_by: z.string(),
    changed_at: time,
    revision: z.int().describe('For `If-Match`.'),
  })
  .meta({ id: 'AlertChannel' }) satisfies z.ZodType<ChannelView>;
