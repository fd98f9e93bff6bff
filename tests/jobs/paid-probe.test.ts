/**
 * The daily call that spends a token: made by nobody who was not told to, once a day, no more often in a month than the
 * policy allows over any number of instances, and what it says of the key counts.
 */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import type { Database } from '../../src/database/database.ts';
import { createLogger } from '../../src/foundation/logger.ts';
import { HealthClock } from '../../src/jobs/health-clock.ts';
import {
  askDailyTests,
  claimDailyTests,
  listDailyTests,
  planDay,
} from '../../src/keys/health/daily-tests.ts';
import { changePolicy, readPolicy, type PolicyChange } from '../../src/keys/health/policy-store.ts';
import { claimProbe } from '../../src/keys/health/probe.ts';
import { newInstanceId, reportInstance } from '../../src/keys/instances.ts';
import { findProvider } from '../../src/keys/list-providers.ts';
import { loadSnapshot } from '../../src/keys/load-snapshot.ts';
import { occasionOfTests } from '../support/audited.ts';
import { usualEngines } from '../support/depth.ts';
import { openOn, type OpenedDatabase } from '../support/keyward-database.ts';
import { manualClock, type ManualClock } from '../support/manual-clock.ts';
import { keyActPartsOn, rotatingKey } from '../support/rotating.ts';
import { refusals } from '../support/stand-in-behaviour.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';
import { json } from '../support/stand-in-wires.ts';

const slug = 'openrouter';
const key = rotatingKey(1);
const window = { fromMinute: 120, toMinute: 300 };
const log = createLogger({ level: 'silent', format: 'json', scrub: (line) => line, write: () => undefined });

