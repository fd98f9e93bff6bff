/** How patient alerts are: when one opens, ends, returns and repeats itself. Durations in milliseconds. */
import type { AlertsConfig } from '../foundation/config-alerts.ts';
import type { Condition } from './condition.ts';

const minute = 60_000;

export interface AlertPolicy {
  /** How long a cause must be gone before its alert is resolved. */
  readonly resolveAfterMs: number;
  /** The same for one that has come back before: a cause that flaps is told at most once in this time. */
  readonly flappingResolveAfterMs: number;
  /** A cause that is back so soon after the end opens the same alert again. */
  readonly reopenWithinMs: number;
  /** How long a condition of this kind must last before it is told; needs `details.since`. */
  readonly openAfterMs: Readonly<Record<string, number>>;
  /** The time from each telling to the next reminder; the last one repeats. Empty: none. */
  readonly reminderMs: readonly number[];
}

export function alertPolicy({ resolveAfterMs, flappingMs, reminderMs }: AlertsConfig): AlertPolicy {
  return {
    resolveAfterMs,
    flappingResolveAfterMs: flappingMs,
    reopenWithinMs: flappingMs,
    // Several providers of one outage are noticed one after the other.
    openAfterMs: { provider_unreachable: 2 * minute },
    reminderMs,
  };
}

/**
 * When the first reminder follows a telling. What only informs is told once; a date that comes is told at its
 * marks, and once it has come ever so rarely.
 */
export function firstReminder(
  policy: AlertPolicy,
  { severity, details: { stage } }: Pick<Condition, 'severity' | 'details'>,
  now: Date,
): Date | null {
  if (severity === 'info' || (stage !== undefined && stage > 0)) return null;
  return reminderAfter(policy, stage === undefined ? 0 : Infinity, now);
}

/** When the reminder after this many is due, if the last telling is now. */
export function reminderAfter({ reminderMs }: AlertPolicy, reminders: number, now: Date): Date | null {
  const wait = reminderMs[Math.min(reminders, reminderMs.length - 1)];
  return wait === undefined ? null : new Date(now.getTime() + wait);
}
