/** `keyward audit verify`: proves the trail, or names the first place where it is not as it was written. */
import { existsSync } from 'node:fs';
import { readHead } from '../audit/append-events.ts';
import { readAnchorsFrom, type AnchoredHeads } from '../audit/read-anchors.ts';
import type { TrailReport } from '../audit/verify-trail.ts';
import { viewTrailReport } from '../audit/view-trail-report.ts';
import { messageOf, UsageError } from '../foundation/errors.ts';
import { proveTrail } from '../keys/prove-trail.ts';
import type { Installation } from '../installation.ts';
import { counted, print, printJson, progressLine, remark, styled } from './terminal.ts';
import { withInstallation } from './with-installation.ts';

/** What `audit verify` and `audit retain` end with when the trail is broken. */
export const brokenExitCode = 7;

/** @returns the exit code: 0 whole, 1 whole as far as it goes while the anchors are missing, 7 broken */
export async function verifyTrail(options: { anchors?: string; json?: true }): Promise<number> {
  return withInstallation(async (installation) => {
    const from = anchorSource(installation, options.anchors);
    const missing = from === undefined ? missingAnchors(installation) : undefined;
    const anchors = from === undefined ? undefined : await anchorsFrom(from);
    const startedAt = performance.now();
    const report = await verifyInstallation(installation, anchors);
    if (options.json) printJson(forPrograms(report, from, performance.now() - startedAt));
    else printReport(report, from);
    if (!report.whole) return brokenExitCode;
    if (missing === undefined || report.events === 0) return 0;
    remark(
      `The heads that should lie in ${missing} are not there, so that nobody can tell whether events were cut off the end. Put the file back, or name another with --anchors; a server begins a new one.`,
    );
    return 1;
  });
}

/** Verifies the trail of this installation, and shows on a terminal how far it has come. */
export async function verifyInstallation(
  { database, keyRing: { ring }, fingerprinter }: Installation,
  anchors?: AnchoredHeads,
): Promise<TrailReport> {
  const last = (await readHead(database.kysely))?.sequence ?? 0;
  const progress = progressLine();
  try {
    return await proveTrail(
      { database, ring, fingerprinter },
      { anchors, onProgress: (sequence) => progress.show(`event ${sequence} of ${last}`) },
    );
  } finally {
    progress.end();
  }
}

/** The file that was named, or the one that this installation notes its heads in. */
function anchorSource({ config }: Installation, named: string | undefined): string | undefined {
  if (named !== undefined) return named;
  const { anchor } = config.audit;
  return anchor.kind === 'file' && existsSync(anchor.path) ? anchor.path : undefined;
}

/** The file in which this installation should have noted its heads. */
function missingAnchors({ config: { audit } }: Installation): string | undefined {
  return audit.anchor.kind === 'file' ? audit.anchor.path : undefined;
}

async function anchorsFrom(from: string): Promise<AnchoredHeads> {
  let anchors: AnchoredHeads;
  try {
    anchors = await readAnchorsFrom(from === '-' ? process.stdin : from);
  } catch (error) {
    throw new UsageError(`The anchors cannot be read: ${messageOf(error)}`, { cause: error });
  }
  if (anchors.count > 0) return anchors;
  throw new UsageError(`There is no head of an audit trail in ${from === '-' ? 'standard input' : from}.`);
}

function printReport(report: TrailReport, from: string | undefined): void {
  const { fault, events, first, head, retention, waitingForeignChanges, remarks } = report;
  const range =
    head === null ? '' : `, ${first === head.sequence ? 'number' : `${first} to`} ${head.sequence}`;
  if (fault === null) {
    print(`${styled('bold', 'The audit trail is whole')}: ${counted(events, 'event')}${range}.`);
  } else {
    print(styled(['bold', 'red'], `The audit trail is BROKEN at event ${fault.sequence} (${fault.kind}).`));
    print(fault.message);
    print(
      events === 0
        ? 'No event before it is proven.'
        : `Proven before it: ${counted(events, 'event')}${range}.`,
    );
  }
  if (head !== null && fault === null) print(`  Head      ${head.sequence} ${head.hash}`);
  if (retention !== null)
    print(
      `  Start     event ${first}; event ${retention.sequence} records that those before it were removed`,
    );
  print(`  Anchors   ${anchorText(report, from)}`);
  print(`  Waiting   ${counted(waitingForeignChanges, 'foreign change')} not in the trail yet`);
  for (const { provider, message } of remarks)
    remark(provider === null ? message : `${provider}: ${message}`);
}

function anchorText({ anchors, head, fault }: TrailReport, from: string | undefined): string {
  if (anchors === null || from === undefined)
    return 'none: whether events were cut off the end cannot be told. See --anchors';
  const { proven, removed, newest } = anchors;
  const source = from === '-' ? 'standard input' : from;
  const parts = [
    `${proven} noted ${proven === 1 ? 'head fits' : 'heads fit'} (${source})`,
    ...(removed === 0 ? [] : [`${removed} are of removed events`]),
    ...(fault !== null || head === null || head.sequence === newest
      ? []
      : [`events after ${newest} have none yet`]),
  ];
  return parts.join('; ');
}

function forPrograms(report: TrailReport, from: string | undefined, durationMs: number): object {
  const { anchors, ...view } = viewTrailReport(report, durationMs);
  return { ...view, anchors: anchors && { from: from ?? null, ...anchors } };
}
