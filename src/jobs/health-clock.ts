/**
 * The clock of the health watch: has each key tested once a day, at once when a call was refused with it, and every
 * five minutes while an alert says that its provider does not answer. What is due stands in the database, so that another instance goes on where one has died; no two do the same test.
 */
import { dayMs, dayOf } from '../foundation/day.ts';
import { readSilentProviders } from '../alerts/list-alerts.ts';
import type { Occasion } from '../audit/audit-event.ts';
import { RecurringWork, type WorkStatus } from '../foundation/recurring-work.ts';
import { toldOnce } from '../audit/told-once.ts';
import type { Logger } from '../foundation/logger.ts';
import { type TestWindow } from '../keys/health/daily-due.ts';
import {
  askAgain,
  claimDailyTests,
  endKeylessTests,
  forgetDailyTests,
  planDay,
  releaseDailyTest,
  type ClaimedTest,
} from '../keys/health/daily-tests.ts';
import { claimRefusals, forgetLiveVerdicts, type ServedKey } from '../keys/health/live-verdicts.ts';
import { refreshHealth } from '../keys/health/note-health.ts';
import { runDailyTest, testRefused } from '../keys/health/run-tests.ts';
import { thinKeyTests } from '../keys/health/thin-history.ts';
import type { KeyActParts } from '../keys/key-acts.ts';
import type { Snapshot } from '../keys/snapshot.ts';

export interface HealthClockParts extends KeyActParts {
  readonly instanceId: string;
  readonly occasion: Occasion;
  readonly snapshot: () => Snapshot;
  /** Null: no test by the clock; those that are asked for are run all the same. */
  readonly window: TestWindow | null;
  readonly log: Logger;
}

const everyMs = 10_000;
/** Asked at the same time, as everywhere where many are asked. */
const mostAtOnce = 4;
/** A test that could not be recorded is tried again so much later. */
const retryMs = 60_000;
const refreshEveryMs = 60_000;
const tidyEveryMs = 3_600_000;
/** How long days and verdicts of calls are kept; the tests themselves stand in the history. */
const keptMs = 90 * dayMs;

export class HealthClock {
  readonly #parts: HealthClockParts;
  readonly #work: RecurringWork;
  #planned = '';
  #refreshedAt = -Infinity;
  #tidiedAt = -Infinity;

  constructor(parts: HealthClockParts) {
    this.#parts = parts;
    this.#work = new RecurringWork({
      run: async () => this.tick(),
      everyMs,
      pauseMs: 500,
      // Nobody waits for it: a database that is away is asked no more often than one that answers.
      firstWaitMs: everyMs,
      longestWaitMs: 60_000,
      ...toldOnce(parts.log, 'the keys cannot be tested'),
    });
  }

  start(): void {
    this.#work.wake();
  }

  /** Something may be due: looks now. */
  wake(): void {
    this.#work.wake();
  }

  async stop(): Promise<void> {
    await this.#work.stop();
  }

  status(): WorkStatus {
    return this.#work.status();
  }

  /** One look at all that is due. */
  async tick(): Promise<void> {
    const served = servedKeys(this.#parts.snapshot());
    await this.#testRefused(served);
    await this.#plan(served);
    await this.#askAgain(served);
    await this.#testDaily(served);
    await this.#refresh(served);
    await this.#tidy();
  }

  async #testRefused(served: readonly ServedKey[]): Promise<void> {
    const { database, instanceId, clock, log } = this.#parts;
    const claimed = await claimRefusals(database.kysely, instanceId, { at: clock.now(), served });
    for (const refusal of claimed) {
      const { slug, fingerprint, verdict } = refusal;
      log.warn({ provider: slug, key: fingerprint, verdict }, 'a call was refused: its key is tested');
      await testRefused(this.#parts, this.#as('a refused call'), refusal);
    }
  }

  /** Once for each day and whenever other keys serve here. */
  async #plan(served: readonly ServedKey[]): Promise<void> {
    const { database, clock, window } = this.#parts;
    if (window === null) return;
    const day = dayOf(clock.now());
    const slugs = served.map(({ slug }) => slug).toSorted();
    const plan = [day, ...slugs].join(' ');
    await endKeylessTests(database.kysely, { day, slugs: keylessSlugs(this.#parts.snapshot()) });
    if (plan === this.#planned) return;
    await planDay(database.kysely, { day, window, slugs });
    this.#planned = plan;
  }

  /** Where no traffic comes, nothing else would say that an outage is over. */
  async #askAgain(served: readonly ServedKey[]): Promise<void> {
    const { database, clock, window } = this.#parts;
    if (window === null) return;
    const silent = await readSilentProviders(database.kysely);
    const slugs = served.flatMap(({ slug }) => (silent.includes(slug) ? [slug] : []));
    if (slugs.length === 0) return;
    const at = clock.now();
    await askAgain(database.kysely, { day: dayOf(at), at, slugs });
  }

  async #testDaily(served: readonly ServedKey[]): Promise<void> {
    const { database, instanceId, clock } = this.#parts;
    const slugs = served.map(({ slug }) => slug);
    for (;;) {
      const at = clock.now();
      const due = { day: dayOf(at), at, slugs, limit: mostAtOnce };
      const claimed = await claimDailyTests(database.kysely, instanceId, due);
      if (claimed.length === 0) return;
      const outcomes = await Promise.allSettled(claimed.map(async (one) => this.#runOne(one)));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    }
  }

  async #runOne(claimed: ClaimedTest): Promise<void> {
    const { database, instanceId, clock } = this.#parts;
    const name =
      claimed.asked_by === null ? 'the daily test' : `the daily test, asked by ${claimed.asked_by}`;
    try {
      await runDailyTest(this.#parts, this.#as(name), claimed);
    } catch (error) {
      const again = new Date(clock.now().getTime() + retryMs);
      await releaseDailyTest(database.kysely, instanceId, claimed, again);
      throw error;
    }
  }

  async #refresh(served: readonly ServedKey[]): Promise<void> {
    const { database, clock } = this.#parts;
    if (clock.monotonicMs() - this.#refreshedAt < refreshEveryMs) return;
    await refreshHealth(database.kysely, served, clock.now());
    this.#refreshedAt = clock.monotonicMs();
  }

  async #tidy(): Promise<void> {
    const { database, clock } = this.#parts;
    if (clock.monotonicMs() - this.#tidiedAt < tidyEveryMs) return;
    const now = clock.now();
    const before = new Date(now.getTime() - keptMs);
    await thinKeyTests(database.kysely, now);
    await forgetDailyTests(database.kysely, dayOf(before));
    await forgetLiveVerdicts(database.kysely, before);
    this.#tidiedAt = clock.monotonicMs();
  }

  #as(name: string): Occasion {
    const { occasion } = this.#parts;
    return { ...occasion, actor: { ...occasion.actor, name } };
  }
}

/** The active providers that can be asked from here, each with the key that serves it. */
function servedKeys({ providers }: Snapshot): ServedKey[] {
  return Array.from(providers.values()).flatMap(({ slug, resolution: { key }, upstream }) =>
    key === null || key.fingerprint === undefined || 'problem' in upstream
      ? []
      : [{ slug, fingerprint: key.fingerprint }],
  );
}

function keylessSlugs({ providers }: Snapshot): string[] {
  return Array.from(providers.values())
    .flatMap(({ slug, resolution: { key } }) => (key === null ? [slug] : []))
    .toSorted();
}
