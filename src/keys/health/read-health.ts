/**
 * Everything that is known of the keys that serve, put together for people and programs: how each stands, how old
 * it is, what is coming, and its test of today. A key that another process serves is known by its fingerprint.
 */
import { dayMs, dayOf } from '../../foundation/day.ts';
import { sql, type Kysely } from 'kysely';
import { maskKey } from '../../crypto/fingerprint.ts';
import type { Database } from '../../database/database.ts';
import type { Tables } from '../../database/tables.ts';
import type { Clock } from '../../foundation/clock.ts';
import { cutOffOf } from '../../providers/key-cut-off.ts';
import { providerEntry } from '../../providers/registry.ts';
import { serveHere, type ExplainParts } from '../explain-key.ts';
import type { RecordedTest } from '../key-test-history.ts';
import { readProviders, type ProviderRow } from '../provider-store.ts';
import type { KeySource } from '../resolve-key.ts';
import { listDailyTests, type DailyTest } from './daily-tests.ts';
import { nameOfKey, readEvidence, type Evidence } from './evidence.ts';
import { healthOf, type Health } from './health-status.ts';
import { ageDays, ageStateOf, type AgeState } from './key-age.ts';
import type { ServedKey } from './live-verdicts.ts';
import { defaultPolicy, readPolicies, type KeyPolicy } from './policy-store.ts';
import { encryptionKeyWarnings, keyWarnings, type Warning } from './warnings.ts';

interface KeyAge {
  /** Since when the key is known; null: it has not been heard of yet. */
  readonly since: Date | null;
  /** It may be older: nothing says when a key of the environment was made. */
  readonly isAtLeast: boolean;
  readonly days: number | null;
  readonly state: AgeState | null;
}

export interface ProviderHealth {
  /** llm_providers.id. */
  readonly providerId: number;
  readonly slug: string;
  readonly displayName: string;
  /** Where the key comes from that serves; null: none does. */
  readonly source: KeySource | null;
  readonly fingerprint: string | null;
  readonly mask: string | null;
  /** Why this key serves, or none. */
  readonly reason: string;
  readonly health: Health;
  readonly stored: StoredKeyFacts;
  /** The last test of this key. */
  readonly lastTest: RecordedTest | null;
  /** When a call was last answered with it, to about half a minute. */
  readonly lastAnswerAt: Date | null;
  readonly age: KeyAge;
  readonly expiresAt: Date | null;
  readonly policy: KeyPolicy;
  readonly warnings: readonly Warning[];
  readonly today: DailyTest | null;
  /** The days of the last week on which nobody tested it, oldest first. */
  readonly missedDays: readonly string[];
}

/** What stands in the row of the provider of its stored key, whether or not that one serves. */
interface StoredKeyFacts {
  /** The source of the provider has it serve, where it can. */
  readonly isUsed: boolean;
  readonly isProvenDead: boolean;
  readonly testedAt: Date | null;
}

export interface HealthReport {
  readonly checkedAt: Date;
  /** The active providers, by slug. */
  readonly providers: readonly ProviderHealth[];
  readonly encryptionKey: { readonly firstUsedAt: Date | null; readonly days: number | null };
  /** Of no one provider. */
  readonly warnings: readonly Warning[];
}

/** With which key a provider is served, as the process says that serves it. */
export interface Serving {
  readonly source: KeySource | null;
  readonly fingerprint: string | null;
  readonly reason: string;
}

interface ReadParts extends ExplainParts {
  readonly database: Database;
  readonly clock: Clock;
}

const missedDaysShown = 7;

/**
 * @param options.serving what serves, by slug, where that is another process; absent: as this one serves
 * @param options.slug only of this provider
 */
