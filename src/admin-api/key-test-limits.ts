/**
 * How often keys may be tested: so many a minute for one administrator, and a pause at each provider. Each
 * instance counts for itself. Keeps providers from being stormed, and the API from being used to try keys out.
 */
import type { Actor } from '../audit/audit-event.ts';
import type { Clock } from '../foundation/clock.ts';
import { KeywardError } from '../foundation/errors.ts';
import { actorKey } from './actor-key.ts';

const testsInWindow = 10;
const windowMs = 60_000;
const coolDownMs = 2_000;

export class KeyTestLimits {
  readonly #clock: Clock;
  /** When each administrator had a key tested, oldest first. */
  readonly #byActor = new Map<string, number[]>();
  /** When each provider was asked last. */
  readonly #byProvider = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One test at one provider. @throws KeywardError key_tests_limited or provider_cooling_down (429) */
  admit(actor: Actor, slug: string): void {
    const now = this.#clock.monotonicMs();
    this.#refuseHot(slug, now);
    this.admitRound(actor);
    this.#byProvider.set(slug, now);
  }

  /** A round over many providers, which counts as one. @throws KeywardError key_tests_limited (429) */
  admitRound(actor: Actor): void {
    const now = this.#clock.monotonicMs();
    this.#forget(now);
    const tests = this.#byActor.get(actorKey(actor)) ?? [];
    const [oldest] = tests;
    if (tests.length >= testsInWindow && oldest !== undefined) {
      throw new KeywardError('key_tests_limited', {
        retryAfterSeconds: secondsUntil(oldest + windowMs, now),
      });
    }
    this.#byActor.set(actorKey(actor), [...tests, now]);
  }

  /** One provider of a round. @throws KeywardError provider_cooling_down (429) */
  admitInRound(slug: string): void {
    const now = this.#clock.monotonicMs();
    this.#refuseHot(slug, now);
    this.#byProvider.set(slug, now);
  }

  #refuseHot(slug: string, now: number): void {
    const asked = this.#byProvider.get(slug);
    if (asked === undefined || now - asked >= coolDownMs) return;
    throw new KeywardError('provider_cooling_down', {
      retryAfterSeconds: secondsUntil(asked + coolDownMs, now),
    });
  }

  /** What is too old to count is not kept. */
  #forget(now: number): void {
    for (const [key, tests] of this.#byActor) {
      const young = tests.filter((at) => now - at < windowMs);
      if (young.length === 0) this.#byActor.delete(key);
      else this.#byActor.set(key, young);
    }
    for (const [slug, at] of this.#byProvider) if (now - at >= coolDownMs) this.#byProvider.delete(slug);
  }
}

function secondsUntil(then: number, now: number): number {
  return Math.max(1, Math.ceil((then - now) / 1_000));
}
