/**
 * The rotation of a key as a pure function: where it stands and a command in, where it goes or a sentence that
 * refuses it out. No command leads from a provider that has a serving key to one that has none, but by force.
 */
import { isProof, type Verdict } from '../../providers/verdict.ts';

const openSteps = ['minting', 'staged', 'tested', 'canary', 'soaking'] as const;
export const endedSteps = ['completed', 'rolled_back', 'cancelled', 'superseded', 'failed'] as const;
export const rotationSteps = [...openSteps, ...endedSteps] as const;

export type RotationStep = (typeof rotationSteps)[number];

export interface RotationFacts {
  readonly step: RotationStep;
  /** What the last test, or the last refusal, said of the new key; null where it was never asked about. */
  readonly verdict: Verdict | null;
  /** The provider has answered a call with the new key, and has not refused one since. */
  readonly generates: boolean;
  /** Why there is no key to go back to, as a clause; null where there is one, stored or of the environment. */
  readonly noWayBack: string | null;
  /** The time for which the old key stays as the fallback is over. */
  readonly soakIsOver: boolean;
  /** What both keys have served since the new one is tried. */
  readonly served: Readonly<Record<'new' | 'old', ServedCalls>>;
}

interface ServedCalls {
  readonly calls: number;
  /** Of these: without a good answer. */
  readonly errors: number;
  /** Of these: the provider refused the key. */
  readonly refusals: number;
}

/** By how much the new key may fail more often than the old one. */
const errorTolerance = 0.05;

export type RotationCommand =
  /** The provider has made the key, and it is stored. */
  | { readonly kind: 'minted' }
  | { readonly kind: 'mint_failed'; readonly why: string }
  | { readonly kind: 'tested'; readonly verdict: Verdict; readonly message: string }
  | { readonly kind: 'canary'; readonly force: boolean }
  /** The provider refused a call with the new key. */
  | { readonly kind: 'refused'; readonly verdict: Verdict; readonly message: string }
  | { readonly kind: 'promote'; readonly force: boolean }
  | {
      readonly kind: 'roll_back';
      readonly why: string | null;
      readonly force: boolean;
      /** Why the provider refuses the old key, in a sentence; null or absent where it does not, or was not asked. */
      readonly oldIsDead?: string | null;
    }
  | { readonly kind: 'retire'; readonly force: boolean }
  | { readonly kind: 'cancel'; readonly oldIsDead?: string | null };

/** What becomes of the two keys. */
export type KeyMove =
  /** The new key becomes the stored one, the old one its fallback. */
  | 'promote'
  /** The old key becomes the stored one again, the new one is retired. */
  | 'restore'
  | 'retire_old'
  | 'retire_new';

export interface Transition {
  readonly step: RotationStep;
  readonly move: KeyMove | null;
  /** Why it stands there now; null where the step says it all. */
  readonly explanation: string | null;
  /** The proof did not allow it, and force did. */
  readonly forced: boolean;
}

export interface Refusal {
  /** A sentence or two: why not, and what to do. */
  readonly refusal: string;
  /** Force and a reason would do it. */
  readonly mayBeForced: boolean;
}

export function isOpen(step: RotationStep): boolean {
  return (openSteps as readonly RotationStep[]).includes(step);
}

export function decide(facts: RotationFacts, command: RotationCommand): Transition | Refusal {
  if (!isOpen(facts.step)) return refuse(`The rotation has ended: it is ${inWords[facts.step]}.`);
  if (facts.step === 'minting') return whileMinting(command);
  switch (command.kind) {
    case 'minted':
    case 'mint_failed':
      return refuse('The key of this rotation is there already.');
    case 'tested':
      return afterTest(facts, command);
    case 'canary':
      return toCanary(facts, command.force);
    case 'refused':
      return afterRefusal(facts, command);
    case 'promote':
      return toSoak(facts, command.force);
    case 'roll_back':
      return back(facts, command);
    case 'retire':
      return toEnd(facts, command.force);
    default:
      if (facts.step === 'soaking')
        return refuse('The new key serves already. Roll back to the old one, or retire it.');
      if (facts.step === 'canary' && command.oldIsDead)
        return refuse(
          `Nothing was switched. The new key has taken over for the old one, which is dead: ${command.oldIsDead} Promote the new key, or roll back with force and a reason.`,
        );
      return go('cancelled', 'retire_new');
  }
}

/** What a promotion still lacks, in a sentence; null where the new key is proven. */
export function missingProof({ step, verdict, generates, served }: RotationFacts): string | null {
  if (verdict === null) return 'The new key was never tested.';
  if (verdict !== 'valid') return `The last that is known of the new key is: ${verdict}.`;
  if (!generates) {
    const what =
      step === 'canary' ? 'Wait for a call of the canary, or test it' : 'Start the canary, or test it';
    return `The new key was accepted, but no call was answered with it yet. ${what} with a call that spends a token.`;
  }
  const ofNew = withoutRefusals(served.new);
  if (errorRate(ofNew) <= errorRate(served.old) + errorTolerance) return null;
  return `The new key fails more often than the old one: ${failed(ofNew)}, against ${failed(served.old)}.`;
}

/** A refusal ends the canary and takes the proof back; once the key is proven anew, it says nothing of it any more. */
function withoutRefusals({ calls, errors, refusals }: ServedCalls): ServedCalls {
  return { calls: calls - refusals, errors: errors - refusals, refusals: 0 };
}

