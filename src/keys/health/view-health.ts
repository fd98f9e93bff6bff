/** The health of keys as people and programs are shown it: the same from the API and on the command line. */
import type { DailyTest } from './daily-tests.ts';
import { healthStatuses, type HealthStatus } from './health-status.ts';
import type { KeyPolicy } from './policy-store.ts';
import type { Probe } from './probe.ts';
import type { HealthReport, ProviderHealth } from './read-health.ts';
import type { Warning } from './warnings.ts';

export function viewHealthReport({ checkedAt, providers, encryptionKey, warnings }: HealthReport) {
  return {
    checked_at: checkedAt.toISOString(),
    counts: countStatuses(providers),
    encryption_key: {
      first_used_at: encryptionKey.firstUsedAt?.toISOString() ?? null,
      age_days: encryptionKey.days,
    },
    warnings: warnings.map((warning) => viewWarning(warning)),
    data: providers.map((one) => viewProviderHealth(one)),
  };
}

/** Of the providers that a key serves: without one there is nothing to watch. */
function countStatuses(providers: readonly ProviderHealth[]): Record<HealthStatus, number> {
  const withKey = providers.filter(({ fingerprint }) => fingerprint !== null);
  return Object.fromEntries(
    healthStatuses.map((status) => [status, withKey.filter(({ health }) => health.status === status).length]),
  ) as Record<HealthStatus, number>;
}

export function viewProviderHealth(one: ProviderHealth) {
  const { health, lastTest, age } = one;
  return {
    provider: one.slug,
    display_name: one.displayName,
    source: one.source,
    fingerprint: one.fingerprint,
    mask: one.mask,
    reason: one.reason,
    health: health.status,
    verdict: health.because?.verdict ?? null,
    since: health.because?.at.toISOString() ?? null,
    last_test:
      lastTest === null
        ? null
        : {
            verdict: lastTest.verdict,
            message: lastTest.message,
            advice: lastTest.advice,
            response_time_ms: lastTest.response_time_ms,
            tested_at: lastTest.tested_at.toISOString(),
            asked_by: lastTest.asked_by,
          },
    last_answer_at: one.lastAnswerAt?.toISOString() ?? null,
    key_since: age.since?.toISOString() ?? null,
    key_age_days: age.days,
    key_age_is_least: age.isAtLeast,
    key_age_state: age.state,
    expires_at: one.expiresAt?.toISOString() ?? null,
    policy: viewPolicy(one.policy),
    warnings: one.warnings.map((warning) => viewWarning(warning)),
    daily_test: one.today === null ? null : viewDailyTest(one.today),
    missed_days: [...one.missedDays],
  };
}

function viewWarning({ kind, severity, at, daysLeft, message, advice }: Warning) {
  return { kind, severity, at: at.toISOString(), days_left: daysLeft, message, advice };
}

export function viewPolicy(policy: KeyPolicy) {
  return {
    ageing_days: policy.ageingDays,
    due_days: policy.dueDays,
    overdue_days: policy.overdueDays,
    owner: policy.owner,
    snoozed_until: policy.snoozedUntil?.toISOString() ?? null,
    snooze_reason: policy.snoozeReason,
    probe: policy.probe === null ? null : viewProbe(policy.probe),
    changed_by: policy.changedBy,
    changed_at: policy.changedAt?.toISOString() ?? null,
  };
}

function viewProbe({ model, monthlyCalls, month, callsMade, usdPerCall }: Probe) {
  return {
    model,
    monthly_calls: monthlyCalls,
    month,
    calls_made: callsMade,
    estimated_usd_per_call: usdPerCall,
    estimated_usd_per_month: usdPerCall === null ? null : usdPerCall * monthlyCalls,
  };
}

export function viewDailyTest(test: DailyTest) {
  return {
    provider: test.slug,
    day: test.day,
    state: test.state,
    due_at: test.due_at.toISOString(),
    asked_by: test.asked_by,
    tested_at: test.tested_at?.toISOString() ?? null,
    verdict: test.verdict,
    response_time_ms: test.response_time_ms,
    remark: test.remark,
  };
}