describe.each(usualEngines)('the call that spends a token (%s)', (engine) => {
  let opened: OpenedDatabase;
  let provider: StandInProvider;
  let ring: KeyRing;
  let clock: ManualClock;
  beforeAll(async () => {
    opened = await openOn(engine);
    provider = await startStandInProvider({ keys: [key] });
  });
  afterAll(async () => {
    await opened.close();
    await provider.close();
  });
  beforeEach(async () => {
    await opened.empty();
    ring = KeyRing.parse(generateEncryptionKey());
    clock = manualClock();
    provider.behave({});
    provider.setKeys([key]);
    provider.requests.length = 0;
  });

  const partsOn = async (database: Database) =>
    keyActPartsOn({ database }, ring, provider.baseUrl, { clock, env: { OPENROUTER_API_KEY: key } });

  /** One look of an instance of its own. */
  const instance = async (database = opened.database): Promise<HealthClock> => {
    const parts = await partsOn(database);
    const { config, changes } = parts;
    const snapshot = await loadSnapshot({ ...changes, keyRing: ring, config, database, clock });
    const instanceId = newInstanceId();
    const row = { id: instanceId, version: 'test', snapshot, ring, requests: {} };
    await reportInstance(database.kysely, row);
    const occasion = occasionOfTests;
    return new HealthClock({ ...parts, instanceId, occasion, snapshot: () => snapshot, window, log });
  };
  const at = (day: string): void => clock.set(new Date(`${day}T06:00:00Z`));
  const policy = async (probe: PolicyChange['probe']) =>
    (await changePolicy(await partsOn(opened.database), occasionOfTests, slug, { probe })).policy;
  const calls = (): [free: number, paid: number] => {
    const paid = provider.requests.filter(({ method }) => method === 'POST').length;
    return [provider.requests.length - paid, paid];
  };
  const lastDay = async () => (await listDailyTests(opened.database.kysely, '2026-01-01')).at(-1);

  it('is made by nobody who was not told to', async () => {
    at('2026-03-02');
    await (await instance()).tick();
    expect(calls()).toEqual([1, 0]);
    await policy({ model: 'some/model' });
    await policy(null);
    at('2026-03-03');
    await (await instance()).tick();
    expect(calls()).toEqual([2, 0]);
    expect(await lastDay()).toMatchObject({ state: 'done', verdict: 'valid', remark: null });
  });

  it('is made once a day, and so often in a month as the policy allows, over five instances', async () => {
    await policy({ model: 'some/model', monthlyCalls: 2 });
    const clocks = [await instance()];
    while (clocks.length < 5) clocks.push(await instance(await opened.reopen()));
    const paidAfter: number[] = [];
    for (const day of ['2026-03-02', '2026-03-03', '2026-03-04', '2026-03-31', '2026-04-01']) {
      at(day);
      for (let look = 0; look < 2; look += 1) await Promise.all(clocks.map(async (one) => one.tick()));
      paidAfter.push(calls()[1]);
    }
    expect(paidAfter).toEqual([1, 2, 2, 2, 3]);
    expect(calls()).toEqual([5, 3]);
    const { id } = (await findProvider(opened.database.kysely, slug)) ?? { id: 0 };
    expect((await readPolicy(opened.database.kysely, id)).probe).toMatchObject({
      month: '2026-04',
      callsMade: 1,
      monthlyCalls: 2,
    });
  });

  it('says more than the free call: what it is told counts', async () => {
    await policy({ model: 'some/model' });
    at('2026-03-02');
    provider.behave({ on: 'chat', answer: refusals.paymentRequired });
    await (await instance()).tick();
    expect(await lastDay()).toMatchObject({
      verdict: 'out_of_credit',
      remark: expect.stringMatching(/^A call of one token was made with some\/model\. /),
    });
    const { rows } = await sql<{ verdict: string }>`SELECT verdict FROM keyward_key_tests`.execute(
      opened.database.kysely,
    );
    expect(rows).toEqual([{ verdict: 'out_of_credit' }]);
  });

  it('with a model that is gone says nothing of the key, and the day says so', async () => {
    await policy({ model: 'gone/model' });
    at('2026-03-02');
    const gone = json(404, { error: { message: 'No endpoints found for gone/model.', code: 404 } });
    provider.behave({ on: 'chat', answer: gone });
    await (await instance()).tick();
    expect(await lastDay()).toMatchObject({
      verdict: 'valid',
      remark: expect.stringContaining('gone/model'),
    });
  });

  it('is not made for a key that the free call refuses, nor when somebody has the tests run now', async () => {
    await policy({ model: 'some/model' });
    at('2026-03-02');
    provider.setKeys([]);
    await (await instance()).tick();
    expect(calls()).toEqual([1, 0]);
    provider.setKeys([key]);
    await askDailyTests(opened.database.kysely, {
      day: '2026-03-02',
      at: clock.now(),
      slugs: [slug],
      askedBy: 'somebody',
    });
    await (await instance()).tick();
    expect(calls()).toEqual([2, 0]);
  });

  it('is taken once for a day and never beyond the cap, however many take it at once', async () => {
    await policy({ model: 'some/model', monthlyCalls: 3 });
    const db = opened.database.kysely;
    // The last one first: the plan of a day ends the claims of the days before it.
    const days = Array.from({ length: 8 }, (_, index) => `2026-03-0${8 - index}`);
    const taken = [];
    for (const day of days) {
      await planDay(db, { day, window, slugs: [slug] });
      const id = newInstanceId();
      const [claimed] = await claimDailyTests(db, id, {
        day,
        at: new Date(`${day}T06:00:00Z`),
        slugs: [slug],
        limit: 1,
      });
      if (claimed !== undefined) taken.push({ id, claimed });
    }
    expect(taken).toHaveLength(8);
    const others = await Promise.all([opened.reopen(), opened.reopen(), opened.reopen()]);
    const [first] = taken;
    if (first === undefined) throw new Error('nothing was claimed');
    expect(await claimProbe(db, first.id, first.claimed)).toBe('some/model');
    // A test whose record failed is run again, and spends no second token.
    expect(await claimProbe(db, first.id, first.claimed)).toBeNull();
    expect(await claimProbe(db, newInstanceId(), first.claimed)).toBeNull();
    const models = await Promise.all(
      taken
        .slice(1)
        .map(async ({ id, claimed }, index) => claimProbe(others[index % 3]?.kysely ?? db, id, claimed)),
    );
    expect(models.filter((model) => model !== null)).toHaveLength(2);
    const { rows } = await sql<{ probe_calls: number }>`SELECT probe_calls FROM keyward_key_policies`.execute(
      db,
    );
    expect(rows).toEqual([{ probe_calls: 3 }]);
  });

  it('has a cost by the price of its model, and none where that is not known', async () => {
    const { id } = (await findProvider(opened.database.kysely, slug)) ?? { id: 0 };
    await sql`
      INSERT INTO llm_models (provider_id, model_name, model_id, display_name, cost_per_1m_input_tokens, cost_per_1m_output_tokens)
      VALUES (${id}, 'dear', 'some/dear-model', 'Dear', 3, 15)`.execute(opened.database.kysely);
    expect((await policy({ model: 'some/model' })).probe).toMatchObject({
      usdPerCall: null,
      monthlyCalls: 31,
    });
    const { probe } = await policy({ model: 'some/dear-model', monthlyCalls: 10 });
    expect(probe).toMatchObject({ model: 'some/dear-model', monthlyCalls: 10, month: null, callsMade: 0 });
    expect(probe?.usdPerCall).toBeCloseTo(45e-6, 12);
    expect((await policy({ monthlyCalls: 4 })).probe).toMatchObject({
      model: 'some/dear-model',
      monthlyCalls: 4,
    });
    expect(await policy(null)).toMatchObject({ probe: null });
    await expect(policy({ monthlyCalls: 4 })).rejects.toMatchObject({ code: 'field_invalid' });
  });
});
