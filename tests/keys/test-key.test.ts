/** The test of a key: the verdict that each provider's answer means, no step after a redirect, no secret in any word. */
import dns from 'node:dns';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Secret } from '../../src/foundation/secret.ts';
import {
  KeyTestCancelled,
  testKey,
  type KeyTestResult,
  type TestedUpstream,
} from '../../src/keys/test-key.ts';
import { noFacts } from '../../src/providers/key-facts.ts';
import { providerEntry } from '../../src/providers/registry.ts';
import { redirectTo, refusals, type Behaviour } from '../support/stand-in-behaviour.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';
import type { Standing } from '../support/stand-in-wires.ts';

const text = ['planted', 'key', 'x'.repeat(24), '6e6e'].join('-');
const key = new Secret(text);

const at = (baseUrl: string): TestedUpstream => ({ baseUrl, allowPrivateNetwork: false, headers: {} });

const standIns: StandInProvider[] = [];
const servers: Server[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(standIns.splice(0).map(async (standIn) => standIn.close()));
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function standIn(
  slug: string,
  standing: Standing = 'good',
  behaviour: Behaviour = {},
): Promise<StandInProvider> {
  const started = await startStandInProvider({ slug, keys: [] });
  started.setStanding(text, standing);
  started.behave(behaviour);
  standIns.push(started);
  return started;
}

async function verdictOf(
  slug: string,
  standing: Standing,
  behaviour: Behaviour = {},
): Promise<KeyTestResult> {
  const { baseUrl } = await standIn(slug, standing, behaviour);
  return testKey(providerEntry(slug), at(baseUrl), key);
}

async function plainServer(handle: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(handle).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

const slugs = [
  'openai',
  'anthropic',
  'google',
  'openrouter',
  'together',
  'groq',
  'fireworks',
  'mistral',
  'xai',
  'deepseek',
  'perplexity',
  'cohere',
  'some-endpoint-of-our-own',
];

describe('the verdict', () => {
  it.each(slugs)('%s: a good key is valid, by a call that is no chat', async (slug) => {
    const { baseUrl, requests } = await standIn(slug);
    const before = Date.now();
    const result = await testKey(providerEntry(slug), at(baseUrl), key);
    expect(result).toMatchObject({ verdict: 'valid', httpStatus: 200 });
    expect(result.testedAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(result.responseTimeMs).toBeGreaterThanOrEqual(0);
    expect(requests).toHaveLength(1);
    expect(requests[0]?.path).not.toContain('chat');
    expect(requests[0]?.path).not.toContain(text);
  });

  it.each(slugs)('%s: a key that it does not know is invalid', async (slug) => {
    expect(await verdictOf(slug, 'unknown')).toMatchObject({ verdict: 'invalid' });
  });

  it.each([
    ['openai', 'restricted', 'restricted'],
    ['openai', 'out_of_credit', 'out_of_credit'],
    ['anthropic', 'restricted', 'restricted'],
    ['anthropic', 'out_of_credit', 'out_of_credit'],
    ['google', 'leaked', 'compromised'],
    ['google', 'restricted', 'restricted'],
    ['openrouter', 'management', 'restricted'],
    ['openrouter', 'out_of_credit', 'out_of_credit'],
    ['xai', 'restricted', 'restricted'],
    ['xai', 'out_of_credit', 'out_of_credit'],
    ['deepseek', 'out_of_credit', 'out_of_credit'],
    ['together', 'out_of_credit', 'out_of_credit'],
  ] as const)('%s: a key that is %s there is %s', async (slug, standing, verdict) => {
    expect(await verdictOf(slug, standing)).toMatchObject({ verdict });
  });

  it.each([
    ['a 429', { answer: refusals.rateLimited }, 'rate_limited'],
    ['a 500', { answer: refusals.serverError }, 'unreachable'],
    ['a 529', { answer: refusals.overloaded }, 'unreachable'],
    ['a page of a proxy', { answer: refusals.badGatewayPage }, 'unreachable'],
    [
      'a page with a 200',
      { answer: { status: 200, contentType: 'text/html', body: '<html>Welcome</html>' } },
      'unknown',
    ],
    [
      'a page with a 401',
      { answer: { status: 401, contentType: 'text/html', body: '<html>Log in</html>' } },
      'unknown',
    ],
    ['an empty 200', { answer: { status: 200, body: '' } }, 'unknown'],
    ['a connection that is reset', { insteadOfHeaders: 'reset' }, 'unreachable'],
    ['a connection that is closed', { insteadOfHeaders: 'close' }, 'unreachable'],
    ['an answer that breaks off', { cut: { afterBytes: 10, ending: 'reset' } }, 'unreachable'],
  ] as const)('on %s is no proof, neither for nor against the key', async (_what, behaviour, verdict) => {
    for (const slug of ['groq', 'openrouter', 'google'])
      expect(await verdictOf(slug, 'good', behaviour)).toMatchObject({ verdict });
  });
});

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])(
    '(%d) is not followed, so the key stays where it was sent',
    async (status) => {
      const elsewhere = await standIn('groq');
      const { baseUrl } = await standIn('groq', 'good', {
        answer: { ...redirectTo(`${elsewhere.baseUrl}/models`), status },
      });
      const result = await testKey(providerEntry('groq'), at(baseUrl), key);
      expect(result).toMatchObject({ verdict: 'unknown', httpStatus: status });
      expect(elsewhere.requests).toEqual([]);
    },
  );
});

