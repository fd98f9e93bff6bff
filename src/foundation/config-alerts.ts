/** The part of the configuration that says how patient alerts are. Durations in milliseconds. */
import type { Settings } from './settings-schema.ts';

export interface AlertsConfig {
  /** How long a cause must be gone before its alert is resolved. */
  readonly resolveAfterMs: number;
  /** How soon after the end a cause counts as the same, and how long it must then be gone. */
  readonly flappingMs: number;
  /** From each telling to the next reminder; the last one repeats. */
  readonly reminderMs: readonly number[];
}

export function alertsConfig(values: Settings): AlertsConfig {
  return {
    resolveAfterMs: values.ALERT_RESOLVE_AFTER_MIN * 60_000,
    flappingMs: values.ALERT_FLAPPING_MIN * 60_000,
    reminderMs: values.ALERT_REMINDERS,
  };
}