export async function readHealth(
  parts: ReadParts,
  { serving, slug }: { readonly serving?: Readonly<Record<string, Serving>>; readonly slug?: string } = {},
): Promise<HealthReport> {
  const db = parts.database.kysely;
  const now = parts.clock.now();
  const rows = (await readProviders(db)).filter(
    (row) => row.is_active === true && (slug === undefined || row.provider_slug === slug),
  );
  const keys = rows.map((row) => keyOf(row, parts, serving));
  const known = await readKnown(db, keys, now);
  const firstUsedAt = await encryptionKeySince(db, parts.changes.ring.activeKeyId);
  return {
    checkedAt: now,
    providers: keys.map((key) => healthOfProvider(key, known, now)),
    encryptionKey: { firstUsedAt, days: firstUsedAt === null ? null : ageDays(firstUsedAt, now) },
    warnings: encryptionKeyWarnings(firstUsedAt, now),
  };
}

interface KeyHere extends Serving {
  readonly row: ProviderRow;
  readonly mask: string | null;
}

function keyOf(
  row: ProviderRow,
  parts: ExplainParts,
  serving: Readonly<Record<string, Serving>> | undefined,
): KeyHere {
  const { key, source, reason } = serveHere(row, parts).resolution;
  const here = { source, reason, fingerprint: key === null ? null : parts.changes.fingerprinter.of(key) };
  const said = serving === undefined ? here : (serving[row.provider_slug] ?? here);
  const mask = key !== null && here.fingerprint === said.fingerprint ? maskKey(key) : null;
  const { fingerprint } = said;
  return { row, source: said.source, reason: said.reason, fingerprint, mask };
}

interface KnownOfKeys {
  readonly evidence: Evidence;
  readonly tests: ReadonlyMap<string, RecordedTest>;
  readonly dates: ReadonlyMap<string, KeyDates>;
  readonly policies: ReadonlyMap<number, KeyPolicy>;
  readonly days: readonly DailyTest[];
}

async function readKnown(db: Kysely<Tables>, keys: readonly KeyHere[], now: Date): Promise<KnownOfKeys> {
  const served = keys.flatMap(({ row, fingerprint }): ServedKey[] =>
    fingerprint === null ? [] : [{ slug: row.provider_slug, fingerprint }],
  );
  return {
    evidence: await readEvidence(db, served),
    tests: await readLastTests(db, served),
    dates: await readDates(db, served),
    policies: await readPolicies(db),
    days: await listDailyTests(db, dayOf(new Date(now.getTime() - missedDaysShown * dayMs))),
  };
}

function healthOfProvider(key: KeyHere, known: KnownOfKeys, now: Date): ProviderHealth {
  const { row, source, fingerprint, reason } = key;
  const { id, provider_slug: slug, display_name: displayName } = row;
  const name = nameOfKey({ slug, fingerprint: fingerprint ?? '' });
  const dates = known.dates.get(name);
  const mask = key.mask ?? dates?.mask ?? null;
  const policy = known.policies.get(id) ?? defaultPolicy;
  const age = ageOf(key, dates, policy, now);
  const expiresAt = dates?.expires_at ?? null;
  const cutOff = mask === null ? null : cutOffOf(providerEntry(slug), mask);
  const { snoozedUntil } = policy;
  const days = known.days.filter((one) => one.provider_id === id);
  const dated = { slug, since: age.since, expiresAt, cutOff, limits: policy, snoozedUntil };
  return {
    providerId: id,
    slug,
    displayName,
    source,
    fingerprint,
    mask,
    reason,
    health: healthOf(known.evidence.get(name) ?? [], now),
    stored: {
      isUsed: row.api_key_source === 'database' || row.api_key_source === 'hybrid',
      isProvenDead: row.api_key_test_status === 'invalid',
      testedAt: row.api_key_last_tested,
    },
    lastTest: known.tests.get(name) ?? null,
    lastAnswerAt: dates?.answered_at ?? null,
    age,
    expiresAt,
    policy,
    warnings: fingerprint === null ? [] : keyWarnings(dated, now),
    today: days.find(({ day }) => day === dayOf(now)) ?? null,
    // Without a key there was nothing to miss.
    missedDays:
      fingerprint === null ? [] : days.filter(({ state }) => state === 'missed').map(({ day }) => day),
  };
}

