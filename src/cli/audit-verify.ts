/** `keyward audit verify`: proves the trail, or names the first place where it is not as it was written. */
import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { readAnchors, type AnchoredHeads } from '../audit/read-anchors.ts';
import { readHead } from '../audit/append-events.ts';
import { verifyAuditTrail, type TrailReport } from '../audit/verify-trail.ts';
import { showStoredKey, type ShownKey } from '../crypto/stored-key.ts';
import { messageOf, UsageError } from '../foundation/errors.ts';
import { readProviders } from '../keys/provider-store.ts';
import type { Installation } from '../installation.ts';
import { counted, print, printJson, progressLine, remark, styled } from './terminal.ts';
import { withInstallation } from './with-installation.ts';

/** What `audit verify` and `audit retain` end with when the trail is broken. */
export const brokenExitCode = 7;
/** A statement on the embedded engine stops everything else in its process, so it must be short. */
const embeddedBatchSize = 500;

/** @returns the exit code: 0 whole, 7 broken */
export async function verifyTrail(options: { anchors?: string; json?: true }): Promise<number> {
  return withInstallation(async (installation) => {
    const from = anchorSource(installation, options.anchors);
    const anchors = from === undefined ? undefined : await readAnchorsFrom(from);
    const startedAt = performance.now();
    const report = await verifyInstallation(installation, anchors);
    const seconds = (performance.now() - startedAt) / 1000;
    if (options.json) printJson(forPrograms(report, from, seconds));
    else printReport(report, from);
    return report.whole ? 0 : brokenExitCode;
  });
}

/** Verifies the trail of this installation, with its stored keys, and shows on a terminal how far it has come. */
export async function verifyInstallation(
  { database, keyRing, fingerprinter }: Installation,
  anchors?: AnchoredHeads,
): Promise<TrailReport> {
  const { kysely: db } = database;
  const last = (await readHead(db))?.sequence ?? 0;
  const storedKeys = new Map<string, ShownKey>();
  for (const { provider_slug: slug, encrypted_api_key: token } of await readProviders(db))
    storedKeys.set(slug, showStoredKey(token, keyRing.ring, fingerprinter));
  const progress = progressLine();
  try {
    return await verifyAuditTrail({
      db,
      ring: keyRing.ring,
      anchors,
      storedKeys,
      ...(database.kind === 'embedded' ? { batchSize: embeddedBatchSize } : {}),
      onProgress: (sequence) => progress.show(`event ${sequence} of ${last}`),
    });
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

async function readAnchorsFrom(from: string): Promise<AnchoredHeads> {
  const input = from === '-' ? process.stdin : createReadStream(from);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  try {
    // A file that cannot be read fails its stream, and that would go past whoever reads the lines.
    const failed = new Promise<never>((_resolve, reject) => input.once('error', reject));
    const anchors = await Promise.race([readAnchors(lines), failed]);
    if (anchors.count > 0) return anchors;
  } catch (error) {
    throw new UsageError(`The anchors cannot be read: ${messageOf(error)}`, { cause: error });
  } finally {
    lines.close();
  }
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
  for (const { provider, message } of remarks) remark(`${provider}: ${message}`);
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

function forPrograms(report: TrailReport, from: string | undefined, seconds: number): object {
  const { whole, fault, events, first, head, retention, anchors, waitingForeignChanges, remarks } = report;
  return {
    whole,
    fault,
    events,
    first,
    head,
    retention: retention && { sequence: retention.sequence, removed_through: retention.removedThrough },
    anchors: anchors && { from: from ?? null, ...anchors },
    waiting_foreign_changes: waitingForeignChanges,
    remarks,
    seconds: Number(seconds.toFixed(3)),
  };
}
