/**
 * Which of a provider's two keys a call takes first while a rotation tries the new one or lets it soak, and
 * whether the other may take over when it is refused. Reads memory only.
 */
import type { KeyTrial, WhichKey } from '../keys/rotation/key-trial.ts';
import type { Snapshot } from '../keys/snapshot.ts';
import type { Verdict } from '../providers/verdict.ts';
import type { Target } from './choose-provider.ts';

export interface TrialTarget extends Target {
  readonly trial: {
    readonly rotationId: string;
    readonly stage: KeyTrial['stage'];
    readonly which: WhichKey;
  };
}

export interface KeyOrder {
  readonly first: Target | TrialTarget;
  /** Takes over when the first is refused; null: nothing does. */
  readonly second: TrialTarget | null;
  /** The new key serves all calls, was proven dead, and is passed over. */
  readonly passedOver: boolean;
}

/**
 * @param dice a number from 0 up to 1, not 1 itself
 * @param isRefused whether this instance has seen that the new key is not to be taken first any more
 */
export function orderKeys(
  target: Target,
  dice: number,
  isRefused: (rotationId: string) => boolean,
): KeyOrder {
  const { trial } = target.provider;
  // A trial is of the keys of the platform.
  if (trial === null || target.source === 'byok') return { first: target, second: null, passedOver: false };
  const { rotationId, stage, other, share } = trial;
  const as = (which: WhichKey, keys: Pick<Target, 'key' | 'source'>): TrialTarget => ({
    ...target,
    ...keys,
    trial: { rotationId, stage, which },
  });
  const served = { key: target.key, source: target.source };
  const newKey = as('new', stage === 'canary' ? other : served);
  const oldKey = as('old', stage === 'canary' ? served : other);
  if (isRefused(rotationId)) return { first: oldKey, second: null, passedOver: stage === 'soak' };
  const newFirst = stage === 'soak' || dice < share;
  return newFirst
    ? { first: newKey, second: oldKey, passedOver: false }
    : { first: oldKey, second: newKey, passedOver: false };
}

export interface KeyRefusal {
  readonly status: number;
  readonly verdict: Verdict;
  /** A sentence without secrets. */
  readonly message: string;
}

/** A 403 to a chat request is about the model or the caller's text unless the provider says that the key leaked. */
export function refusesKey({ status, verdict }: Pick<KeyRefusal, 'status' | 'verdict'>): boolean {
  return status === 401 || verdict === 'compromised' || (verdict === 'invalid' && status !== 403);
}

/** Whether the answer is about the key so far that another key may do better. */
export function mayBeTheKey({ trial }: TrialTarget, refusal: KeyRefusal): boolean {
  if (refusesKey(refusal)) return true;
  // The old key has served all along: what it is refused now, the new one would be refused too.
  if (trial.which === 'old') return false;
  const { status, verdict } = refusal;
  if (status === 403 || verdict === 'restricted' || verdict === 'out_of_credit') return true;
  return trial.stage === 'canary' && verdict === 'rate_limited';
}

/** Whether it says something against the new key that its rotation must hear of. */
export function speaksAgainstKey(refusal: KeyRefusal): boolean {
  const { verdict } = refusal;
  return refusesKey(refusal) || verdict === 'restricted' || verdict === 'out_of_credit';
}

/**
 * The key that serves the provider by now, for a call that was refused with an older one; null where that was
 * asked already, or none serves.
 * @param asked what the call was sent with so far, or could have been
 */
export function replacement(
  { providers }: Snapshot,
  target: Target,
  asked: readonly (Target | null)[],
): Target | null {
  const provider = providers.get(target.provider.slug);
  if (provider === undefined || 'problem' in provider.upstream) return null;
  const { upstream, resolution } = provider;
  const { key, source } = resolution;
  if (key === null || source === null) return null;
  if (asked.some((one) => one?.key.fingerprint === key.fingerprint)) return null;
  const { userKey: _, ...rest } = target;
  return { ...rest, provider, upstream, key, source };
}

/** The key that stands by for the one that the call was sent with; null where none does, or it is the same. */
export function standby(target: Target): Target | null {
  const { key, standby: other } = target.provider.resolution;
  if (other === null || target.key !== key || other.key.fingerprint === key?.fingerprint) return null;
  const { userKey: _, ...rest } = target;
  return { ...rest, ...other };
}
