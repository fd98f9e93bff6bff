/** How the health of keys looks to an administrator: schemas of what keys/health/view-health.ts gives. */
import { z } from 'zod';
import { healthMeanings, healthStatuses } from '../keys/health/health-status.ts';
import { ageStates } from '../keys/health/key-age.ts';
import { warningKinds } from '../keys/health/warnings.ts';

const time = z.iso.datetime();
const days = z.int();

const warningView = z
  .object({
    kind: z.enum(warningKinds),
    severity: z.enum(['info', 'warning', 'critical']),
    at: time.describe('When it comes, or came.'),
    days_left: days.describe('Rounded up; 0 or less: it has come.'),
    message: z.string(),
    advice: z.string().describe('The command that mends it, or what to do.'),
  })
  .meta({ id: 'KeyWarning' });

export const policyView = z
  .object({
    ageing_days: days,
    due_days: days,
    overdue_days: days,
    owner: z.string().nullable(),
    snoozed_until: time.nullable().describe('Until then the age warns nobody.'),
    snooze_reason: z.string().nullable(),
    probe: z
      .object({
        model: z.string(),
        monthly_calls: z.int().describe('No more are made in a month, over all instances.'),
        month: z
          .string()
          .nullable()
          .describe('The month in UTC that `calls_made` counts, as 2026-03; null: none was made yet.'),
        calls_made: z.int(),
        estimated_usd_per_call: z
          .number()
          .nullable()
          .describe('By the price in llm_models, for ten tokens in and one out; null: none stands there.'),
        estimated_usd_per_month: z.number().nullable().describe('At most: when all of its calls are made.'),
      })
      .nullable()
      .describe('The chat of one token that the daily test also makes; null: it spends nothing.'),
    changed_by: z.string().nullable().describe('Null: nobody has set it, these are the defaults.'),
    changed_at: time.nullable(),
  })
  .meta({ id: 'KeyPolicy' });

export const dailyTestView = z
  .object({
    provider: z.string(),
    day: z.iso.date().describe('In UTC.'),
    state: z
      .enum(['waiting', 'running', 'done', 'missed'])
      .describe('`missed`: nobody ran it while the day lasted.'),
    due_at: time,
    asked_by: z.string().nullable().describe('Who had it run now; null: it came by itself.'),
    tested_at: time.nullable(),
    verdict: z.string().nullable(),
    response_time_ms: z.int().nullable(),
    remark: z
      .string()
      .nullable()
      .describe('Why nothing was asked, or what the call that spends a token said.'),
  })
  .meta({ id: 'DailyTest' });

export const providerHealthView = z
  .object({
    provider: z.string(),
    display_name: z.string(),
    source: z
      .enum(['database', 'environment'])
      .nullable()
      .describe('Where the key comes from that serves; null: none does.'),
    fingerprint: z.string().nullable(),
    mask: z.string().nullable(),
    reason: z.string().describe('Why this key serves, or none.'),
    health: z
      .enum(healthStatuses)
      .describe(healthStatuses.map((status) => `\`${status}\`: ${healthMeanings[status]}`).join(' ')),
    verdict: z.string().nullable().describe('What decided, from a test or a call.'),
    since: time.nullable().describe('When that was last said.'),
    last_test: z
      .object({
        verdict: z.string(),
        message: z.string(),
        advice: z.string(),
        response_time_ms: z.int(),
        tested_at: time,
        asked_by: z.string(),
      })
      .nullable(),
    last_answer_at: time.nullable().describe('When a call was last answered with the key, to half a minute.'),
    key_since: time.nullable(),
    key_age_days: days.nullable(),
    key_age_is_least: z
      .boolean()
      .describe('The key may be older: nothing says when a key of the environment was made.'),
    key_age_state: z.enum(ageStates).nullable(),
    expires_at: time.nullable().describe('When the key ends, as far as anybody said.'),
    policy: policyView,
    warnings: z.array(warningView),
    daily_test: dailyTestView.nullable().describe('Of today.'),
    missed_days: z.array(z.iso.date()).describe('Of the last week.'),
  })
  .meta({ id: 'ProviderHealth' });

export const healthReportView = z.object({
  checked_at: time,
  counts: z
    .object({ healthy: z.int(), degraded: z.int(), unhealthy: z.int(), unknown: z.int() })
    .describe('Of the active providers that a key serves.'),
  encryption_key: z.object({ first_used_at: time.nullable(), age_days: days.nullable() }),
  warnings: z.array(warningView).describe('Of no one provider.'),
  data: z.array(providerHealthView).describe('The active providers, by slug.'),
});
