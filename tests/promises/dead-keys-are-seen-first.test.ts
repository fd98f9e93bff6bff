/**
 * The promise: a dead key is seen first, and told once. Five instances on one PostgreSQL before a stand-in: a key
 * that is revoked makes one alert and one message within one look, an outage, a rate limit and a blocked region
 * make none of a dead key, no credit makes another; and it ends by itself. Time is injected.
 */
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { listAlerts } from '../../src/alerts/list-alerts.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { AlertClock } from '../../src/jobs/alert-clock.ts';
import { alertMetrics } from '../../src/jobs/alert-metrics.ts';
import { lookAround } from '../../src/jobs/known-conditions.ts';
import { storeKey } from '../../src/keys/change-provider.ts';
import type { KeyActParts } from '../../src/keys/key-acts.ts';
import { loadSnapshot } from '../../src/keys/load-snapshot.ts';
import { readProviders } from '../../src/keys/provider-store.ts';
import { testServingKey } from '../../src/keys/test-provider-key.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { Alerting } from '../support/alerting.ts';
import { changePartsOn, occasionOfTests } from '../support/audited.ts';
import { openOn, type OpenedDatabase } from '../support/keyward-database.ts';
import { tellFigure } from '../support/promise-figures.ts';
import { HttpReceiver } from '../support/receivers.ts';
import { rotatingKey } from '../support/rotating.ts';
import { refusals, type Behaviour } from '../support/stand-in-behaviour.ts';
import { json } from '../support/stand-in-wires.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const promise = 'dead keys are seen first';
const minute = 60_000;
const slugs = ['openrouter', 'openai', 'groq', 'mistral', 'deepseek'] as const;
const instances = 5;

let opened: OpenedDatabase;
let provider: StandInProvider;
let receiver: HttpReceiver;
let parts: KeyActParts;
let first: Alerting;
let look: () => Promise<void>;

beforeAll(async () => {
  opened = await openOn('postgres');
});
afterAll(async () => opened.close());

beforeEach(async () => {
  await opened.empty();
  provider = await startStandInProvider({ keys: [rotatingKey(1)] });
  receiver = await new HttpReceiver().listen();
  const ring = KeyRing.parse(generateEncryptionKey());
  // Every provider of this installation is the stand-in.
  const environment = Object.fromEntries(
    slugs.map((slug) => [`${slug.toUpperCase()}_BASE_URL`, provider.baseUrl]),
  );
  const config = loadConfig(environment);
  first = new Alerting(opened.database, { ring, environment });
  const changes = await changePartsOn(opened.database, ring, environment);
  parts = { changes, config, database: opened.database, clock: first.clock };
  await first.channel({ kind: 'slack', settings: { url: receiver.url } });
  const others = await Promise.all(
    Array.from(
      { length: instances - 1 },
      async () => new Alerting(await opened.reopen(), { clock: first.clock, ring, environment }),
    ),
  );
  const clocks = [first, ...others].map((instance) => clockOf(instance));
  look = async () => {
    await Promise.all(clocks.map(async (clock) => clock.look()));
    await Promise.all(clocks.map(async (clock) => clock.tick()));
  };
  return async () => {
    await receiver.close();
    await provider.close();
  };
});

/** One instance as a server has it, with a snapshot of its own. */
function clockOf({ parts: deliveries }: Alerting): AlertClock {
  const { changes, config, clock } = parts;
  const snapshot = async () =>
    loadSnapshot({ ...changes, keyRing: changes.ring, database: opened.database, config, clock });
  return new AlertClock({
    deliveries,
    config,
    conditions: async () => lookAround(parts, await snapshot(), null),
    testedProviders: () => slugs.length,
    metrics: alertMetrics(new Registry()),
  });
}

async function store(...which: readonly string[]): Promise<void> {
  for (const slug of which) {
    const key = { key: new Secret(rotatingKey(1)), source: 'database' };
    await storeKey(parts.changes, occasionOfTests, slug, key);
  }
}

/** What the daily test does, and whoever presses the button. */
async function test(...which: readonly string[]): Promise<void> {
  const rows = await readProviders(opened.database.kysely);
  for (const row of rows.filter(({ provider_slug: slug }) => which.includes(slug)))
    await testServingKey(parts, occasionOfTests, row);
}

async function alerts(): Promise<string[]> {
  const page = await listAlerts(first.parts.db, { filter: {}, before: null, limit: 50 });
  return page.alerts.map(({ cause, resolvedAt }) => `${cause} ${resolvedAt === null ? 'open' : 'resolved'}`);
}

const messages = (): string[] =>
  receiver.received.map(({ body }) => (JSON.parse(body) as { text: string }).text);

it('a revoked key makes one alert and one message over five instances, within one look, and ends by itself', async () => {
  await store('openrouter');
  await test('openrouter');
  await look();
  expect(await alerts()).toEqual([]);
  provider.setKeys([]);
  await test('openrouter');
  await look();
  expect(await alerts()).toEqual(['key_dead:openrouter open']);
  expect(messages()).toEqual(['Critical: The provider refuses the key of openrouter.']);
  for (let times = 0; times < 50; times += 1) {
    first.clock.pass(minute / 2);
    await look();
  }
  expect(messages()).toHaveLength(1);
  provider.setKeys([rotatingKey(1)]);
  await test('openrouter');
  await look();
  first.clock.pass(6 * minute);
  await look();
  expect(await alerts()).toEqual(['key_dead:openrouter resolved']);
  expect(messages().slice(1)).toEqual(['Resolved: The provider refuses the key of openrouter.']);
  tellFigure(
    promise,
    `${instances} instances, a revoked key: 1 alert, 1 message, within one look; 52 looks more add none`,
  );
});

it.each<[string, Behaviour, string[]]>([
  ['a rate limit', { answer: refusals.rateLimited }, []],
  ['no credit', { answer: refusals.paymentRequired }, ['key_out_of_credit:openrouter open']],
  ['a fault of the provider', { answer: refusals.serverError }, ['provider_unreachable:openrouter open']],
  ['a page of a proxy', { answer: refusals.badGatewayPage }, ['provider_unreachable:openrouter open']],
  ['a connection that breaks off', { insteadOfHeaders: 'reset' }, ['provider_unreachable:openrouter open']],
  ['an answer that says nothing', { answer: json(418, {}) }, []],
])('%s is no dead key', async (_what, behaviour, expected) => {
  await store('openrouter');
  provider.behave(behaviour);
  await test('openrouter');
  await look();
  first.clock.pass(3 * minute);
  await look();
  expect(await alerts()).toEqual(expected);
});

it('an outage of five providers at once is one alert, which marks no key dead', async () => {
  await store(...slugs);
  provider.behave({ insteadOfHeaders: 'reset' });
  await test(...slugs);
  await look();
  first.clock.pass(3 * minute);
  await look();
  expect(await alerts()).toEqual(['network open']);
  expect(messages()).toEqual(['Critical: 5 of 5 providers do not answer.']);
  const rows = await readProviders(opened.database.kysely);
  expect(rows.filter(({ api_key_test_status: status }) => status === 'invalid')).toEqual([]);
  provider.behave({});
  for (const slug of slugs) {
    await test(slug);
    first.clock.pass(minute);
    await look();
  }
  first.clock.pass(6 * minute);
  await look();
  expect(await alerts()).toEqual(['network resolved']);
  expect(messages()).toHaveLength(2);
  tellFigure(promise, `an outage of ${slugs.length} providers: 1 alert, 2 messages, 0 keys marked dead`);
});
