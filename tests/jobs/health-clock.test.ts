/**
 * The daily test and the test after a refused call, before a stand-in provider, by several instances on one
 * database: once for each key and day whatever dies, made up after downtime, and without a wrong word of a key.
 */
import { dayOf } from '../../src/foundation/day.ts';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import type { Database } from '../../src/database/database.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { createLogger } from '../../src/foundation/logger.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { HealthClock } from '../../src/jobs/health-clock.ts';
import { storeKey } from '../../src/keys/change-provider.ts';
import { dailyDueAt } from '../../src/keys/health/daily-due.ts';
import {
  askDailyTests,
  claimDailyTests,
  listDailyTests,
  type DailyTest,
} from '../../src/keys/health/daily-tests.ts';
import { LiveWatch } from '../../src/keys/health/live-watch.ts';
import { newInstanceId, endInstance, reportInstance } from '../../src/keys/instances.ts';
import type { KeyActParts } from '../../src/keys/key-acts.ts';
import { loadSnapshot } from '../../src/keys/load-snapshot.ts';
import { changePartsOn, occasionOfTests } from '../support/audited.ts';
import { usualEngines } from '../support/depth.ts';
import { openOn, type OpenedDatabase } from '../support/keyward-database.ts';
import { manualClock, type ManualClock } from '../support/manual-clock.ts';
import { refusals } from '../support/stand-in-behaviour.ts';
import { rotatingKey } from '../support/rotating.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

const window = { fromMinute: 120, toMinute: 300 };
const slugs = ['groq', 'openrouter', 'xai'] as const;
const keyOf = (slug: string): string => rotatingKey(slugs.findIndex((one) => one === slug) + 1);
const silent = createLogger({
  level: 'silent',
  format: 'json',
  scrub: (line) => line,
  write: () => undefined,
});

