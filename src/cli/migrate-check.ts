/** The actions of `keyward migrate` that only look: the state of each migration, and the eighteen checks of 002. */
import type { Database } from '../database/database.ts';
import { assess, type MigrationReport } from '../database/migrations/assess.ts';
import { migrateExit } from '../database/migrations/migration-failure.ts';
import { countEmptySources, runVerificationSuite } from '../database/migrations/verification-suite.ts';
import type { MigrateContext, MigrateResult } from './migrate-context.ts';
import { describeReport, tellState, tellWhatIsAside } from './migrate-states.ts';
import { transcript } from './migrate-transcript.ts';
import { counted } from './terminal.ts';

export async function checkAction({ database, known, options }: MigrateContext): Promise<MigrateResult> {
  transcript.section('Migration status');
  const reports = (await assess(database.kysely, known)).filter(
    ({ version }) => version <= (options.to ?? '999'),
  );
  for (const report of reports) tellState(report);
  transcript.line();
  const obstacle = reports.find((report) => report.obstacle !== null)?.obstacle ?? null;
  const isPending = reports.some(({ appliedAt }) => appliedAt === null);
  const isAside = tellWhatIsAside(reports) || (await tellEmptySources(database, reports));
  if (obstacle !== null) transcript.bad(obstacle);
  else if (isPending && !isAside) transcript.info('Apply what is missing with: keyward migrate');
  else if (!isAside) transcript.good('All migrations are applied, and the catalogue is as expected');
  // As an apply would end.
  const exitCode =
    obstacle !== null
      ? migrateExit.failed
      : isAside
        ? migrateExit.drift
        : isPending
          ? migrateExit.pending
          : migrateExit.atTarget;
  const error = obstacle === null ? {} : { error: obstacle };
  return { exitCode, report: { ...error, migrations: reports.map(describeReport) } };
}

/** What --verify fails for and the catalogue cannot tell; --force puts it right. */
async function tellEmptySources({ kysely }: Database, reports: readonly MigrationReport[]): Promise<boolean> {
  const isApplied = reports.some(({ version, appliedAt }) => version === '002' && appliedAt !== null);
  const count = isApplied ? await countEmptySources(kysely) : 0;
  if (count === 0) return false;
  transcript.warn(
    `${counted(count, 'provider')} with an empty api_key_source, which counts for environment: keyward migrate --force writes it there`,
  );
  return true;
}

export async function verifyAction({ database }: MigrateContext): Promise<MigrateResult> {
  transcript.section('Migration 002 Test Suite');
  const suites = await runVerificationSuite(database.kysely);
  for (const [index, { title, checks, details }] of suites.entries()) {
    transcript.line(`Test ${index + 1}: ${title}`);
    for (const { passed, message } of checks) (passed ? transcript.good : transcript.bad)(message);
    for (const detail of details) transcript.line(`     ${detail}`);
    transcript.line();
  }
  const checks = suites.flatMap((suite) => suite.checks);
  const failed = checks.filter(({ passed }) => !passed);
  transcript.section('Test Summary');
  transcript.line(`Tests Run:    ${checks.length}`);
  transcript.line(`Tests Passed: ${checks.length - failed.length}`);
  transcript.line(`Tests Failed: ${failed.length}\n`);
  if (failed.length === 0) transcript.good('ALL TESTS PASSED');
  else transcript.bad('SOME TESTS FAILED');
  return {
    exitCode: failed.length === 0 ? migrateExit.atTarget : migrateExit.verificationFailed,
    report: {
      tests_run: checks.length,
      tests_passed: checks.length - failed.length,
      tests_failed: failed.length,
      suites: suites.map((suite) => ({ title: suite.title, checks: suite.checks })),
    },
  };
}
