/** The rotation as a state machine: no order of commands takes the last serving key away or switches to an unproven one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decide,
  endedSteps,
  isOpen,
  missingProof,
  rotationSteps,
  type RotationCommand,
  type RotationFacts,
  type Transition,
} from '../../../src/keys/rotation/rotation-machine.ts';
import { isProof, verdicts } from '../../../src/providers/verdict.ts';

const message = 'what the provider said';
const command: fc.Arbitrary<RotationCommand> = fc.oneof(
  fc.constant({ kind: 'minted' } as const),
  fc.constant({ kind: 'mint_failed', why: 'no answer' } as const),
  fc.record({
    kind: fc.constant('tested' as const),
    verdict: fc.constantFrom(...verdicts),
    message: fc.constant(message),
  }),
  fc.record({
    kind: fc.constant('refused' as const),
    verdict: fc.constantFrom(...verdicts),
    message: fc.constant(message),
  }),
  fc.record({ kind: fc.constant('canary' as const), force: fc.boolean() }),
  fc.record({ kind: fc.constant('promote' as const), force: fc.boolean() }),
  fc.record({ kind: fc.constant('retire' as const), force: fc.boolean() }),
  fc.record({ kind: fc.constant('roll_back' as const), why: fc.constant(null), force: fc.boolean() }),
  fc.constant({ kind: 'cancel' } as const),
);
const facts: fc.Arbitrary<RotationFacts> = fc.record({
  step: fc.constantFrom(...rotationSteps),
  verdict: fc.option(fc.constantFrom(...verdicts)),
  generates: fc.boolean(),
  noWayBack: fc.option(fc.constant('none served')),
  soakIsOver: fc.boolean(),
  served: fc.record({ new: counts(), old: counts() }),
});

function counts(): fc.Arbitrary<RotationFacts['served']['new']> {
  return fc
    .tuple(fc.nat({ max: 100 }), fc.nat({ max: 100 }))
    .map(([good, errors]) => ({ calls: good + errors, errors, refusals: Math.floor(errors / 2) }));
}
const none = { calls: 0, errors: 0, refusals: 0 };
const nothingServed = { new: none, old: none };

/** Which keys there are, by what the moves do to them. */
interface Keys {
  active: 'new' | 'old' | null;
  newIsThere: boolean;
  oldIsThere: boolean;
}

function apply(keys: Keys, { move }: Transition): Keys {
  switch (move) {
    case 'promote':
      return { ...keys, active: 'new' };
    case 'restore':
      return { ...keys, active: keys.oldIsThere ? 'old' : null, newIsThere: false };
    case 'retire_new':
      return { ...keys, active: keys.active === 'new' ? null : keys.active, newIsThere: false };
    case 'retire_old':
      return { ...keys, active: keys.active === 'old' ? null : keys.active, oldIsThere: false };
    default:
      return keys;
  }
}

/** What happens between commands: a call is answered with the new key, the clock jumps, the process starts anew. */
type Happening =
  | RotationCommand
  | { readonly kind: 'answered' }
  | { readonly kind: 'clock' }
  | { readonly kind: 'crash' };
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: command },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { kind: 'answered' } as const,
      { kind: 'clock' } as const,
      { kind: 'crash' } as const,
    ),
  },
);

