/**
 * The promise: nothing switches unproven. A provider whose new keys spread only after a while, and one whose new
 * keys list models but answer no call: the new key is not promoted, no caller sees an error, and the rotation
 * says what it waits for.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { tellFigure } from '../support/promise-figures.ts';
import { rotatingKey } from '../support/rotating.ts';
import { callAdmin, type AdminAnswer } from '../support/administered-keyward.ts';
import { manualClock, type ManualClock } from '../support/manual-clock.ts';
import { newPlace, startKeyward, type Place, type RunningKeyward } from '../support/running-keyward.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

const promise = 'nothing switches unproven';
const openaiKey = (number: number): string =>
  ['sk', 'svcacct', `fake${number.toString(16).padStart(4, '0').repeat(8)}`].join('-');
const keyOf = { openrouter: rotatingKey, openai: openaiKey } as const;

type Slug = keyof typeof keyOf;
interface Shown {
  readonly step: string;
  readonly explanation: string | null;
  readonly next: readonly string[];
  readonly new_key: { readonly last_verdict: string | null };
  readonly traffic: { readonly new: { readonly calls: number; readonly refusals: number } };
}

let place: Place;
let keyward: RunningKeyward;
let clock: ManualClock;
const providers = new Map<Slug, StandInProvider>();
let [calls, failed] = [0, 0];

beforeAll(async () => {
  place = await newPlace('postgres');
  clock = manualClock();
  for (const slug of ['openrouter', 'openai'] as const)
    providers.set(slug, await startStandInProvider({ slug, keys: [keyOf[slug](0)] }));
  keyward = await startKeyward({
    place,
    clock,
    env: {
      OPENROUTER_BASE_URL: providers.get('openrouter')?.baseUrl ?? '',
      OPENAI_BASE_URL: providers.get('openai')?.baseUrl ?? '',
    },
  });
  for (const slug of ['openrouter', 'openai'] as const) {
    await keyward.setProvider(slug, {
      encrypted_api_key: keyward.encrypt(keyOf[slug](0)),
      api_key_source: 'database',
    });
  }
});
afterAll(async () => {
  await keyward.stop();
  for (const provider of providers.values()) await provider.close();
  await place.remove();
});

const provider = (slug: Slug): StandInProvider => {
  const found = providers.get(slug);
  if (found === undefined) throw new Error('not started');
  return found;
};
async function act(slug: Slug, request: `${string} ${string}`, body?: object): Promise<AdminAnswer> {
  // Between two tests at one provider two seconds pass.
  clock.pass(10_000);
  const [method = '', path = ''] = request.split(' ');
  const answer = await callAdmin(
    keyward.server.url,
    `${method} /api/v1/admin/providers/${slug}/rotations${path}`,
    body === undefined ? {} : { body },
  );
  await keyward.caughtUp();
  return answer;
}
async function shown(slug: Slug): Promise<Shown> {
  return (await act(slug, 'GET /open')).body as unknown as Shown;
}
/** Callers while the rotation stands where it stands. */
async function callAround(slug: Slug, count = 40): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: count }, async () => keyward.chat({ model: `${slug}/any/model`, messages: [] })),
  );
  calls += count;
  failed += answers.filter(({ status }) => status !== 200).length;
  await Promise.all(answers.map(async (answer) => answer.text()));
}
async function servingFingerprints(slug: Slug): Promise<Set<string>> {
  const answers = await Promise.all(
    Array.from({ length: 10 }, async () => keyward.chat({ model: `${slug}/any/model`, messages: [] })),
  );
  calls += 10;
  return new Set(answers.map(({ headers }) => headers.get('x-keyward-key-fingerprint') ?? ''));
}

describe('a key that spreads at its provider only after a while', () => {
  it('is not promoted until it is accepted and a call was answered with it; then it is', async () => {
    const slug = 'openrouter';
    const late = keyOf[slug](1);
    expect((await act(slug, 'POST ', { api_key: late, canary_percent: 50 })).status).toBe(200);
    const [before] = await servingFingerprints(slug);
    const refusals = [];
    for (let times = 0; times < 3; times += 1) {
      const tested = await act(slug, 'POST /open/test', {});
      expect((tested.body['test'] as { verdict: string }).verdict).toBe('invalid');
      expect((await act(slug, 'POST /open/canary')).code).toBe('key_unproven');
      refusals.push((await act(slug, 'POST /open/promote')).code);
    }
    expect(refusals).toEqual(['key_unproven', 'key_unproven', 'key_unproven']);
    expect(await shown(slug)).toMatchObject({
      step: 'staged',
      explanation: expect.stringContaining('A test said of the new key') as string,
    });
    // It reaches the place that is asked for a list first, and then the one that answers chats.
    provider(slug).setStanding(late, 'lists_only');
    await act(slug, 'POST /open/test', {});
    expect((await act(slug, 'POST /open/canary')).status).toBe(200);
    await callAround(slug);
    const during = await shown(slug);
    expect(during.traffic.new.calls).toBeGreaterThan(0);
    expect(during.traffic.new.refusals).toBe(during.traffic.new.calls);
    const refused = await act(slug, 'POST /open/promote');
    expect(refused.code).toBe('key_unproven');
    expect(refused.text).toMatch(/no call was answered with it yet|The last that is known/);
    expect(await servingFingerprints(slug)).toEqual(new Set([before]));
    // Now it is everywhere.
    provider(slug).setStanding(late, 'good');
    await act(slug, 'POST /open/test', {});
    await act(slug, 'POST /open/canary');
    await callAround(slug);
    await expect.poll(async () => (await act(slug, 'POST /open/promote')).status).toBe(200);
    expect(await servingFingerprints(slug)).not.toContain(before);
  });
});

describe('a key that lists models and answers no call', () => {
  it('ends its own canary, is never promoted, and the rotation says why', async () => {
    const slug = 'openai';
    const barren = keyOf[slug](1);
    provider(slug).setStanding(barren, 'lists_only');
    await act(slug, 'POST ', { api_key: barren, canary_percent: 50 });
    const [before] = await servingFingerprints(slug);
    const outcomes: (string | undefined)[] = [];
    for (let times = 0; times < 3; times += 1) {
      const tested = await act(slug, 'POST /open/test', {});
      expect((tested.body['test'] as { verdict: string }).verdict).toBe('valid');
      outcomes.push((await act(slug, 'POST /open/promote')).code);
      expect((await act(slug, 'POST /open/canary')).status).toBe(200);
      await callAround(slug);
      await expect.poll(async () => (await shown(slug)).step).toBe('staged');
      expect(await shown(slug)).toMatchObject({
        explanation: expect.stringMatching(
          /refused a call with the new key, so it is not tried any more: .*scope/,
        ) as string,
        new_key: { last_verdict: 'restricted' },
        next: expect.not.arrayContaining(['promote']) as string[],
      });
      outcomes.push((await act(slug, 'POST /open/promote')).code);
    }
    expect(new Set(outcomes)).toEqual(new Set(['key_unproven']));
    const spent = await act(slug, 'POST /open/test', { spend: true, model: 'any-model' });
    expect((spent.body['test'] as { verdict: string }).verdict).toBe('restricted');
    expect(await servingFingerprints(slug)).toEqual(new Set([before]));
  });

  it('and no caller has seen an error in all of it', () => {
    expect(failed).toBe(0);
    tellFigure(
      promise,
      `0 of ${calls} calls failed and 0 of 2 unproven keys were promoted; the one that spread late was, once a call was answered with it`,
    );
  });
});