describe('an address that may not be called', () => {
  /** The system's resolver answers from the network; here it answers this. */
  const resolveTo = (address: string): void => {
    vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: object, callback: unknown) =>
      (callback as (error: null, found: object[]) => void)(null, [
        { address, family: 4 },
      ])) as typeof dns.lookup);
  };

  it('behind a name is not connected to, and the result says where the name led', async () => {
    resolveTo('10.0.0.7');
    const result = await testKey(providerEntry('groq'), at('https://planted.example/v1'), key);
    expect(result).toMatchObject({ verdict: 'unreachable', httpStatus: null });
    expect(result.message).toContain(
      'planted.example resolves to 10.0.0.7, which leads to a private network',
    );
    expect(result.advice).toContain('The key was not sent.');
  });

  it('is connected to with the permission of the provider, but cloud metadata never', async () => {
    const { baseUrl, requests } = await standIn('groq');
    const named = { ...at(baseUrl.replace('127.0.0.1', 'planted.example')), allowPrivateNetwork: true };
    resolveTo('127.0.0.1');
    expect(await testKey(providerEntry('groq'), named, key)).toMatchObject({ verdict: 'valid' });
    resolveTo('169.254.169.254');
    expect(await testKey(providerEntry('groq'), named, key)).toMatchObject({ verdict: 'unreachable' });
    expect(requests).toHaveLength(1);
  });
});

it('sends the headers of the provider along, which change nothing of the call itself', async () => {
  const { baseUrl, requests } = await standIn('anthropic');
  const headers = { 'x-extra': 'yes', 'anthropic-version': 'planted', accept: 'text/html' };
  const result = await testKey(providerEntry('anthropic'), { ...at(baseUrl), headers }, key);
  expect(result.verdict).toBe('valid');
  expect(requests[0]?.headers).toMatchObject({
    'x-extra': 'yes',
    'anthropic-version': '2023-06-01',
    accept: 'application/json',
    'x-api-key': text,
  });
});

describe('a provider that cannot be reached', () => {
  it('because nobody is there, is unreachable, and the message says why', async () => {
    const result = await testKey(providerEntry('groq'), at('http://127.0.0.1:1/v1'), key);
    expect(result).toMatchObject({ verdict: 'unreachable', httpStatus: null });
    expect(result.message).toMatch(/^The provider could not be asked: .*ECONNREFUSED.*\.$/);
  });

  it('because its name leads nowhere, is unreachable', async () => {
    const result = await testKey(providerEntry('groq'), at('https://nowhere.invalid/v1'), key);
    expect(result.message).toMatch(/ENOTFOUND|EAI_AGAIN/);
  });

  it('because it says nothing, is given up after ten seconds, or after the limit that was set', async () => {
    const limits = vi.spyOn(AbortSignal, 'timeout');
    await verdictOf('groq', 'good');
    expect(limits).toHaveBeenLastCalledWith(10_000);
    const { baseUrl } = await standIn('groq', 'good', { insteadOfHeaders: 'stall' });
    const result = await testKey(providerEntry('groq'), at(baseUrl), key, { timeoutMs: 100 });
    expect(result).toMatchObject({ verdict: 'unreachable', code: 'timeout', httpStatus: null });
    expect(result.message).toBe('The provider could not be asked: no answer within 0.1 s.');
  });

  it('because it stops in the middle of its answer, is given up just so', async () => {
    const { baseUrl } = await standIn('groq', 'good', { cut: { afterBytes: 10, ending: 'stall' } });
    const result = await testKey(providerEntry('groq'), at(baseUrl), key, { timeoutMs: 100 });
    expect(result).toMatchObject({ verdict: 'unreachable', code: 'timeout', httpStatus: null });
    expect(result).toMatchObject({ modelsAvailable: null, facts: noFacts });
  });
});

