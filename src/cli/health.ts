/** `keyward health` and `keyward keys ages`: how the keys stand that the running server serves, or this shell would. */
import { dayOf } from '../foundation/day.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { UsageError } from '../foundation/errors.ts';
import type { Installation } from '../installation.ts';
import { askForTests } from '../keys/health/ask-tests.ts';
import { listDailyTests } from '../keys/health/daily-tests.ts';
import type { HealthStatus } from '../keys/health/health-status.ts';
import type { AgeState } from '../keys/health/key-age.ts';
import { readHealth, type HealthReport, type ProviderHealth } from '../keys/health/read-health.ts';
import { viewHealthReport } from '../keys/health/view-health.ts';
import type { Warning } from '../keys/health/warnings.ts';
import { listLiveInstances } from '../keys/instances.ts';
import { ago, counted, print, printJson, remark, styled, table } from './terminal.ts';
import { changeParts, reasonedOccasion, readRows, withInstallation } from './with-installation.ts';

export interface HealthOptions {
  readonly run?: true;
  readonly reason?: string;
  readonly json?: true;
}

/** @returns the exit code: 0 no key is unhealthy, 1 some are */
export async function showHealth({ run, reason, json }: HealthOptions): Promise<number> {
  return withInstallation(async (installation) => {
    if (run) await runTests(installation, reason);
    const report = await readReport(installation);
    const isWell = report.providers.every(
      ({ fingerprint, health }) => fingerprint === null || health.status !== 'unhealthy',
    );
    if (json) printJson(viewHealthReport(report));
    else printHealth(report);
    return isWell ? 0 : 1;
  });
}

export async function showAges({ json }: { readonly json?: true }): Promise<void> {
  await withInstallation(async (installation) => {
    const report = await readReport(installation);
    if (json) printJson(viewHealthReport(report));
    else printAges(report);
  });
}

async function readReport(installation: Installation): Promise<HealthReport> {
  await readRows(installation);
  const { config, database, clock } = installation;
  const [server] = await listLiveInstances(database.kysely);
  if (server === undefined)
    remark('No server is running: these are the keys that the environment of this shell would give.');
  return readHealth(
    { config, database, clock, changes: changeParts(installation) },
    server === undefined ? {} : { serving: server.serves },
  );
}

const runTimeoutMs = 90_000;
const askAgainMs = 250;

async function runTests(installation: Installation, reason: string | undefined): Promise<void> {
  const { database, clock } = installation;
  const live = await listLiveInstances(database.kysely);
  const [server] = live;
  if (server === undefined) {
    throw new UsageError(
      'No server is running that could test its keys. Start one, or test one key from here: keyward keys test <provider>',
    );
  }
  const slugs = Object.entries(server.serves).flatMap(([slug, { fingerprint }]) =>
    fingerprint === null ? [] : [slug],
  );
  await askForTests(
    { clock, changes: changeParts(installation) },
    await reasonedOccasion(installation, reason),
    slugs,
  );
  const deadline = performance.now() + runTimeoutMs;
  for (;;) {
    const today = await listDailyTests(database.kysely, dayOf(clock.now()));
    const open = today.filter(({ slug, state }) => slugs.includes(slug) && state !== 'done');
    if (open.length === 0) return;
    if (performance.now() > deadline) {
      remark(`Not tested yet: ${open.map(({ slug }) => slug).join(', ')}.`);
      return;
    }
    await pause(askAgainMs);
  }
}

const colours = {
  healthy: 'green',
  degraded: 'yellow',
  unhealthy: 'red',
  unknown: 'dim',
} as const satisfies Record<HealthStatus, string>;

function printHealth(report: HealthReport): void {
  const { checkedAt } = report;
  const withKey = withKeys(report);
  const rows = withKey.map(({ slug, health, lastTest, lastAnswerAt, age, today }) => [
    slug,
    health.status,
    health.because?.verdict ?? '-',
    ago(lastTest?.tested_at ?? null, checkedAt),
    lastTest === null ? '-' : `${lastTest.response_time_ms} ms`,
    ago(lastAnswerAt, checkedAt),
    ageText(age.days, age.isAtLeast),
    today?.state ?? '-',
  ]);
  const heading = ['PROVIDER', 'HEALTH', 'LAST WORD', 'TESTED', 'TOOK', 'ANSWERED', 'AGE', 'TODAY'];
  const [first = '', ...lines] = table([heading, ...rows]);
  print(first);
  for (const [index, line] of lines.entries()) {
    const status = withKey[index]?.health.status ?? 'unknown';
    // Coloured after the columns are padded, which the codes would upset.
    print(line.replace(` ${status} `, ` ${styled(colours[status], status)} `));
  }
  tellUnhealthy(withKey);
  tellWarnings(report);
  tellMissing(report);
}

function tellUnhealthy(providers: readonly ProviderHealth[]): void {
  for (const { slug, health, lastTest } of providers) {
    if (health.status !== 'unhealthy' && health.status !== 'degraded') continue;
    if (lastTest === null || lastTest.verdict !== health.because?.verdict) continue;
    remark(`${slug}: ${lastTest.message} ${lastTest.advice}`);
  }
}

function printAges(report: HealthReport): void {
  const rows = withKeys(report).map(({ slug, source, mask, age, expiresAt, policy }) => [
    slug,
    source ?? '-',
    mask ?? '-',
    ageText(age.days, age.isAtLeast),
    stateText(age.state, policy.snoozedUntil, report.checkedAt),
    `${policy.ageingDays}/${policy.dueDays}/${policy.overdueDays}`,
    expiresAt === null ? '-' : dayOf(expiresAt),
    policy.owner ?? '-',
  ]);
  for (const line of table([
    ['PROVIDER', 'SOURCE', 'KEY', 'AGE', 'STATE', 'POLICY', 'ENDS', 'OWNER'],
    ...rows,
  ]))
    print(line);
  const { firstUsedAt, days } = report.encryptionKey;
  if (firstUsedAt !== null && days !== null)
    print(`The encryption key is ${counted(days, 'day')} old (since ${dayOf(firstUsedAt)}).`);
  tellWarnings(report);
  tellMissing(report);
}

function withKeys({ providers }: HealthReport): ProviderHealth[] {
  return providers.filter(({ fingerprint }) => fingerprint !== null);
}

/** `at least 12 d`: a key of the environment may have been made long before. */
function ageText(days: number | null, isAtLeast: boolean): string {
  if (days === null) return '-';
  return `${isAtLeast ? 'at least ' : ''}${days} d`;
}

function stateText(state: AgeState | null, snoozedUntil: Date | null, now: Date): string {
  if (state === null) return '-';
  const isSnoozed = snoozedUntil !== null && snoozedUntil > now;
  return isSnoozed ? `${state}, snoozed until ${dayOf(snoozedUntil)}` : state;
}

function tellWarnings({ providers, warnings }: HealthReport): void {
  const all: Warning[] = [...providers.flatMap((one) => one.warnings), ...warnings];
  for (const { severity, message, advice } of all) remark(`${severity}: ${message} ${advice}`);
}

function tellMissing(report: HealthReport): void {
  const without = report.providers.filter(({ fingerprint }) => fingerprint === null);
  if (without.length > 0)
    remark(`Without a key: ${without.map(({ slug }) => slug).join(', ')}. keyward keys explain says why.`);
  const missed = report.providers.filter(({ missedDays }) => missedDays.length > 0);
  for (const { slug, missedDays } of missed) remark(`${slug} was not tested on ${missedDays.join(', ')}.`);
}