describe.each(usualEngines)('the clock of the health watch (%s)', (engine) => {
  let opened: OpenedDatabase;
  let providers: Record<string, StandInProvider>;
  let environment: Record<string, string>;
  let ring: KeyRing;
  let clock: ManualClock;

  beforeAll(async () => {
    opened = await openOn(engine);
    providers = {};
    environment = {};
    for (const slug of slugs) {
      const provider = await startStandInProvider({ slug, keys: [keyOf(slug)] });
      providers[slug] = provider;
      environment[`${slug.toUpperCase()}_BASE_URL`] = provider.baseUrl;
    }
    environment['XAI_API_KEY'] = keyOf('xai');
  });
  afterAll(async () => {
    await opened.close();
    for (const provider of Object.values(providers)) await provider.close();
  });
  /** Two stored keys, one of the environment; it is the evening before the first window. */
  beforeEach(async () => {
    await opened.empty();
    ring = KeyRing.parse(generateEncryptionKey());
    clock = manualClock(new Date('2026-03-28T20:00:00Z'));
    const { changes } = await partsOn(opened.database);
    for (const slug of ['groq', 'openrouter'])
      await storeKey(changes, occasionOfTests, slug, { key: new Secret(keyOf(slug)), source: 'database' });
    for (const slug of slugs) {
      provider(slug).behave({});
      provider(slug).setKeys([keyOf(slug)]);
      provider(slug).requests.length = 0;
    }
  });

  const provider = (slug: string): StandInProvider => {
    const found = providers[slug];
    if (found === undefined) throw new Error(`no stand-in of ${slug}`);
    return found;
  };
  const partsOn = async (database: Database): Promise<KeyActParts> => ({
    changes: await changePartsOn(database, ring, environment),
    config: loadConfig(environment),
    database,
    clock,
  });

  interface Instance {
    readonly id: string;
    readonly clock: HealthClock;
    readonly live: LiveWatch;
    readonly parts: KeyActParts;
  }

  /** An instance as the server builds it, which has given a sign of life. */
  const startInstance = async (database = opened.database): Promise<Instance> => {
    const parts = await partsOn(database);
    const { config, changes } = parts;
    const { fingerprinter, bindings } = changes;
    const snapshot = await loadSnapshot({ database, config, keyRing: ring, fingerprinter, bindings, clock });
    const id = newInstanceId();
    await reportInstance(database.kysely, { id, version: 'test', snapshot, ring, requests: {} });
    return {
      id,
      parts,
      clock: new HealthClock({
        ...parts,
        instanceId: id,
        occasion: occasionOfTests,
        snapshot: () => snapshot,
        window,
        log: silent,
      }),
      live: new LiveWatch({ db: database.kysely, clock, log: silent, onRefused: () => undefined }),
    };
  };
  const days = async (from = '2026-01-01'): Promise<DailyTest[]> =>
    listDailyTests(opened.database.kysely, from);
  const rows = async <Row>(query: string): Promise<Row[]> =>
    (await sql.raw<Row>(query).execute(opened.database.kysely)).rows;
  const history = async (): Promise<{ slug: string; verdict: string; asked_by: string }[]> =>
    rows(`SELECT provider_slug AS slug, verdict, asked_by FROM keyward_key_tests ORDER BY provider_slug, id`);
  const columns = async (slug: string): Promise<Record<string, unknown>> => {
    const [row] = await rows<Record<string, unknown>>(
      `SELECT health_status, api_key_test_status FROM llm_providers WHERE provider_slug = '${slug}'`,
    );
    return row ?? {};
  };
  const asked = (): number[] => slugs.map((slug) => provider(slug).requests.length);

  it('plans a day, and tests each key at its minute and not before', async () => {
    clock.set(new Date('2026-03-29T00:00:01Z'));
    const instance = await startInstance();
    await instance.clock.tick();
    expect((await days()).map(({ slug, state }) => `${slug} ${state}`)).toEqual(
      slugs.map((slug) => `${slug} waiting`),
    );
    const inTurn = slugs
      .map((slug) => ({ slug, at: dailyDueAt(slug, '2026-03-29', window) }))
      .toSorted((a, b) => Number(a.at) - Number(b.at));
    for (const [index, { slug, at }] of inTurn.entries()) {
      clock.set(new Date(at.getTime() - 1));
      await instance.clock.tick();
      expect(provider(slug).requests).toHaveLength(0);
      clock.set(at);
      await instance.clock.tick();
      expect(asked().filter((count) => count === 1)).toHaveLength(index + 1);
    }
    expect(await days()).toEqual(
      slugs.map((slug) =>
        expect.objectContaining({
          slug,
          day: '2026-03-29',
          state: 'done',
          verdict: 'valid',
          asked_by: null,
          remark: null,
        }),
      ),
    );
    expect(await history()).toEqual(
      slugs.map((slug) => ({ slug, verdict: 'valid', asked_by: 'the daily test' })),
    );
    for (const slug of slugs) expect(await columns(slug)).toMatchObject({ health_status: 'healthy' });
    expect(
      await rows(`SELECT 1 FROM keyward_audit_events WHERE action = 'provider.key_tested'`),
    ).toHaveLength(3);
  });

  it('tests exactly once for each key and day, over five instances that look at the same moment', async () => {
    const instances: Instance[] = [];
    for (let count = 0; count < 5; count += 1)
      instances.push(await startInstance(count === 0 ? undefined : await opened.reopen()));
    for (const day of ['2026-03-29', '2026-03-30', '2026-03-31']) {
      clock.set(new Date(`${day}T05:00:00Z`));
      for (let look = 0; look < 2; look += 1)
        await Promise.all(instances.map(async ({ clock: own }) => own.tick()));
    }
    expect(asked()).toEqual([3, 3, 3]);
    expect(await history()).toHaveLength(9);
    expect((await days()).map(({ state }) => state)).toEqual(Array.from({ length: 9 }, () => 'done'));
  });

  it('an instance that is killed in the middle leaves its test to another, and the day has one record', async () => {
    clock.set(new Date('2026-03-29T05:00:00Z'));
    const killed = await startInstance();
    const other = await startInstance(await opened.reopen());
    await askDailyTests(opened.database.kysely, {
      day: '2026-03-29',
      at: clock.now(),
      slugs: ['groq'],
      askedBy: 'somebody',
    });
    const claim = { day: '2026-03-29', at: clock.now(), slugs, limit: 4 };
    expect(await claimDailyTests(opened.database.kysely, killed.id, claim)).toHaveLength(1);
    expect(await days()).toMatchObject([{ slug: 'groq', state: 'running' }]);
    await other.clock.tick();
    expect(provider('groq').requests).toHaveLength(0);
    await endInstance(opened.database.kysely, killed.id);
    expect((await days()).find(({ slug }) => slug === 'groq')?.state).toBe('waiting');
    await other.clock.tick();
    expect(asked()).toEqual([1, 1, 1]);
    expect(await history()).toEqual([
      { slug: 'groq', verdict: 'valid', asked_by: 'the daily test, asked by somebody' },
      { slug: 'openrouter', verdict: 'valid', asked_by: 'the daily test' },
      { slug: 'xai', verdict: 'valid', asked_by: 'the daily test' },
    ]);
  });

  it('what an instance heard whose claim was taken over is not recorded a second time', async () => {
    clock.set(new Date('2026-03-29T05:00:00Z'));
    const slow = await startInstance();
    const other = await startInstance(await opened.reopen());
    provider('groq').behave({ insteadOfHeaders: 'stall', requests: 1 });
    const first = slow.clock.tick();
    await provider('groq').waitForRequest();
    await endInstance(opened.database.kysely, slow.id);
    await other.clock.tick();
    provider('groq').release('close');
    await first;
    expect((await history()).filter(({ slug }) => slug === 'groq')).toHaveLength(1);
    expect((await days()).map(({ state }) => state)).toEqual(['done', 'done', 'done']);
  });

  it('after three days of downtime the missed days stand as missed, and today is made up at once', async () => {
    clock.set(new Date('2026-03-29T05:00:00Z'));
    await (await startInstance()).clock.tick();
    clock.set(new Date('2026-04-02T11:00:00Z'));
    const back = await Promise.all([startInstance(), startInstance(await opened.reopen())]);
    await Promise.all(back.map(async ({ clock: own }) => own.tick()));
    const groq = (await days()).filter(({ slug }) => slug === 'groq');
    expect(groq.map(({ day, state }) => `${day} ${state}`)).toEqual([
      '2026-03-29 done',
      '2026-03-30 missed',
      '2026-03-31 missed',
      '2026-04-01 missed',
      '2026-04-02 done',
    ]);
    expect(asked()).toEqual([2, 2, 2]);
  });

  it('a day that ends before its test was run is missed, over a leap day too; the first day of all misses none', async () => {
    clock.set(new Date('2028-02-28T00:00:00Z'));
    const instance = await startInstance();
    await instance.clock.tick();
    clock.set(new Date('2028-02-29T00:00:00Z'));
    await instance.clock.tick();
    clock.set(new Date('2028-03-01T00:00:00Z'));
    await instance.clock.tick();
    const found = (await days()).filter(({ slug }) => slug === 'xai');
    expect(found.map(({ day, state }) => `${day} ${state}`)).toEqual([
      '2028-02-28 missed',
      '2028-02-29 missed',
      '2028-03-01 waiting',
    ]);
  });

  it.each([
    ['an outage', { answer: refusals.serverError }],
    ['a proxy in the way', { answer: refusals.badGatewayPage }],
    ['a network that breaks off', { insteadOfHeaders: 'reset' }],
    ['a rate limit', { answer: refusals.rateLimited }],
    ['no credit', { answer: refusals.paymentRequired }],
  ] as const)('%s of every provider marks no key dead', async (_, behaviour) => {
    clock.set(new Date('2026-03-29T05:00:00Z'));
    const instance = await startInstance();
    for (const slug of slugs) provider(slug).behave(behaviour);
    await instance.clock.tick();
    for (const slug of slugs) expect((await columns(slug))['health_status']).toBe('degraded');
    expect((await columns('groq'))['api_key_test_status']).toBe('error');
    expect((await history()).filter(({ verdict }) => verdict === 'invalid')).toEqual([]);
  });

  it('a provider that an open alert says is silent is asked every five minutes, once over all instances, until it answers', async () => {
    clock.set(new Date('2026-03-29T05:00:00Z'));
    const instances = [await startInstance(), await startInstance(await opened.reopen())];
    const tickAll = async (): Promise<number> => {
      provider('groq').requests.length = 0;
      await Promise.all(instances.map(async ({ clock: own }) => own.tick()));
      return provider('groq').requests.length;
    };
    provider('groq').behave({ insteadOfHeaders: 'reset' });
    await tickAll();
    expect((await history()).filter(({ slug }) => slug === 'groq')).toHaveLength(1);
    const alert = (kind: string, details: object): string =>
      `INSERT INTO keyward_alerts (cause, kind, severity, details, opened_at, updated_at)
       VALUES ('${kind}', '${kind}', 'warning', '${JSON.stringify({ what: 'x', ...details })}', now(), now())`;
    await rows(alert('provider_unreachable', { provider: 'groq' }));
    await rows(alert('network', { providers: ['groq', 'xai'] }));
    const testsOf = async (slug: string): Promise<string[]> =>
      (await history()).flatMap((one) => (one.slug === slug ? [one.verdict] : []));
    clock.set(new Date('2026-03-29T05:04:50Z'));
    await tickAll();
    expect(await testsOf('groq')).toEqual(['unreachable']);
    provider('groq').behave({});
    clock.set(new Date('2026-03-29T05:05:10Z'));
    await tickAll();
    expect(await testsOf('groq')).toEqual(['unreachable', 'valid']);
    expect(await testsOf('xai')).toEqual(['valid', 'valid']);
    expect(await testsOf('openrouter')).toEqual(['valid']);
    expect((await columns('groq'))['health_status']).toBe('healthy');
    await rows('UPDATE keyward_alerts SET resolved_at = now()');
    clock.set(new Date('2026-03-29T06:00:00Z'));
    await tickAll();
    expect(await testsOf('groq')).toEqual(['unreachable', 'valid']);
    await rows('DELETE FROM keyward_alerts');
  });

  it('the waiting test of a provider whose key is gone from every server is over, and no day of it is missed', async () => {
    const before = await startInstance();
    await before.clock.tick();
    await rows("UPDATE llm_providers SET encrypted_api_key = NULL WHERE provider_slug = 'groq'");
    const stateOf = async (slug: string): Promise<string[]> =>
      (await days()).flatMap((one) => (one.slug === slug ? [`${one.state} ${one.remark ?? ''}`] : []));
    const waiting = (await stateOf('xai')).length;
    const after = await startInstance();
    await rows("UPDATE keyward_daily_tests SET state = 'waiting', remark = NULL");
    await after.clock.tick();
    expect((await stateOf('groq'))[0], 'the first server still has it').toMatch(/^waiting/);
    await endInstance(opened.database.kysely, before.id);
    await (await startInstance()).clock.tick();
    expect(await stateOf('groq')).toEqual(['done There is no key to test.']);
    expect(waiting).toBe(1);
  });

  it('a revoked key is found, stays dead through an outage, and is healthy when it works again', async () => {
    clock.set(new Date('2026-03-29T05:00:00Z'));
    const instance = await startInstance();
    provider('groq').setKeys([]);
    await instance.clock.tick();
    expect(await columns('groq')).toEqual({ health_status: 'unhealthy', api_key_test_status: 'invalid' });
    clock.set(new Date('2026-03-30T05:00:00Z'));
    provider('groq').behave({ answer: refusals.serverError });
    await instance.clock.tick();
    expect(await columns('groq')).toEqual({ health_status: 'unhealthy', api_key_test_status: 'invalid' });
    clock.set(new Date('2026-03-31T05:00:00Z'));
    provider('groq').behave({});
    provider('groq').setKeys([keyOf('groq')]);
    await instance.clock.tick();
    expect(await columns('groq')).toEqual({ health_status: 'healthy', api_key_test_status: 'valid' });
  });

  it('a refused call marks the key and has it tested at once, once over all instances, and not again for a while', async () => {
    clock.set(new Date('2026-03-29T00:00:01Z'));
    const instances = [await startInstance(), await startInstance(await opened.reopen())];
    const { fingerprinter } = instances[0]?.parts.changes ?? {};
    const fingerprint = fingerprinter?.of(new Secret(keyOf('groq'))) ?? '';
    const refused = async (): Promise<void> => {
      for (const { live } of instances) {
        live.saw({ slug: 'groq', fingerprint }, 'invalid');
        live.saw({ slug: 'groq', fingerprint }, 'invalid');
        await live.flush();
      }
      clock.pass(1);
      await Promise.all(instances.map(async ({ clock: own }) => own.tick()));
    };
    provider('groq').setKeys([]);
    await refused();
    expect(provider('groq').requests).toHaveLength(1);
    expect(await history()).toEqual([{ slug: 'groq', verdict: 'invalid', asked_by: 'a refused call' }]);
    expect(await columns('groq')).toEqual({ health_status: 'unhealthy', api_key_test_status: 'invalid' });
    expect(await rows(`SELECT calls::int AS calls FROM keyward_live_verdicts`)).toEqual([{ calls: 4 }]);
    clock.pass(60_000);
    await refused();
    expect(provider('groq').requests).toHaveLength(1);
    clock.pass(600_000);
    provider('groq').setKeys([keyOf('groq')]);
    await refused();
    expect(provider('groq').requests).toHaveLength(2);
    expect(await columns('groq')).toEqual({ health_status: 'healthy', api_key_test_status: 'valid' });
    expect(
      await rows(`SELECT 1 FROM keyward_audit_events WHERE action = 'provider.key_refused'`),
    ).toHaveLength(2);
  });

  it('calls that are answered, and two days without a word, move the columns of health', async () => {
    clock.set(new Date('2026-03-29T00:00:01Z'));
    const { clock: own, live, parts } = await startInstance();
    const fingerprint = parts.changes.fingerprinter.of(new Secret(keyOf('xai')));
    live.saw({ slug: 'xai', fingerprint }, 'unreachable');
    await live.flush();
    clock.pass(60_000);
    await own.tick();
    expect((await columns('xai'))['health_status']).toBe('degraded');
    live.saw({ slug: 'xai', fingerprint }, 'valid');
    await live.flush();
    clock.pass(60_000);
    await own.tick();
    expect((await columns('xai'))['health_status']).toBe('healthy');
    await sql`DELETE FROM keyward_key_tests`.execute(opened.database.kysely);
    clock.pass(3 * 86_400_000);
    provider('xai').behave({ answer: refusals.serverError });
    clock.set(new Date(`${dayOf(clock.now())}T00:00:30Z`));
    await own.tick();
    expect((await columns('xai'))['health_status']).toBe('unknown');
  });
});
