/**
 * Rotations on a real database, by random orders of what administrators, callers, providers and the clock do, in
 * a process that dies at any statement or call and is followed by another: a provider that had a serving key has
 * one after each step, the stored key is the active version, at most one rotation is open, and in the end the
 * keys that live at the provider are those of the ledger.
 */
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { KeywardError } from '../../../src/foundation/errors.ts';
import { storeKey } from '../../../src/keys/change-provider.ts';
import { newInstanceId } from '../../../src/keys/instances.ts';
import { mintRotation } from '../../../src/keys/rotation/mint-rotation.ts';
import { moveRotation } from '../../../src/keys/rotation/move-rotation.ts';
import {
  cancelRotation,
  promoteKey,
  retireOldKey,
  rollBackKey,
  startCanary,
} from '../../../src/keys/rotation/rotation-acts.ts';
import { addTraffic } from '../../../src/keys/rotation/rotation-traffic.ts';
import { startRotation } from '../../../src/keys/rotation/start-rotation.ts';
import { testRotation } from '../../../src/keys/rotation/test-rotation.ts';
import { verdicts } from '../../../src/providers/verdict.ts';
import { occasionOfTests } from '../../support/audited.ts';
import { atDepth } from '../../support/depth.ts';
import { openOn, type OpenedDatabase } from '../../support/keyward-database.ts';
import { expectNoOrphans, expectOrder, RotationWorld } from '../../support/rotation-world.ts';
import { type Failure } from '../../support/stand-in-management.ts';
import { startStandInProvider, type StandInProvider } from '../../support/stand-in-provider.ts';
import type { Standing } from '../../support/stand-in-wires.ts';

const slug = 'openrouter';
const because = { ...occasionOfTests, reason: 'the test says so' };
const numRuns = atDepth({ usual: 20, thorough: 250 });

let opened: OpenedDatabase;
let provider: StandInProvider;
/** What happened over all runs: a test in which nothing happens proves nothing. */
const happened = { deaths: 0, mints: 0, promotions: 0, restores: 0, completions: 0 };

beforeAll(async () => {
  opened = await openOn('embedded');
  provider = await startStandInProvider({ keys: [] });
});
afterAll(async () => {
  await opened.close();
  await provider.close();
});

/** @param dieAfter how many statements and calls the process lives through; null: it lives on */
function command(
  name: string,
  dieAfter: number | null,
  act: (world: RotationWorld) => Promise<unknown>,
): fc.AsyncCommand<object, RotationWorld> {
  const toString = (): string => (dieAfter === null ? name : `${name}, dies after ${dieAfter}`);
  const made: fc.AsyncCommand<object, RotationWorld> = {
    check: () => true,
    toString,
    run: async (_, world) => {
      world.instance.dieAfter(dieAfter ?? Infinity);
      try {
        await act(world);
      } catch (error) {
        if (!world.instance.isDead && !(error instanceof KeywardError)) throw error;
      }
      if (world.instance.isDead) {
        happened.deaths += 1;
        await world.startAnew();
      } else world.instance.dieAfter(Infinity);
      await expectOrder(world, toString());
    },
  };
  return Object.assign(made, { [fc.toStringMethod]: toString });
}

type Act = (world: RotationWorld) => Promise<unknown>;

const standing = fc.constantFrom<Standing>('good', 'good', 'good', 'lists_only', 'unknown');
const failure = fc.constantFrom<Failure>('reset at once', 'reset when done', 'cut off', { status: 500 });
interface Likely {
  readonly weight: number;
  readonly arbitrary: fc.Arbitrary<readonly [string, Act]>;
}

const likely = (weight: number, arbitrary: Likely['arbitrary']): Likely => ({ weight, arbitrary });

