/**
 * What is wrong with keys, and what is coming for them: facts for whoever raises alerts. Only what is proven
 * counts a key for dead; a provider that does not answer says nothing of it.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { Verdict } from '../providers/verdict.ts';
import { readHealth, type HealthReport, type ProviderHealth } from './health/read-health.ts';
import type { Warning } from './health/warnings.ts';
import type { KeyActParts } from './key-acts.ts';
import type { RecordedTest } from './key-test-history.ts';
import { rolledBackByItself } from './rotation/rotation-machine.ts';
import type { Snapshot } from './snapshot.ts';

export type TroubleKind =
  | 'key_dead'
  | 'key_out_of_credit'
  | 'key_unreadable'
  | 'provider_unreachable'
  | 'rotation_rolled_back'
  | 'rotation_schedule_stopped'
  | 'daily_test_missed';

export interface Trouble {
  readonly kind: TroubleKind;
  readonly providerId: number;
  readonly slug: string;
  /** When it began, or was noticed first; null where that is not known. */
  readonly since: Date | null;
  /** A sentence or two without secrets. */
  readonly why: string | null;
  /** Who looks after the key; null where nobody is named. */
  readonly owner: string | null;
}

/** A date that comes, or came. */
export interface Coming {
  readonly warning: Warning;
  /** Null: of no one provider. */
  readonly providerId: number | null;
  readonly slug: string | null;
  readonly owner: string | null;
}

export interface Troubles {
  readonly troubles: readonly Trouble[];
  readonly coming: readonly Coming[];
}

type ReadParts = Pick<KeyActParts, 'changes' | 'config' | 'database' | 'clock'>;

/** All of it, by provider; inactive providers have none. */
export async function readTroubles(parts: ReadParts, snapshot: Snapshot): Promise<Troubles> {
  const db = parts.database.kysely;
  const now = parts.clock.now();
  const report = await readHealth(parts);
  const providers = new Map(report.providers.map((one) => [one.providerId, one]));
  const found: readonly Omit<Trouble, 'owner' | 'slug'>[] = [
    ...report.providers.flatMap((one) => troublesOfKey(one, snapshot, now)),
    ...(await troublesOfRotation(db, now)),
    ...(await missedTests(db, now)),
  ];
  const troubles = found.flatMap((trouble): Trouble[] => {
    const provider = providers.get(trouble.providerId);
    // What is said of a provider that is gone or inactive is dropped, and so is a test that had no key to test.
    const isMoot = trouble.kind === 'daily_test_missed' && provider?.fingerprint === null;
    return provider === undefined || isMoot
      ? []
      : [{ ...trouble, slug: provider.slug, owner: provider.policy.owner }];
  });
  return { troubles, coming: comingOf(report) };
}

function comingOf({ providers, warnings }: HealthReport): Coming[] {
  return [
    ...providers.flatMap(({ slug, providerId, policy: { owner }, warnings: ofKey }) =>
      ofKey.map((warning) => ({ warning, slug, owner, providerId })),
    ),
    ...warnings.map((warning) => ({ warning, slug: null, owner: null, providerId: null })),
  ];
}

/** A provider that did not answer long ago may well answer now: longer than from one daily test to the next. */
const unreachableForMs = 26 * 3_600_000;

/** What the last word on a key that lives is trouble of; what is not here passes, or is none. */
const kindOfVerdict: Partial<Readonly<Record<Verdict, TroubleKind>>> = {
  out_of_credit: 'key_out_of_credit',
  unreachable: 'provider_unreachable',
};

function troublesOfKey(
  { slug, providerId, source, stored, health, lastTest }: ProviderHealth,
  snapshot: Snapshot,
  now: Date,
): Omit<Trouble, 'owner' | 'slug'>[] {
  const { because } = health;
  const why = lastTest !== null && lastTest.verdict === because?.verdict ? whyOf(lastTest) : null;
  const of = (kind: TroubleKind, since: Date | null, words: string | null = why) => [
    { kind, providerId, since, why: words },
  ];
  const unreadable = snapshot.providers.get(slug)?.storedKeyUnreadable === true && stored.isUsed;
  // A call that it has answered since is the last word, though no test has taken the mark away yet.
  const servesAgain = source === 'database' && health.status === 'healthy';
  const storedIsDead = stored.isProvenDead && stored.isUsed && !servesAgain;
  const kind = because === null ? undefined : kindOfVerdict[because.verdict];
  const isOld = because !== null && now.getTime() - because.at.getTime() >= unreachableForMs;
  return [
    ...(unreadable ? of('key_unreadable', null, null) : []),
    ...(health.status === 'unhealthy'
      ? of('key_dead', because?.at ?? null)
      : // Another key may serve in its place.
        storedIsDead
        ? of('key_dead', stored.testedAt, null)
        : []),
    ...(health.status !== 'unhealthy' && kind !== undefined && !(kind === 'provider_unreachable' && isOld)
      ? of(kind, because?.at ?? null)
      : []),
  ];
}

/** Where credit is bought only the provider's entry knows: no command of Keyward mends it. */
function whyOf({ verdict, message, advice }: RecordedTest): string {
  return verdict === 'out_of_credit' && advice !== '' ? `${message} ${advice}` : message;
}

/** Nobody needs to hear longer of what nobody has taken up again. */
const lookBackMs = 7 * 86_400_000;

async function troublesOfRotation(db: Kysely<Tables>, now: Date): Promise<Omit<Trouble, 'owner' | 'slug'>[]> {
  const since = new Date(now.getTime() - lookBackMs);
  const { rows: last } = await sql<{
    provider_id: number;
    step: string;
    ended_at: Date | null;
    explanation: string | null;
  }>`
    SELECT DISTINCT ON (provider_id) provider_id, step, ended_at, explanation
      FROM keyward_rotations ORDER BY provider_id, id DESC`.execute(db);
  const rolledBack = last.filter(
    ({ step, ended_at, explanation }) =>
      step === 'rolled_back' &&
      ended_at !== null &&
      ended_at >= since &&
      rolledBackByItself.some((beginning) => explanation?.startsWith(beginning) === true),
  );
  const stopped = await db
    .selectFrom('keyward_rotation_schedules')
    .select(['provider_id', 'stopped_because'])
    .where('stopped_because', 'is not', null)
    .execute();
  return [
    ...rolledBack.map(({ provider_id, ended_at, explanation }) => ({
      kind: 'rotation_rolled_back' as const,
      providerId: provider_id,
      since: ended_at,
      why: explanation,
    })),
    ...stopped.map(({ provider_id, stopped_because }) => ({
      kind: 'rotation_schedule_stopped' as const,
      providerId: provider_id,
      since: null,
      why: stopped_because,
    })),
  ];
}

/** The newest day whose test is over was missed. */
async function missedTests(db: Kysely<Tables>, now: Date): Promise<Omit<Trouble, 'owner' | 'slug'>[]> {
  const since = new Date(now.getTime() - lookBackMs);
  const { rows } = await sql<{
    provider_id: number;
    state: string;
    due_at: Date;
    remark: string | null;
  }>`
    SELECT DISTINCT ON (provider_id) provider_id, state, due_at, remark FROM keyward_daily_tests
     WHERE state IN ('done', 'missed') AND day >= ${since}::timestamp::date
     ORDER BY provider_id, day DESC`.execute(db);
  return rows
    .filter(({ state }) => state === 'missed')
    .map(({ provider_id: providerId, due_at, remark: why }) => ({
      kind: 'daily_test_missed' as const,
      providerId,
      since: due_at,
      why,
    }));
}