describe('any order of commands, calls, crashes and jumps of the clock', () => {
  it('never leaves a provider without a serving key that had one', () => {
    let promotions = 0;
    let restores = 0;
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.boolean(),
        fc.array(happening, { maxLength: 25 }),
        (isMinted, hadKey, happenings) => {
          let now: RotationFacts = {
            step: isMinted ? 'minting' : 'staged',
            verdict: null,
            generates: false,
            noWayBack: hadKey ? null : 'none served',
            soakIsOver: false,
            served: nothingServed,
          };
          let keys: Keys = { active: hadKey ? 'old' : null, newIsThere: !isMinted, oldIsThere: hadKey };
          for (const one of happenings) {
            const serving = keys.active;
            let wasForcedBack = false;
            if (one.kind === 'answered') now = { ...now, generates: now.generates || now.step === 'canary' };
            else if (one.kind === 'clock')
              now = { ...now, soakIsOver: now.step === 'soaking' && !now.soakIsOver };
            else if (one.kind === 'crash') now = JSON.parse(JSON.stringify(now)) as RotationFacts;
            else {
              const decided = decide(now, one);
              if ('refusal' in decided) continue;
              if (one.kind === 'minted') keys = { ...keys, newIsThere: true };
              if (decided.move === 'promote') {
                promotions += 1;
                expect(keys.newIsThere).toBe(true);
                if (!decided.forced) expect(missingProof(now)).toBeNull();
              }
              if (decided.move === 'restore') restores += 1;
              wasForcedBack = one.kind === 'roll_back' && decided.forced;
              keys = apply(keys, decided);
              const verdict = 'verdict' in one ? one.verdict : now.verdict;
              const isBad = 'verdict' in one && one.verdict !== 'valid';
              now = { ...now, step: decided.step, verdict, generates: now.generates && !isBad };
            }
            if (serving !== null && !wasForcedBack) expect(keys.active).not.toBeNull();
            if (keys.active !== null)
              expect(keys.active === 'new' ? keys.newIsThere : keys.oldIsThere).toBe(true);
          }
        },
      ),
      { numRuns: 20_000 },
    );
    expect(promotions).toBeGreaterThan(100);
    expect(restores).toBeGreaterThan(10);
  });

  it('nothing that has ended is ever moved again', () => {
    fc.assert(
      fc.property(facts, command, (given, one) => {
        if (!endedSteps.includes(given.step as (typeof endedSteps)[number])) return;
        expect(decide(given, one)).toMatchObject({ mayBeForced: false });
      }),
    );
  });

  it('only a promotion without force asks for proof, and gets it; a refusal says what to do', () => {
    fc.assert(
      fc.property(facts, command, (given, one) => {
        const decided = decide(given, one);
        if ('refusal' in decided) {
          expect(decided.refusal).toMatch(/^[A-Z].+\.$/);
          return;
        }
        if (decided.move === 'promote' && !decided.forced) {
          expect(given).toMatchObject({ verdict: 'valid', generates: true });
        }
        if (decided.forced) expect(one).toMatchObject({ force: true });
        // A key that serves goes out of service by an order, or by proof that it is dead; and only for another.
        if (given.step === 'soaking' && decided.move === 'restore') {
          if (!decided.forced) expect(given.noWayBack).toBeNull();
          expect(one.kind === 'roll_back' || ('verdict' in one && isProof(one.verdict))).toBe(true);
        }
        expect(isOpen(decided.step) || decided.move !== null).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('a new key that lists models but answers no call', () => {
  const listed: RotationFacts = {
    step: 'canary',
    verdict: 'valid',
    generates: false,
    noWayBack: null,
    soakIsOver: false,
    served: nothingServed,
  };

  it('is not promoted, and the refusal says what is missing', () => {
    expect(decide(listed, { kind: 'promote', force: false })).toMatchObject({
      refusal: expect.stringContaining('no call was answered with it yet') as string,
      mayBeForced: true,
    });
  });

  it('ends the canary with the first refusal, whatever the verdict', () => {
    for (const verdict of verdicts) {
      expect(decide(listed, { kind: 'refused', verdict, message })).toMatchObject({
        step: 'staged',
        move: null,
      });
    }
  });

  it('is not held back by what a call of a canary that has ended says late', () => {
    for (const step of ['staged', 'tested'] as const) {
      expect(decide({ ...listed, step }, { kind: 'refused', verdict: 'restricted', message })).toMatchObject({
        refusal: expect.stringContaining('not tried at the moment') as string,
        mayBeForced: false,
      });
    }
  });
});

describe('a new key that fails more of its calls than the old one', () => {
  const tried = (errors: number): RotationFacts => ({
    step: 'canary',
    verdict: 'valid',
    generates: true,
    noWayBack: null,
    soakIsOver: false,
    // It was refused before it had spread at its provider, and was proven anew since.
    served: {
      new: { calls: 120, errors: errors + 20, refusals: 20 },
      old: { calls: 400, errors: 4, refusals: 0 },
    },
  });

  it('is promoted by force only, and the figures of both are said', () => {
    expect(decide(tried(6), { kind: 'promote', force: false })).toMatchObject({
      move: 'promote',
      forced: false,
    });
    const figures = '7 of 100 calls (7.0 %), against 4 of 400 calls (1.0 %).';
    expect(decide(tried(7), { kind: 'promote', force: false })).toMatchObject({
      refusal: expect.stringContaining(figures) as string,
      mayBeForced: true,
    });
    expect(decide(tried(7), { kind: 'promote', force: true })).toMatchObject({
      move: 'promote',
      forced: true,
      explanation: expect.stringContaining(figures) as string,
    });
  });
});
