/**
 * The table keyward_daily_tests: each provider's key is tested once a day, by one instance. A day is planned by
 * whoever comes first, a test is taken by one UPDATE, and a claim of an instance that is gone is void.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../../database/tables.ts';
import type { Verdict } from '../../providers/verdict.ts';
import { dailyDueAt, type TestWindow } from './daily-due.ts';

/** How the job is called that has keys tested by the clock. */
export const dailyTestsJob = 'the daily tests of the keys';

/** Longer than any test takes. */
const claimSeconds = 60;
/** After a longer downtime only so many days are noted as missed. */
const mostMissedDays = 31;

export interface DailyTest {
  readonly provider_id: number;
  readonly slug: string;
  /** `2026-03-01`, UTC. */
  readonly day: string;
  readonly due_at: Date;
  /** `running` with a claim that is void is shown as waiting: another instance takes it. */
  readonly state: 'waiting' | 'running' | 'done' | 'missed';
  readonly asked_by: string | null;
  readonly tested_at: Date | null;
  readonly verdict: string | null;
  readonly response_time_ms: number | null;
  readonly remark: string | null;
}

export interface ClaimedTest {
  readonly provider_id: number;
  readonly slug: string;
  readonly day: string;
  readonly asked_by: string | null;
}

interface Plan {
  readonly day: string;
  readonly window: TestWindow;
  /** The providers that this instance has a key of. */
  readonly slugs: readonly string[];
}

/**
 * Makes the rows of a day where they are missing, and those of the days on which nobody did: the days since the
 * last one that was planned, for the providers of that day.
 */
export async function planDay(db: Kysely<Tables>, { day, window, slugs }: Plan): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await noteMissedDays(tx, day);
    const rows = await tx
      .selectFrom('llm_providers')
      .select(['id', 'provider_slug'])
      .where('provider_slug', 'in', slugs.length === 0 ? [''] : [...slugs])
      .orderBy('id')
      .execute();
    for (const { id, provider_slug: slug } of rows) {
      await sql`
        INSERT INTO keyward_daily_tests (provider_id, day, due_at)
        VALUES (${id}, ${day}::date, ${dailyDueAt(slug, day, window)}) ON CONFLICT DO NOTHING`.execute(tx);
    }
  });
}

/** Before the rows of today are there, the newest day says until when somebody was at work. */
async function noteMissedDays(tx: Kysely<Tables>, today: string): Promise<void> {
  await sql`
    INSERT INTO keyward_daily_tests (provider_id, day, due_at, state)
    SELECT last.provider_id, missed.day::date, missed.day + (last.due_at - last.day), 'missed'
      FROM keyward_daily_tests AS last
      JOIN llm_providers ON llm_providers.id = last.provider_id
     CROSS JOIN generate_series(
             greatest(last.day + 1, ${today}::date - ${sql.lit(mostMissedDays)})::timestamp,
             (${today}::date - 1)::timestamp, interval '1 day') AS missed(day)
     WHERE last.day = (SELECT max(day) FROM keyward_daily_tests)
    ON CONFLICT DO NOTHING`.execute(tx);
  await sql`
    UPDATE keyward_daily_tests SET state = 'missed', claimed_by = NULL, claimed_until = NULL
     WHERE day < ${today}::date AND (state = 'waiting' OR (state = 'running' AND ${claimIsVoid}))`.execute(
    tx,
  );
}

const now = sql`now() AT TIME ZONE 'UTC'`;
const liveInstances = sql`SELECT id FROM keyward_instances WHERE seen_at > ${now} - interval '15 seconds'`;
const claimIsVoid = sql<boolean>`(claimed_until IS NULL OR claimed_until <= ${now} OR claimed_by NOT IN (${liveInstances}))`;

/** The tests of that day that are due and that nobody runs, for this instance from now on; one statement. */
export async function claimDailyTests(
  db: Kysely<Tables>,
  instanceId: string,
  {
    day,
    at,
    slugs,
    limit,
  }: {
    readonly day: string;
    readonly at: Date;
    readonly slugs: readonly string[];
    readonly limit: number;
  },
): Promise<ClaimedTest[]> {
  const { rows } = await sql<ClaimedTest>`
    UPDATE keyward_daily_tests AS test
       SET state = 'running', claimed_by = ${instanceId}, claimed_until = ${now} + make_interval(secs => ${sql.lit(claimSeconds)})
      FROM llm_providers
     WHERE llm_providers.id = test.provider_id AND (test.provider_id, test.day) IN (
             SELECT provider_id, day FROM keyward_daily_tests
              WHERE day = ${day}::date
                AND provider_id IN (SELECT id FROM llm_providers WHERE provider_slug = ANY (${[...slugs]}))
                AND ((state = 'waiting' AND due_at <= ${at}) OR (state = 'running' AND ${claimIsVoid}))
              ORDER BY due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)
    RETURNING test.provider_id, llm_providers.provider_slug AS slug, test.day::text, test.asked_by`.execute(
    db,
  );
  return rows;
}

export interface DailyOutcome {
  readonly testedAt: Date | null;
  readonly verdict: Verdict | null;
  readonly responseTimeMs: number | null;
  readonly remark: string | null;
}

