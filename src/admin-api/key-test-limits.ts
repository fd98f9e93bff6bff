/**
 * How often keys may be tested: so many a minute for one administrator, and a pause at each provider. Keeps
 * providers from being stormed, and the API from being used to try keys out. The counts stand in rows of
 * keyward_idempotency_keys under names that no actor bears, so that they hold across instances.
 */
import { sql, type Kysely } from 'kysely';
import { z } from 'zod';
import type { Tables } from '../database/tables.ts';
import type { Clock } from '../foundation/clock.ts';
import { KeywardError } from '../foundation/errors.ts';

const testsInWindow = 10;
const windowMs = 60_000;
const coolDownMs = 2_000;

/** Beginnings of `actor` in the rows of counts. Those of real actors begin with their kind and a colon. */
const ofProvider = 'key tests at a provider';
const ofSubject = 'key tests of';
const longestName = 300;

/** When an administrator had keys tested, in milliseconds since 1970, oldest first. */
const times = z.array(z.number()).catch([]);

export class KeyTestLimits {
  readonly #db: Kysely<Tables>;
  readonly #clock: Clock;

  /** @param clock those of all instances should agree, as clocks that NTP sets do */
  constructor(db: Kysely<Tables>, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /**
   * One test at one provider.
   * @param subject the person or the token, whichever session or token was presented
   * @throws KeywardError key_tests_limited or provider_cooling_down (429)
   */
  async admit(subject: string, slug: string): Promise<void> {
    const now = this.#clock.now();
    // What is refused in the end was not counted at all. Always in this order, so that nobody waits in a ring.
    await this.#db.transaction().execute(async (tx) => {
      await countAtProvider(tx, slug, now);
      await countOfSubject(tx, subject, now);
    });
  }

  /**
   * A round over many providers, which counts as one, or a test of the subject's own key, which no other test waits
   * for. @throws KeywardError key_tests_limited (429)
   */
  async admitOf(subject: string): Promise<void> {
    const now = this.#clock.now();
    await this.#db.transaction().execute(async (tx) => countOfSubject(tx, subject, now));
  }

  /** One provider of a round. @throws KeywardError provider_cooling_down (429) */
  async admitInRound(slug: string): Promise<void> {
    await countAtProvider(this.#db, slug, this.#clock.now());
  }
}

/** Of any number at once one is let through: the others find the time that it wrote. */
async function countAtProvider(db: Kysely<Tables>, slug: string, now: Date): Promise<void> {
  const counted = await db
    .insertInto('keyward_idempotency_keys')
    .values({ actor: ofProvider, key: slug, request_hash: '', created_at: now })
    .onConflict((conflict) =>
      conflict
        .columns(['actor', 'key'])
        .doUpdateSet({ created_at: now })
        // A time that lies ahead was written by a clock that is wrong, and must not block the provider.
        .where((row) =>
          row.or([
            row('keyward_idempotency_keys.created_at', '<=', before(now, coolDownMs)),
            row('keyward_idempotency_keys.created_at', '>', before(now, -coolDownMs)),
          ]),
        ),
    )
    .returning('key')
    .executeTakeFirst();
  if (counted !== undefined) return;
  const asked = await db
    .selectFrom('keyward_idempotency_keys')
    .select('created_at')
    .where('actor', '=', ofProvider)
    .where('key', '=', slug)
    .executeTakeFirst();
  const restsUntil = (asked?.created_at ?? now).getTime() + coolDownMs;
  throw new KeywardError('provider_cooling_down', { retryAfterSeconds: secondsUntil(restsUntil, now) });
}

async function countOfSubject(tx: Kysely<Tables>, subject: string, now: Date): Promise<void> {
  const name = `${ofSubject} ${subject}`.slice(0, longestName);
  // Locks the row until the end of the transaction, also where it was there before.
  const { answer } = await tx
    .insertInto('keyward_idempotency_keys')
    .values({ actor: name, key: '', request_hash: '', answer: '[]', created_at: now })
    .onConflict((conflict) =>
      conflict.columns(['actor', 'key']).doUpdateSet({ created_at: sql`excluded.created_at` }),
    )
    .returning('answer')
    .executeTakeFirstOrThrow();
  const tests = times
    .parse(JSON.parse(answer ?? '[]'))
    .filter((at) => Math.abs(now.getTime() - at) < windowMs);
  const [oldest] = tests;
  if (tests.length >= testsInWindow && oldest !== undefined) {
    throw new KeywardError('key_tests_limited', {
      retryAfterSeconds: secondsUntil(oldest + windowMs, now),
    });
  }
  await tx
    .updateTable('keyward_idempotency_keys')
    .set({ answer: JSON.stringify([...tests, now.getTime()]) })
    .where('actor', '=', name)
    .where('key', '=', '')
    .execute();
}

function before(now: Date, ms: number): Date {
  return new Date(now.getTime() - ms);
}

function secondsUntil(thenMs: number, now: Date): number {
  return Math.max(1, Math.ceil((thenMs - now.getTime()) / 1_000));
}