function ageOf(
  { source, row: { api_key_updated_at: updatedAt } }: KeyHere,
  dates: KeyDates | undefined,
  policy: KeyPolicy,
  now: Date,
): KeyAge {
  const stored = source === 'database' ? (dates?.stored_at ?? usable(updatedAt)) : null;
  const since = source === null ? null : (stored ?? dates?.heard_at ?? null);
  const days = since === null ? null : ageDays(since, now);
  return {
    since,
    isAtLeast: stored === null,
    days,
    state: days === null ? null : ageStateOf(days, policy),
  };
}

/** PostgreSQL knows times that JavaScript does not: infinity. */
function usable(time: Date | null): Date | null {
  return time === null || Number.isNaN(time.getTime()) ? null : time;
}

interface KeyDates {
  /** When a version of the key came first, whatever it was encrypted with since. */
  readonly stored_at: Date | null;
  readonly expires_at: Date | null;
  readonly mask: string | null;
  /** When it was first heard of by a test or a call. */
  readonly heard_at: Date | null;
  readonly answered_at: Date | null;
}

async function readDates(
  db: Kysely<Tables>,
  served: readonly ServedKey[],
): Promise<ReadonlyMap<string, KeyDates>> {
  const slugs = served.map(({ slug }) => slug);
  const fingerprints = served.map(({ fingerprint }) => fingerprint);
  const { rows } = await sql<ServedKey & KeyDates>`
    WITH told AS (
      SELECT provider_slug AS slug, fingerprint, version.created_at AS stored_at, expires_at, mask, NULL::timestamp AS heard_at, NULL::timestamp AS answered_at
        FROM keyward_key_versions AS version JOIN llm_providers ON llm_providers.id = provider_id WHERE fingerprint = ANY (${fingerprints})
      UNION ALL
      SELECT provider_slug, fingerprint, NULL, NULL, NULL, min(tested_at), NULL
        FROM keyward_key_tests WHERE provider_slug = ANY (${slugs}) AND fingerprint = ANY (${fingerprints}) GROUP BY 1, 2
      UNION ALL
      SELECT provider_slug, fingerprint, NULL, NULL, NULL, first_seen_at, CASE WHEN verdict = 'valid' THEN last_seen_at END
        FROM keyward_live_verdicts JOIN llm_providers ON llm_providers.id = provider_id WHERE fingerprint = ANY (${fingerprints})
    )
    SELECT slug, fingerprint, min(stored_at) AS stored_at, max(expires_at) AS expires_at, max(mask) AS mask,
           min(heard_at) AS heard_at, max(answered_at) AS answered_at
      FROM told GROUP BY slug, fingerprint`.execute(db);
  return new Map(rows.map((row) => [nameOfKey(row), row]));
}

async function readLastTests(
  db: Kysely<Tables>,
  served: readonly ServedKey[],
): Promise<ReadonlyMap<string, RecordedTest>> {
  if (served.length === 0) return new Map();
  const rows = await db
    .selectFrom('keyward_key_tests')
    .selectAll()
    .distinctOn(['provider_slug', 'fingerprint'])
    .where(
      'provider_slug',
      'in',
      served.map(({ slug }) => slug),
    )
    .where(
      'fingerprint',
      'in',
      served.map(({ fingerprint }) => fingerprint),
    )
    .orderBy('provider_slug')
    .orderBy('fingerprint')
    .orderBy('id', 'desc')
    .execute();
  return new Map(
    rows.map((row) => [nameOfKey({ slug: row.provider_slug, fingerprint: row.fingerprint }), row]),
  );
}

async function encryptionKeySince(db: Kysely<Tables>, keyId: string): Promise<Date | null> {
  const row = await db
    .selectFrom('keyward_encryption_keys')
    .select('first_used_at')
    .where('key_id', '=', keyId)
    .executeTakeFirst();
  return row?.first_used_at ?? null;
}
