import { afterEach, describe, expect, test } from 'vitest';
import { Secret } from '../../src/foundation/secret.ts';
import { classifyAnswer } from '../../src/providers/classify-answer.ts';
import { knownProviders, providerEntry } from '../../src/providers/registry.ts';
import { testRequest, testUrl } from '../../src/providers/test-request.ts';
import { type StandInProvider, startStandInProvider } from '../support/stand-in-provider.ts';

const goodKey = ['fake', 'key', '1'].join('-');
const badKey = ['fake', 'key', '2'].join('-');

const slugs = [...knownProviders.map((entry) => entry.slug), 'some-other'];

let standIn: StandInProvider;
afterEach(async () => standIn?.close());

/** Sends the test call of the entry as it stands and classifies what comes back. */
async function verdictFor(slug: string, key: string, baseUrl = standIn.baseUrl): Promise<string> {
  const entry = providerEntry(slug);
  const { method, url, headers, body } = testRequest(entry, baseUrl, new Secret(key));
  const answer = await fetch(url, { method, headers, redirect: 'manual', body: body ?? null });
  return classifyAnswer(entry, { status: answer.status, body: await answer.text() }).verdict;
}

describe.each(slugs)('the test call of %s, against its stand-in', (slug) => {
  test('proves a good key and a bad one', async () => {
    standIn = await startStandInProvider({ slug, keys: [goodKey] });
    expect(await verdictFor(slug, goodKey)).toBe('valid');
    expect(await verdictFor(slug, badKey)).toBe('invalid');
  });

  test('works under any path and with a slash at the end', async () => {
    standIn = await startStandInProvider({ slug, keys: [goodKey] });
    const path = new URL(standIn.baseUrl).pathname.replace(/\/$/, '');
    const bases = [`/some/where${path}`, `/some/where${path}/`, '/some/where', '/'];
    for (const base of bases) {
      expect(await verdictFor(slug, goodKey, standIn.origin + base)).toBe('valid');
    }
  });

  test('never carries the key in the URL', () => {
    expect(testUrl(providerEntry(slug), 'https://example.invalid/v1')).not.toContain('key=');
  });
});

describe('keys that are neither good nor dead', () => {
  test.each([
    ['google', 'leaked', 'compromised'],
    ['google', 'restricted', 'restricted'],
    ['openai', 'restricted', 'restricted'],
    ['openai', 'out_of_credit', 'out_of_credit'],
    ['anthropic', 'restricted', 'restricted'],
    ['anthropic', 'out_of_credit', 'out_of_credit'],
    ['openrouter', 'out_of_credit', 'out_of_credit'],
    ['openrouter', 'management', 'restricted'],
    ['together', 'out_of_credit', 'out_of_credit'],
    ['groq', 'restricted', 'restricted'],
    ['xai', 'restricted', 'restricted'],
    ['xai', 'out_of_credit', 'out_of_credit'],
    ['deepseek', 'out_of_credit', 'out_of_credit'],
  ] as const)('%s: %s → %s', async (slug, standing, verdict) => {
    standIn = await startStandInProvider({ slug, keys: [] });
    standIn.setStanding(goodKey, standing);
    expect(await verdictFor(slug, goodKey)).toBe(verdict);
  });
});

test.each([
  ['openai', 'https://api.openai.com/v1/models'],
  ['anthropic', 'https://api.anthropic.com/v1/models?limit=1000'],
  ['google', 'https://generativelanguage.googleapis.com/v1beta/models?pageSize=1'],
  ['openrouter', 'https://openrouter.ai/api/v1/key'],
  ['together', 'https://api.together.xyz/v1/models'],
  ['groq', 'https://api.groq.com/openai/v1/models'],
  ['fireworks', 'https://api.fireworks.ai/inference/v1/models'],
  ['mistral', 'https://api.mistral.ai/v1/models'],
  ['xai', 'https://api.x.ai/v1/api-key'],
  ['deepseek', 'https://api.deepseek.com/user/balance'],
  ['perplexity', 'https://api.perplexity.ai/v1/models'],
  ['cohere', 'https://api.cohere.ai/v1/check-api-key'],
])('the test call of %s goes to %s', (slug, url) => {
  const entry = providerEntry(slug);
  expect(testUrl(entry, entry.baseUrl ?? '')).toBe(url);
});

test('a slash at the end of a base URL is not doubled', () => {
  expect(testUrl(providerEntry('openai'), 'http://127.0.0.1:9/v1/')).toBe('http://127.0.0.1:9/v1/models');
  expect(testUrl(providerEntry('cohere'), 'http://127.0.0.1:9//')).toBe(
    'http://127.0.0.1:9/v1/check-api-key',
  );
});

test('a base URL of DeepSeek without its /v1 leads to the same balance', () => {
  expect(testUrl(providerEntry('deepseek'), 'https://api.deepseek.com')).toBe(
    'https://api.deepseek.com/user/balance',
  );
});
