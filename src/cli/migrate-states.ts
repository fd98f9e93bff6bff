/** What `keyward migrate` tells of the state of each migration, to people and to programs, and what to do about it. */
import type { MigrationReport } from '../database/migrations/assess.ts';
import { describeDifference } from '../database/migrations/catalogue.ts';
import { version as keyward } from '../foundation/version.ts';
import { transcript } from './migrate-transcript.ts';

/** An apply leaves drift as it is: whoever asks what would run is told of it. */
export function tellAside(reports: readonly MigrationReport[], to = '999'): boolean {
  const asked = reports.filter(({ version }) => version <= to);
  for (const report of asked) if (isAsideState(report.state)) tellState(report);
  return tellWhatIsAside(asked);
}

function isAsideState(state: MigrationReport['state']): boolean {
  return state === 'drift' || state === 'newer';
}

/**
 * What to do about a database that is not as this version leaves it, where applying is not the answer.
 * @returns whether there is anything
 */
export function tellWhatIsAside(reports: readonly MigrationReport[]): boolean {
  const aside = reports.filter(({ state }) => isAsideState(state));
  const newer = aside.filter(({ state }) => state === 'newer').map(({ version }) => version);
  if (newer.length > 0) {
    transcript.warn(
      `A newer Keyward applied ${newer.join(', ')} here, which this one (${keyward}) does not know. Use that version; to use this one, first roll back with the newer: keyward migrate --rollback --to ${newestOf(reports)}`,
    );
  } else if (aside.some(isWithoutFile)) {
    transcript.warn('A file is missing from migrations/: install this version of Keyward again');
  } else if (aside.length > 0) {
    transcript.warn('Repair what can be repaired with: keyward migrate --force');
  }
  return aside.length > 0;
}

function isWithoutFile({ differences }: MigrationReport): boolean {
  return differences.some(({ name }) => name.startsWith('file '));
}

function newestOf(reports: readonly MigrationReport[]): string {
  return reports.findLast(({ state }) => state !== 'newer')?.version ?? '000';
}

const stateWords = {
  applied: 'is APPLIED',
  pending: 'is NOT APPLIED',
  unrecorded: 'is NOT RECORDED, though all of it is there',
  partial: 'is PARTLY APPLIED',
  unfit: 'CANNOT BE APPLIED to what is there',
  newer: 'is of A NEWER KEYWARD',
  drift: 'has DRIFTED',
} as const;

/** One line for a migration, one for each difference, expected beside found, and one for each remark. */
export function tellState(report: MigrationReport): void {
  const line = `Migration ${report.version} ${stateWords[report.state]}: ${report.name}${report.adopted ? ' (adopted)' : ''}`;
  if (report.state === 'applied') transcript.good(line);
  else if (report.state === 'pending') transcript.info(line);
  else transcript.warn(line);
  if (report.fileChanged) transcript.line(`     ${report.file} is not the text that was applied`);
  // What is in the way lists them.
  if (report.obstacle !== null) return;
  for (const difference of report.differences) transcript.line(`     ${describeDifference(difference)}`);
  for (const one of report.remarks) transcript.line(`     ${one}`);
}

/** A report as programs get it. */
export function describeReport(report: MigrationReport): Readonly<Record<string, unknown>> {
  const { version, name, state, adopted, appliedAt, fileChanged, differences, obstacle, remarks } = report;
  return {
    version,
    name,
    state,
    adopted,
    applied_at: appliedAt,
    file_changed: fileChanged,
    differences,
    obstacle,
    remarks,
  };
}