function errorRate({ calls, errors }: Pick<ServedCalls, 'calls' | 'errors'>): number {
  return calls === 0 ? 0 : errors / calls;
}

/** `19 of 33 calls (57.6 %)` */
function failed(served: ServedCalls): string {
  return `${served.errors} of ${served.calls} calls (${(100 * errorRate(served)).toFixed(1)} %)`;
}

function whileMinting(command: RotationCommand): Transition | Refusal {
  if (command.kind === 'minted') return go('staged', null);
  if (command.kind === 'mint_failed') return go('failed', 'retire_new', { explanation: command.why });
  if (command.kind === 'cancel' || command.kind === 'roll_back') return go('cancelled', 'retire_new');
  return refuse('The provider has not made the new key yet.');
}

const testSaid = 'A test said of the new key';
const callRefused = 'The provider refused a call with the new key';

/** How the explanation of a rotation begins that nobody rolled back by hand. */
export const rolledBackByItself: readonly string[] = [testSaid, callRefused];

function afterTest(
  { step, noWayBack }: RotationFacts,
  { verdict, message }: { readonly verdict: Verdict; readonly message: string },
): Transition {
  if (verdict === 'valid') return go(step === 'staged' ? 'tested' : step, null);
  if (step === 'soaking') {
    // Only proof takes a key out of service, and only where there is another.
    const isDead = isProof(verdict) && noWayBack === null;
    return isDead
      ? go('rolled_back', 'restore', { explanation: `${testSaid}: ${message}` })
      : go(step, null, { explanation: `${testSaid}: ${message}` });
  }
  return go('staged', null, { explanation: `${testSaid}: ${message}` });
}

function toCanary(facts: RotationFacts, force: boolean): Transition | Refusal {
  const { step, verdict } = facts;
  if (step === 'soaking') return refuse('The new key serves all calls already.');
  if (step === 'canary' || verdict === 'valid') return go('canary', null);
  if (force) return go('canary', null, { forced: true });
  const lack = verdict === null ? 'The new key was never tested.' : `The last test said: ${verdict}.`;
  return refuse(`${lack} Test it first.`, true);
}

function afterRefusal(
  { step, noWayBack }: RotationFacts,
  { verdict, message }: { readonly verdict: Verdict; readonly message: string },
): Transition | Refusal {
  // From a canary that has ended: it was heard then, and the new key may have been tested anew since.
  if (step !== 'canary' && step !== 'soaking') return refuse('The new key is not tried at the moment.');
  if (step === 'canary') {
    const explanation = `The provider refused a call with the new key, so it is not tried any more: ${message}`;
    return go('staged', null, { explanation });
  }
  const isDead = isProof(verdict) && verdict !== 'valid' && noWayBack === null;
  const explanation = `${callRefused}: ${message}`;
  return isDead ? go('rolled_back', 'restore', { explanation }) : go(step, null, { explanation });
}

function toSoak(facts: RotationFacts, force: boolean): Transition | Refusal {
  if (facts.step === 'soaking') return refuse('The new key serves already.');
  const lack = missingProof(facts);
  if (lack === null) return go('soaking', 'promote');
  if (force) return go('soaking', 'promote', { forced: true, explanation: `Promoted by force. ${lack}` });
  return refuse(`Nothing was switched. ${lack}`, true);
}

function back(
  { step, noWayBack }: RotationFacts,
  { why, force, oldIsDead }: Extract<RotationCommand, { kind: 'roll_back' }>,
): Transition | Refusal {
  if (oldIsDead && (step === 'canary' || step === 'soaking')) {
    const move = step === 'soaking' ? 'restore' : 'retire_new';
    if (force)
      return go('rolled_back', move, {
        forced: true,
        explanation: `Rolled back by force to a dead key: ${oldIsDead}`,
      });
    return refuse(`Nothing was switched. The old key is dead: ${oldIsDead}`, true);
  }
  if (step !== 'soaking') return go('rolled_back', 'retire_new', { explanation: why });
  if (noWayBack === null) return go('rolled_back', 'restore', { explanation: why });
  if (force)
    return go('rolled_back', 'restore', {
      forced: true,
      explanation: `Rolled back by force. No key serves: ${noWayBack}.`,
    });
  return refuse(`Nothing was switched. After it no key would serve: ${noWayBack}.`, true);
}

function toEnd({ step, soakIsOver }: RotationFacts, force: boolean): Transition | Refusal {
  if (step !== 'soaking') return refuse('The new key does not serve yet: promote it first, or cancel.');
  if (soakIsOver) return go('completed', 'retire_old');
  if (force) return go('completed', 'retire_old', { forced: true });
  return refuse('The old key still stands by as the fallback: the time to soak is not over.', true);
}

function go(
  step: RotationStep,
  move: KeyMove | null,
  { explanation = null, forced = false }: Partial<Pick<Transition, 'explanation' | 'forced'>> = {},
): Transition {
  return { step, move, explanation, forced };
}

function refuse(refusal: string, mayBeForced = false): Refusal {
  return { refusal, mayBeForced };
}

const inWords: Readonly<Record<RotationStep, string>> = {
  minting: 'being made',
  staged: 'staged',
  tested: 'tested',
  canary: 'being tried',
  soaking: 'soaking',
  completed: 'complete',
  rolled_back: 'rolled back',
  cancelled: 'cancelled',
  superseded: 'superseded by another change of the key',
  failed: 'failed',
};
