/** What a verification found, as programs read it: `keyward audit verify --json` and the admin API. */
import type { TrailReport } from './verify-trail.ts';

export interface TrailReportView {
  readonly whole: boolean;
  readonly fault: TrailReport['fault'];
  readonly events: number;
  readonly first: number | null;
  readonly head: TrailReport['head'];
  readonly retention: { readonly sequence: number; readonly removed_through: number } | null;
  readonly anchors: TrailReport['anchors'];
  readonly waiting_foreign_changes: number;
  readonly remarks: TrailReport['remarks'];
  readonly seconds: number;
}

export function viewTrailReport(report: TrailReport, durationMs: number): TrailReportView {
  const { whole, fault, events, first, head, retention, anchors, waitingForeignChanges, remarks } = report;
  return {
    whole,
    fault,
    events,
    first,
    head,
    retention: retention && { sequence: retention.sequence, removed_through: retention.removedThrough },
    anchors,
    waiting_foreign_changes: waitingForeignChanges,
    remarks,
    seconds: Number((durationMs / 1000).toFixed(3)),
  };
}
