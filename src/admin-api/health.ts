/**
 * What the instance says of itself: live as soon as the process answers; ready while it can serve, with
 * `degraded` when it serves from its last snapshot, leaves a provider out, or can change nothing because the
 * audit trail cannot be written.
 */
import type { FoundKeyRing } from '../crypto/find-key-ring.ts';
import type { SnapshotKeeper } from '../keys/snapshot-keeper.ts';

type CheckStatus = 'ok' | 'degraded';

export interface ReadyReport {
  readonly status: 'ready' | 'degraded' | 'stopping';
  readonly checks: {
    readonly database: { readonly status: CheckStatus; readonly message: string };
    readonly revision: { readonly status: CheckStatus; readonly revision: number; readonly read_at: string };
    readonly audit: { readonly status: CheckStatus; readonly message: string };
    readonly encryption_key: { readonly status: CheckStatus; readonly message: string };
    readonly providers: {
      readonly status: CheckStatus;
      readonly set_aside: Readonly<Record<string, string>>;
      /** What serves and should not stay as it is; it makes nothing degraded. */
      readonly remarks: Readonly<Record<string, string>>;
    };
  };
}

export interface HealthParts {
  readonly keeper: SnapshotKeeper;
  readonly keyRing: FoundKeyRing;
  /** Why the audit trail cannot be written, as far as it is known; null while it can. */
  readonly auditFault: () => string | null;
  /** Why the encryption key ring that stands where it is read from was not taken over; null where it was. */
  readonly ringFault: () => string | null;
  readonly stopping: () => boolean;
}

/** HTTP 200 while the instance serves, degraded or not; 503 once it is stopping. */
export function readyReport({ keeper, keyRing, auditFault, ringFault, stopping }: HealthParts): {
  httpStatus: number;
  report: ReadyReport;
} {
  const snapshot = keeper.current();
  const databaseGone = keeper.databaseError() !== null;
  const unreadable = [...snapshot.providers.values()].filter(
    ({ storedKeyUnreadable }) => storedKeyUnreadable,
  ).length;
  const fault = databaseGone ? 'Nothing can be recorded while the database does not answer.' : auditFault();
  const checks: ReadyReport['checks'] = {
    database: databaseGone
      ? { status: 'degraded', message: 'The database does not answer; serving from the last snapshot.' }
      : { status: 'ok', message: 'The database answers.' },
    revision: {
      status: databaseGone ? 'degraded' : 'ok',
      revision: snapshot.revision,
      read_at: snapshot.readAt.toISOString(),
    },
    audit:
      fault === null
        ? { status: 'ok', message: 'The audit trail can be written.' }
        : { status: 'degraded', message: fault },
    encryption_key: ringCheck(keyRing, unreadable, ringFault()),
    providers: {
      status: snapshot.problems.size === 0 ? 'ok' : 'degraded',
      set_aside: Object.fromEntries(snapshot.problems),
      remarks: Object.fromEntries(snapshot.remarks),
    },
  };
  const isWhole = Object.values(checks).every(({ status }) => status === 'ok');
  const report: ReadyReport = { status: stopping() ? 'stopping' : isWhole ? 'ready' : 'degraded', checks };
  return { httpStatus: stopping() ? 503 : 200, report };
}

function ringCheck(
  { ring, from }: FoundKeyRing,
  unreadable: number,
  fault: string | null,
): ReadyReport['checks']['encryption_key'] {
  if (unreadable > 0)
    return {
      status: 'degraded',
      message: `Of the stored keys ${unreadable} cannot be decrypted: keyward encryption-key check`,
    };
  const active = `Active key ${ring.activeKeyId}.`;
  return fault === null
    ? { status: 'ok', message: active }
    : {
        status: 'degraded',
        message: `${active} What stands in ${from} now is not taken over, and a restart would fail: ${fault}`,
      };
}
