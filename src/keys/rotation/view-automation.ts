/** What rotates keys without being asked, as people and programs are shown it: the same from the API and on the command line. */
import { providerEntry } from '../../providers/registry.ts';
import type { readManagement } from './management-store.ts';
import type { Schedule } from './schedule-store.ts';
import type { SweepReport } from './sweep-keys.ts';

/** @param stored as readManagement gives it: undefined where no credential is stored */
export function viewManagement(slug: string, stored: Awaited<ReturnType<typeof readManagement>>) {
  const { management } = providerEntry(slug);
  return {
    automation: management === undefined ? 'guided' : management.mint === undefined ? 'revoke_only' : 'full',
    needs: management?.credential ?? null,
    parameters_needed: { ...management?.parameters },
    credential:
      stored === undefined
        ? null
        : {
            mask: stored.mask,
            fingerprint: stored.fingerprint,
            base_url: stored.base_url,
            parameters: stored.parameters as Record<string, string>,
            created_by: stored.created_by,
            created_at: stored.created_at.toISOString(),
          },
    swept_at: stored?.swept_at?.toISOString() ?? null,
    last_sweep: (stored?.last_sweep ?? null) as SweepReport | null,
  } as const;
}

export function viewSchedule(row: Schedule) {
  const { window_from: from, window_to: to } = row;
  return {
    every_days: row.every_days,
    before_expiry_days: row.before_expiry_days,
    jitter_minutes: row.jitter_minutes,
    window: from === null || to === null ? null : { from, to },
    next_at: row.next_at?.toISOString() ?? null,
    stopped_because: row.stopped_because,
    changed_by: row.changed_by,
    changed_at: row.changed_at.toISOString(),
  };
}