describe('a caller who leaves', () => {
  it('gets no result that could be recorded, and the provider is not kept waiting', async () => {
    const provider = await standIn('groq', 'good', { insteadOfHeaders: 'stall' });
    const leaves = new AbortController();
    const testing = testKey(providerEntry('groq'), at(provider.baseUrl), key, { signal: leaves.signal });
    await provider.waitForStall();
    leaves.abort(new Error('the caller left'));
    const failure: unknown = await testing.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(KeyTestCancelled);
    expect(failure).toMatchObject({ name: 'AbortError', cause: { message: 'the caller left' } });
    await provider.waitForDisconnect();
  });

  it('in the middle of the answer gets none either', async () => {
    const provider = await standIn('groq', 'good', { cut: { afterBytes: 10, ending: 'stall' } });
    const leaves = new AbortController();
    const testing = testKey(providerEntry('groq'), at(provider.baseUrl), key, { signal: leaves.signal });
    await provider.waitForStall();
    leaves.abort();
    await expect(testing).rejects.toBeInstanceOf(KeyTestCancelled);
  });

  it('before the test began causes no request', async () => {
    const provider = await standIn('groq');
    const signal = AbortSignal.abort();
    const testing = testKey(providerEntry('groq'), at(provider.baseUrl), key, { signal });
    await expect(testing).rejects.toBeInstanceOf(KeyTestCancelled);
    expect(provider.requests).toEqual([]);
  });

  it('after the result changes nothing of it', async () => {
    const { baseUrl } = await standIn('groq');
    const leaves = new AbortController();
    const result = await testKey(providerEntry('groq'), at(baseUrl), key, { signal: leaves.signal });
    leaves.abort();
    expect(result.verdict).toBe('valid');
  });
});

describe('the result', () => {
  it('tells what the provider tells for free', async () => {
    expect(await verdictOf('openrouter', 'good')).toMatchObject({
      modelsAvailable: null,
      // OpenRouter calls a key by its mask where nobody gave it a name.
      facts: { ...noFacts, name: 'sk-or-v1-…890', limitUsd: 100, remainingUsd: 74.5, usageUsd: 25.5 },
    });
    expect(await verdictOf('groq', 'good')).toMatchObject({ modelsAvailable: 1, facts: noFacts, code: null });
  });

  it('tells of a spent key what it has spent', async () => {
    const { verdict, facts } = await verdictOf('openrouter', 'out_of_credit');
    expect(verdict).toBe('out_of_credit');
    expect(facts).toMatchObject({ limitUsd: 100, remainingUsd: 0, usageUsd: 100 });
  });

  it('carries the code that was decided by', async () => {
    expect(await verdictOf('openai', 'unknown')).toMatchObject({ code: 'invalid_api_key' });
    expect(await verdictOf('openrouter', 'management')).toMatchObject({ code: 'management_key' });
  });

  it('says of an administrator key that it must not be stored, and of no other', async () => {
    const management = await verdictOf('openrouter', 'management');
    expect(management).toMatchObject({ verdict: 'restricted', unfit: true });
    expect(management.message).toContain('management key');
    for (const standing of ['good', 'unknown', 'out_of_credit'] as const)
      expect(await verdictOf('openrouter', standing)).toMatchObject({ unfit: false });
  });

  it('carries no code that is the key itself, though it be nothing but letters', async () => {
    const word = 'abcdefghijklmnopqrstuvwxyz';
    const started = await startStandInProvider({ slug: 'groq', keys: [] });
    standIns.push(started);
    started.behave({ answer: { status: 401, body: JSON.stringify({ error: { code: '{key}' } }) } });
    const result = await testKey(providerEntry('groq'), at(started.baseUrl), new Secret(word));
    expect(inspect(result, { depth: Infinity })).not.toContain(word);
  });

  it('stands on a connection of its own: what the last test left open is not used', async () => {
    const { baseUrl, requests } = await standIn('groq');
    await testKey(providerEntry('groq'), at(baseUrl), key);
    await testKey(providerEntry('groq'), at(baseUrl), key);
    expect(requests.map(({ headers }) => headers.connection)).toEqual(['close', 'close']);
  });
});

describe('whatever a provider says', () => {
  it('the key that it echoes is not repeated', async () => {
    for (const status of [200, 400, 401, 403, 429, 500]) {
      const result = await verdictOf('groq', 'good', {
        answer: {
          status,
          body: JSON.stringify({ error: { message: `bad key {key}`, code: '{key}', type: '{key}' } }),
        },
      });
      expect(inspect(result, { depth: Infinity })).not.toContain('6e6e');
    }
  });

  it('a header of its own that names the key does no harm either', async () => {
    const result = await verdictOf('groq', 'unknown', {
      headers: { 'x-echo': text, location: `/?key=${text}` },
    });
    expect(inspect(result, { depth: Infinity })).not.toContain('6e6e');
  });

  it('an answer without end is not read to the end', async () => {
    let sent = 0;
    const baseUrl = await plainServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(64 * 1024))) sent += 64 * 1024;
      };
      response.on('drain', more);
      more();
    });
    const result = await testKey(providerEntry('groq'), at(baseUrl), key);
    expect(result.verdict).toBe('unknown');
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });
});