const acts: readonly Likely[] = [
  likely(
    3,
    standing.map((how) => [
      `start with a key that is ${how}`,
      async ({ parts, newKey }) =>
        startRotation(parts, because, slug, { key: newKey(how), soakSeconds: 60, canarySeconds: 0 }),
    ]),
  ),
  likely(
    4,
    fc.boolean().map((isAutomatic) => [
      `mint${isAutomatic ? ' and go on' : ''}`,
      async ({ parts }) =>
        mintRotation(parts, because, slug, {
          isAutomatic,
          soakSeconds: 60,
          canarySeconds: 0,
          canaryMinCalls: 1,
        }),
    ]),
  ),
  likely(
    2,
    fc
      .boolean()
      .map((spend) => [
        `test${spend ? ' and spend' : ''}`,
        async ({ parts }) => testRotation(parts, because, slug, undefined, { spend, model: 'any/model' }),
      ]),
  ),
  likely(
    2,
    fc
      .boolean()
      .map((force) => [
        `canary${force ? ' by force' : ''}`,
        async ({ parts }) => startCanary(parts, because, slug, { force }),
      ]),
  ),
  likely(
    3,
    fc.integer({ min: 0, max: 9 }).map((dice) => [
      `promote${dice === 0 ? ' by force' : ''}`,
      async (world) => {
        if (dice === 0) world.mayServeBadKey = true;
        await promoteKey(world.parts, because, slug, { force: dice === 0 });
      },
    ]),
  ),
  likely(
    8,
    fc.constant([
      'prove and promote',
      async ({ parts }) => {
        await testRotation(parts, because, slug, undefined, { spend: true, model: 'any/model' });
        await startCanary(parts, because, slug);
        await promoteKey(parts, because, slug);
      },
    ]),
  ),
  likely(
    4,
    fc
      .boolean()
      .map((force) => [
        `retire${force ? ' by force' : ''}`,
        async ({ parts }) => retireOldKey(parts, because, slug, { force }),
      ]),
  ),
  likely(1, fc.constant(['roll back', async ({ parts }) => rollBackKey(parts, because, slug)])),
  likely(1, fc.constant(['cancel', async ({ parts }) => cancelRotation(parts, because, slug)])),
  likely(
    2,
    fc.constant([
      'a call is answered with the new key',
      async ({ parts, open }) => {
        const rotation = await open();
        if (rotation?.step !== 'canary' || rotation.newKey.last_verdict !== 'valid') return;
        const { kysely } = parts.database;
        await addTraffic(kysely, newInstanceId(), rotation.id, {
          new: { calls: 1, errors: 0, refusals: 0 },
          old: { calls: 0, errors: 0, refusals: 0 },
        });
        await testRotation(parts, occasionOfTests, slug, rotation.id, { spend: true, model: 'any/model' });
      },
    ]),
  ),
  likely(
    1,
    fc.constantFrom(...verdicts).map((verdict) => [
      `a call is refused with the new key: ${verdict}`,
      async ({ parts, open }) =>
        moveRotation(parts.changes, occasionOfTests, slug, (await open())?.id, {
          command: { kind: 'refused', verdict, message: 'so it said' },
          newKey: { last_verdict: verdict, generated_at: null },
        }),
    ]),
  ),
  likely(4, fc.constant(['the clock ticks', async (world) => world.tick()])),
  likely(
    2,
    fc
      .constantFrom(0, 300)
      .map((grace) => [`a sweep with a grace of ${grace} s`, async (world) => world.sweep(grace)]),
  ),
  likely(
    3,
    fc
      .constantFrom(-3_600, -30, 30, 120, 3_600)
      .map((seconds) => [`the clock jumps by ${seconds} s`, async (world) => world.jump(seconds)]),
  ),
  likely(
    1,
    fc.constant([
      'an administrator sets a key',
      async ({ parts, newKey }) =>
        storeKey(parts.changes, because, slug, { key: newKey('good'), source: 'database' }),
    ]),
  ),
  likely(
    1,
    fc.constant([
      'another program stores a key',
      async ({ ring, newKey, row }) =>
        sql`UPDATE llm_providers SET encrypted_api_key = ${ring.encrypt(newKey('good'))}, api_key_source = 'database' WHERE id = ${row.id}`.execute(
          opened.database.kysely,
        ),
    ]),
  ),
  likely(
    2,
    fc
      .tuple(fc.constantFrom('mint', 'list', 'disable', 'revoke'), failure)
      .map(([what, how]) => [
        `the next ${what} fails: ${JSON.stringify(how)}`,
        async ({ management }) => management.fail(what, how, 1),
      ]),
  ),
  likely(
    1,
    fc
      .integer({ min: 0, max: 2 })
      .map((listings) => [
        `new keys are missing on ${listings} lists`,
        async ({ management }) => management.lag({ listings }),
      ]),
  ),
];

/** One act in three is cut short, by a death at some moment of it. */
const dying = fc.oneof(
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 40 }) },
);

const commands = fc.array(
  fc.tuple(fc.oneof(...acts), dying).map(([[name, run], dieAfter]) => command(name, dieAfter, run)),
  { minLength: 20, maxLength: 30 },
);

it('no order of commands, deaths and jumps of the clock takes the serving key away, and none leaves an orphan', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('database', 'environment'), commands, async (first, ordered) => {
      const world = await RotationWorld.with(opened, provider, first);
      try {
        await fc.asyncModelRun(() => ({ model: {}, real: world }), ordered);
        happened.mints += (await expectNoOrphans(world)).minted;
        happened.promotions += await world.countEvents('rotation.promoted');
        happened.restores += await world.countEvents('rotation.rolled_back');
        happened.completions += await world.countEvents('rotation.retired');
      } finally {
        await world.management.close();
      }
    }),
    { numRuns },
  );
  expect(happened.deaths).toBeGreaterThan(numRuns);
  for (const count of Object.values(happened)) expect(count).toBeGreaterThan(0);
}, 1_200_000);
