/**
 * Decides what a failed call tries next, and that it stops: the other key of a rotation, the key that serves by now or
 * stands by, the same provider once more after a pause, and at last the other models that the caller or an alias
 * named. Nothing is tried again once a byte of an answer has gone to the caller.
 */
import type { KeywardError } from '../foundation/errors.ts';
import type { Snapshot } from '../keys/snapshot.ts';
import {
  mayBeTheKey,
  orderKeys,
  refusesKey,
  replacement,
  standby,
  type KeyOrder,
  type KeyRefusal,
  type TrialTarget,
} from './choose-key.ts';
import type { Target } from './choose-provider.ts';

/** Why a call came to nothing before the caller heard anything. */
export type Failure =
  | { readonly kind: 'refused'; readonly refusal: KeyRefusal; readonly retryAfterMs: number | null }
  | { readonly kind: 'unanswered'; readonly error: KeywardError };

export interface NextAttempt {
  readonly target: Target;
  readonly delayMs: number;
  /** For the header x-keyward-fallback; null for the same provider and key once more. */
  readonly fallback: string | null;
}

export interface AttemptRules {
  readonly retries: number;
  readonly snapshot: () => Snapshot;
  readonly isRefused: (rotationId: string) => boolean;
  /** What serves whose own key is refused. */
  readonly byokFallback: 'none' | 'system';
  /** From 0 up to 1. */
  readonly dice: () => number;
}

/** A provider that asks for more patience than this gets it from the caller. */
const longestPauseMs = 2_000;
const firstPauseMs = 150;

export class Attempts {
  /** How often something was sent; what a circuit keeps back is not. */
  count = 0;
  #order: KeyOrder;
  #current: Target;
  #retriesLeft: number;
  readonly #others: (() => Target)[];
  readonly #rules: AttemptRules;

  /** @param others the models to fall back to, in order; one that cannot serve throws and is passed over */
  constructor(first: Target, others: readonly (() => Target)[], rules: AttemptRules) {
    this.#rules = rules;
    this.#retriesLeft = rules.retries;
    this.#others = [...others];
    this.#order = this.#ordered(first);
    this.#current = this.#order.first;
  }

  get current(): Target {
    return this.#current;
  }

  /** The new key of a rotation serves all calls, was proven dead, and is passed over. */
  get passedOver(): boolean {
    return this.#order.passedOver;
  }

  /** @param replayable whether the body can be sent again */
  next(failure: Failure, replayable: boolean): NextAttempt | null {
    if (!replayable) return null;
    const next =
      this.#systemKey(failure) ??
      this.#otherKey(failure) ??
      this.#again(failure) ??
      this.#otherModel(failure);
    if (next !== null) this.#current = next.target;
    return next;
  }

  #ordered(target: Target): KeyOrder {
    return orderKeys(target, this.#rules.dice(), this.#rules.isRefused);
  }

  /** In the place of a user's own key that is refused. */
  #systemKey(failure: Failure): NextAttempt | null {
    const current = this.#current;
    if (this.#rules.byokFallback !== 'system' || !isUserKeyRefused(current, failure)) return null;
    const system = replacement(this.#rules.snapshot(), current, [current]);
    if (system === null) return null;
    this.#order = this.#ordered({ ...system, fallback: 'user_key_rejected' });
    this.#retriesLeft = this.#rules.retries;
    return { target: this.#order.first, delayMs: 0, fallback: 'user_key_rejected' };
  }

  #otherKey(failure: Failure): NextAttempt | null {
    const current = this.#current;
    if (current.source === 'byok') return null;
    const { first, second } = this.#order;
    if (failure.kind === 'refused' && current === first && second !== null && isTrial(current)) {
      const refused = second.trial.which === 'new' ? 'old' : 'new';
      if (mayBeTheKey(current, failure.refusal))
        return { target: second, delayMs: 0, fallback: `rotation_${refused}_key_refused` };
    }
    if (!isKeyRefused(failure)) return null;
    // The call took off with a key that has been replaced, and revoked, while it was on its way.
    const replaced = replacement(this.#rules.snapshot(), current, [first, second, current]);
    if (replaced !== null) return { target: replaced, delayMs: 0, fallback: 'key_was_replaced' };
    const spare = standby(current);
    return spare === null ? null : { target: spare, delayMs: 0, fallback: 'database_key_refused' };
  }

  #again(failure: Failure): NextAttempt | null {
    if (this.#retriesLeft === 0 || !mayPass(failure)) return null;
    const asked = failure.kind === 'refused' ? failure.retryAfterMs : null;
    if (asked !== null && asked > longestPauseMs) return null;
    const turn = this.#rules.retries - this.#retriesLeft;
    this.#retriesLeft -= 1;
    // Callers who failed together do not come back together.
    const jitter = firstPauseMs * 2 ** turn * (0.5 + this.#rules.dice());
    return {
      target: this.#current,
      delayMs: Math.min((asked ?? 0) + jitter, longestPauseMs),
      fallback: null,
    };
  }

  #otherModel(failure: Failure): NextAttempt | null {
    if (!elsewhereMayDo(failure)) return null;
    for (let other = this.#others.shift(); other !== undefined; other = this.#others.shift()) {
      try {
        this.#order = this.#ordered(other());
        this.#retriesLeft = this.#rules.retries;
        return { target: this.#order.first, delayMs: 0, fallback: 'other_model' };
      } catch {
        // It cannot serve either; the caller is told of the first failure.
      }
    }
    return null;
  }
}

export function isTrial(target: Target): target is TrialTarget {
  return 'trial' in target;
}

/** That a provider has refused the key which the caller brought is theirs to mend. */
export function isUserKeyRefused(target: Target, failure: Failure): boolean {
  return target.source === 'byok' && isKeyRefused(failure);
}

const keyRejected: ReadonlySet<string> = new Set(['provider_key_rejected', 'user_key_rejected']);

/** Now, or so lately that nobody asks again. */
function isKeyRefused(failure: Failure): boolean {
  return failure.kind === 'refused' ? refusesKey(failure.refusal) : keyRejected.has(failure.error.code);
}

const passing: ReadonlySet<number> = new Set([429, 500, 502, 503, 504, 529]);

/** Whether the same call may do better in a moment. */
function mayPass(failure: Failure): boolean {
  if (failure.kind === 'refused')
    return passing.has(failure.refusal.status) && failure.refusal.verdict !== 'out_of_credit';
  const { code } = failure.error;
  return (
    code === 'provider_unreachable' || code === 'provider_connect_timeout' || code === 'provider_broke_off'
  );
}

/** Whether another provider may do better: what is wrong is not the request. */
function elsewhereMayDo(failure: Failure): boolean {
  if (failure.kind === 'unanswered') return failure.error.status >= 500;
  const { refusal } = failure;
  // No redirect is followed.
  const redirects = refusal.status >= 300 && refusal.status < 400;
  return (
    redirects || passing.has(refusal.status) || refusesKey(refusal) || refusal.verdict === 'out_of_credit'
  );
}