/** @returns false: the claim was lost meanwhile, and another instance says what became of the test */
export async function finishDailyTest(
  db: Kysely<Tables>,
  instanceId: string,
  { provider_id: id, day }: ClaimedTest,
  { testedAt, verdict, responseTimeMs, remark }: DailyOutcome,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE keyward_daily_tests
       SET state = 'done', claimed_by = NULL, claimed_until = NULL, tested_at = ${testedAt}, verdict = ${verdict},
           response_time_ms = ${responseTimeMs}, remark = ${remark?.slice(0, 500) ?? null}
     WHERE provider_id = ${id} AND day = ${day}::date AND state = 'running' AND claimed_by = ${instanceId}`.execute(
    db,
  );
  return numAffectedRows === 1n;
}

/** Gives a test back that could not be run now; it is due again at once, or at that time. */
export async function releaseDailyTest(
  db: Kysely<Tables>,
  instanceId: string,
  { provider_id: id, day }: ClaimedTest,
  dueAt: Date,
): Promise<void> {
  await sql`
    UPDATE keyward_daily_tests SET state = 'waiting', claimed_by = NULL, claimed_until = NULL, due_at = ${dueAt}
     WHERE provider_id = ${id} AND day = ${day}::date AND state = 'running' AND claimed_by = ${instanceId}`.execute(
    db,
  );
}

/** Makes the tests of these providers due now, also those that are done today; one that runs goes on. */
export async function askDailyTests(
  db: Kysely<Tables>,
  { day, at, slugs, askedBy }: { day: string; at: Date; slugs: readonly string[]; askedBy: string },
): Promise<void> {
  await sql`
    INSERT INTO keyward_daily_tests AS test (provider_id, day, due_at, asked_by)
    SELECT id, ${day}::date, ${at}, ${askedBy.slice(0, 300)} FROM llm_providers WHERE provider_slug = ANY (${[...slugs]}) ORDER BY id
    ON CONFLICT (provider_id, day) DO UPDATE
       SET state = 'waiting', due_at = EXCLUDED.due_at, asked_by = EXCLUDED.asked_by, remark = NULL
     WHERE test.state <> 'running'`.execute(db);
}

/** Ends the waiting tests of a day of these providers, which have no key here, where no running server has one of them. */
export async function endKeylessTests(
  db: Kysely<Tables>,
  { day, slugs }: { readonly day: string; readonly slugs: readonly string[] },
): Promise<void> {
  await sql`
    UPDATE keyward_daily_tests SET state = 'done', remark = 'There is no key to test.'
     WHERE day = ${day}::date AND state = 'waiting'
       AND provider_id IN (
             SELECT id FROM llm_providers
              WHERE provider_slug = ANY (${[...slugs]})
                AND NOT EXISTS (SELECT FROM keyward_instances AS instance
                                 WHERE instance.id IN (${liveInstances}) AND serves -> provider_slug ->> 'fingerprint' IS NOT NULL))`.execute(
    db,
  );
}

/** Who asks again while an alert says that a provider does not answer. */
const openAlert = 'an open alert';
const askAgainSeconds = 300;

/**
 * Makes the tests of these providers due again, which an open alert says do not answer, where the last one is at least
 * five minutes old. One statement: of several instances one asks.
 */
export async function askAgain(
  db: Kysely<Tables>,
  { day, at, slugs }: { readonly day: string; readonly at: Date; readonly slugs: readonly string[] },
): Promise<void> {
  const before = sql`${at}::timestamp - make_interval(secs => ${sql.lit(askAgainSeconds)})`;
  await sql`
    INSERT INTO keyward_daily_tests AS test (provider_id, day, due_at, asked_by)
    SELECT id, ${day}::date, ${at}, ${openAlert} FROM llm_providers WHERE provider_slug = ANY (${[...slugs]}) ORDER BY id
    ON CONFLICT (provider_id, day) DO UPDATE
       SET state = 'waiting', due_at = EXCLUDED.due_at, asked_by = EXCLUDED.asked_by, remark = NULL
     WHERE (test.state = 'done' AND (test.tested_at IS NULL OR test.tested_at <= ${before}))
        OR (test.state = 'waiting' AND test.asked_by IS NULL AND test.due_at > ${at}::timestamp)`.execute(db);
}

/** The tests of the days from that one on, oldest first, by provider. */
export async function listDailyTests(db: Kysely<Tables>, fromDay: string): Promise<DailyTest[]> {
  const { rows } = await sql<DailyTest>`
    SELECT provider_id, provider_slug AS slug, day::text, due_at, asked_by, tested_at, verdict, response_time_ms, remark,
           CASE WHEN state = 'running' AND ${claimIsVoid} THEN 'waiting' ELSE state END AS state
      FROM keyward_daily_tests JOIN llm_providers ON llm_providers.id = provider_id
     WHERE day >= ${fromDay}::date
     ORDER BY day, provider_slug`.execute(db);
  return rows;
}

/** Days older than that are of no more use: the tests themselves stand in the history. */
export async function forgetDailyTests(db: Kysely<Tables>, beforeDay: string): Promise<void> {
  await sql`DELETE FROM keyward_daily_tests WHERE day < ${beforeDay}::date`.execute(db);
}
