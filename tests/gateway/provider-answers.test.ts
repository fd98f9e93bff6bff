import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { gatewayAndProvider, providerKey } from '../support/gateway-and-provider.ts';
import { startKeyward } from '../support/running-keyward.ts';
import { redirectTo, refusals } from '../support/stand-in-behaviour.ts';
import { json, page } from '../support/stand-in-wires.ts';
import { startStandInProvider } from '../support/stand-in-provider.ts';

const room = gatewayAndProvider();
afterEach(async () => {
  room.provider.setKeys([providerKey]);
  // A key that is refused several times in a row would be left alone.
  room.provider.behave({});
  await (await room.keyward.chat()).text();
});

/** Lets the provider of that slug be reached at an address, with the key in the database. */
async function reachAt(slug: string, baseUrl: string): Promise<void> {
  await room.keyward.setProvider(slug, {
    base_url: baseUrl,
    api_key_source: 'database',
    encrypted_api_key: room.keyward.encrypt(providerKey),
  });
}

/** A provider that the registry does not know. */
async function addOther(): Promise<void> {
  await room.keyward.sql(
    `INSERT INTO llm_providers (provider_name, provider_slug, display_name, base_url)
     VALUES ('some-other', 'some-other', 'Other', '') ON CONFLICT DO NOTHING`,
  );
}

/** The value of the counter of the stand-in's provider whose line holds the text; 0 where there is none. */
async function counted(text: string): Promise<number> {
  const metrics = await (await fetch(`${room.keyward.server.url}/metrics`)).text();
  const line = metrics.split('\n').find((line) => line.includes(text) && line.includes('"openrouter"'));
  return Number(line?.split(' ').at(-1) ?? 0);
}

describe('a provider that refuses our key', () => {
  test('is 502 provider_key_rejected, never a 401, and nothing of its words', async () => {
    room.provider.revoke(providerKey);
    const response = await room.keyward.chat();
    expect(response.status).toBe(502);
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({
      error: {
        message: expect.stringMatching(
          /"openrouter" refused the key of this gateway.*keyward keys test openrouter/,
        ) as string,
        type: 'api_error',
        param: null,
        code: 'provider_key_rejected',
      },
    });
    expect(text).not.toContain('User not found');
    expect(response.headers.get('www-authenticate')).toBeNull();
    expect(response.headers.get('x-keyward-key-fingerprint')).toMatch(/^fp_/);
  });

  test.each([
    ['openai', 401],
    ['anthropic', 401],
    ['google', 400],
    ['xai', 400],
    ['perplexity', 401],
    ['some-other', 401],
  ])('is the same where %s says it with a %i', async (slug, status) => {
    const provider = await startStandInProvider({ slug, keys: [] });
    await addOther();
    await reachAt(slug, provider.baseUrl);
    const direct = await fetch(`${provider.baseUrl}/chat/completions`, { method: 'POST', body: '{}' });
    expect(direct.status).toBe(status);
    const response = await room.keyward.chat({ model: `${slug}/m`, messages: [] });
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ error: { code: 'provider_key_rejected' } });
    await provider.close();
  });

  test('in a stream is the same', async () => {
    room.provider.revoke(providerKey);
    const asked = room.keyward
      .client()
      .chat.completions.create({ model: 'openrouter/m', messages: [], stream: true });
    await expect(asked).rejects.toMatchObject({ status: 502, code: 'provider_key_rejected' });
  });

  test('is the same where the 401 is no proof against the key: the caller is not to blame for it', async () => {
    const provider = await startStandInProvider({ slug: 'openai', keys: [providerKey] });
    provider.setStanding(providerKey, 'restricted');
    await reachAt('openai', provider.baseUrl);
    const response = await room.keyward.chat({ model: 'openai/m', messages: [] });
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ error: { code: 'provider_key_rejected' } });
    await provider.close();
  });

  test('makes the gateway look at the database at once, for a key that is newer than it knows', async () => {
    const keyward = await startKeyward({
      env: {
        OPENROUTER_BASE_URL: room.provider.baseUrl,
        SNAPSHOT_POLL_MS: '3600000',
        OPENROUTER_API_KEY: providerKey,
      },
    });
    const before = keyward.server.installation.database.queriesSent();
    room.provider.revoke(providerKey);
    await keyward.chat();
    await expect.poll(() => keyward.server.installation.database.queriesSent()).toBeGreaterThan(before);
    await keyward.stop();
  });

  test('is counted as the 502 that the caller got, and as a rejection', async () => {
    room.provider.revoke(providerKey);
    const before = await counted('status="502"');
    await room.keyward.chat();
    expect(await counted('status="502"')).toBe(before + 1);
    expect(await counted('status="401"')).toBe(0);
    expect(await counted('keyward_provider_key_rejections_total')).toBeGreaterThan(0);
  });
});

test.each([
  ['rateLimited', 'rate_limited'],
  ['paymentRequired', 'out_of_credit'],
  ['serverError', 'unreachable'],
] as const)('%s is counted among the errors of the provider as %s', async (name, verdict) => {
  const errors = `keyward_provider_errors_total{provider="openrouter",verdict="${verdict}"}`;
  const before = await counted(errors);
  room.provider.behave({ answer: refusals[name] });
  await room.keyward.chat();
  expect(await counted(errors)).toBeGreaterThan(before);
});

describe("a provider's own error passes through:", () => {
  test.each([
    ['rateLimited', 429, 'application/json'],
    ['paymentRequired', 402, 'application/json'],
    ['serverError', 500, 'application/json'],
    ['overloaded', 529, 'application/json'],
    ['badGatewayPage', 502, 'text/html'],
  ] as const)('%s with status %i', async (name, status, type) => {
    room.provider.behave({ answer: refusals[name] });
    const response = await room.keyward.chat();
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe(type);
    expect(await response.text()).toBe(refusals[name].body);
  });

  test.each([
    ['a wrong request', json(400, { error: { message: 'max_tokens is too large', param: 'max_tokens' } })],
    ['an unknown model', json(404, { error: { message: 'No such model' } })],
    ['a moderated text', json(403, { error: { message: 'Flagged by moderation', code: 403 } })],
    ['a text that is no text', { status: 422, body: '\u0000\u0001', contentType: 'application/x' }],
    ['nothing at all', { status: 503, body: '' }],
  ])('%s', async (_what, answer) => {
    room.provider.behave({ answer });
    const response = await room.keyward.chat();
    expect(response.status).toBe(answer.status);
    expect(await response.text()).toBe(answer.body);
    expect(response.headers.get('content-length')).toBe(String(answer.body.length));
  });

  test('with its hint when to come back', async () => {
    room.provider.behave({ answer: refusals.rateLimited });
    expect((await room.keyward.chat()).headers.get('retry-after')).toBe('7');
  });

  test('in answer to a stream, as an error and not as a stream', async () => {
    room.provider.behave({ answer: refusals.overloaded });
    const response = await room.keyward.chat({ model: 'openrouter/m', messages: [], stream: true });
    expect([response.status, await response.text()]).toEqual([529, refusals.overloaded.body]);
  });
});

describe('our key in the words of a provider', () => {
  test.each([
    ['as it is', refusals.keyEchoed],
    ['in an error page', page(500, 'Cannot use {key}')],
    ['in base64', json(400, { error: { message: Buffer.from(`user:${providerKey}`).toString('base64') } })],
    [
      'in a URL',
      json(404, { error: { message: `No such page: /v1?key=${encodeURIComponent(providerKey)}` } }),
    ],
    ['cut', json(400, { error: { message: `Bad key ${providerKey.slice(0, 40)}` } })],
  ])('is taken out when it stands there %s', async (_how, answer) => {
    room.provider.behave({ answer });
    const response = await room.keyward.chat();
    const text = await response.text();
    expect(response.status).toBe(answer.status);
    expect(text).toContain('[redacted]');
    expect(text).not.toContain(providerKey.slice(0, 40));
    expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
  });

  test('never stands in the log either', async () => {
    room.provider.behave({ answer: json(401, { error: { message: 'Bad key {key}' } }) });
    await room.keyward.chat();
    expect(room.keyward.logLines.length).toBeGreaterThan(0);
    expect(room.keyward.logLines.join('')).not.toContain(providerKey);
  });
});

describe('an answer that cannot be looked into', () => {
  test('is not relayed when it is compressed against our wish', async () => {
    room.provider.behave({ answer: refusals.keyEchoed, headers: { 'content-encoding': 'gzip' } });
    const response = await room.keyward.chat();
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ error: { code: 'provider_error' } });
  });

  test('is not relayed when it is beyond all size', async () => {
    room.provider.behave({ answer: { status: 500, body: `${'x'.repeat(300_000)}{key}` } });
    const response = await room.keyward.chat();
    expect(response.status).toBe(502);
    expect((await response.text()).length).toBeLessThan(1000);
  });
});

test('a 403 says nothing for certain about the key of an endpoint that nobody knows, and passes through', async () => {
  const provider = await startStandInProvider({ slug: 'some-other', keys: [providerKey] });
  await addOther();
  await reachAt('some-other', provider.baseUrl);
  provider.behave({ answer: json(403, { error: { message: 'Not for you' } }) });
  const response = await room.keyward.chat({ model: 'some-other/m', messages: [] });
  expect([response.status, await response.text()]).toEqual([403, '{"error":{"message":"Not for you"}}']);
  await provider.close();
});

test('a redirect is not followed, and its target is told to nobody', async () => {
  let visits = 0;
  const trap = createServer((_request, response) => {
    visits += 1;
    response.end();
  }).listen(0, '127.0.0.1');
  await expect.poll(() => trap.listening).toBe(true);
  room.provider.behave({ answer: redirectTo(`http://127.0.0.1:${(trap.address() as AddressInfo).port}/`) });
  const response = await room.keyward.chat(undefined, { redirect: 'manual' });
  expect(response.status).toBe(502);
  expect(response.headers.get('location')).toBeNull();
  expect(await response.json()).toMatchObject({ error: { code: 'provider_error' } });
  expect(visits).toBe(0);
  trap.close();
});

describe('a provider that does not answer', () => {
  const ask = { model: 'groq/m', messages: [] };

  test('since nobody listens there, is 502', async () => {
    const gone = createTcpServer().listen(0, '127.0.0.1');
    await expect.poll(() => gone.listening).toBe(true);
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    await reachAt('groq', `http://127.0.0.1:${port}/v1`);
    const response = await room.keyward.chat(ask);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({
      error: { code: 'provider_unreachable', type: 'api_error' },
    });
    expect(response.headers.get('x-keyward-provider')).toBe('groq');
  });

  test('since its name leads nowhere, is 502', async () => {
    await reachAt('groq', 'https://provider.invalid/v1');
    const response = await room.keyward.chat(ask);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ error: { code: 'provider_unreachable' } });
  });

  test('in time, is 504', async () => {
    room.provider.behave({ insteadOfHeaders: 'stall' });
    const keyward = await startKeyward({
      env: {
        GROQ_API_KEY: providerKey,
        GROQ_BASE_URL: room.provider.baseUrl,
        UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '100',
      },
    });
    const response = await keyward.chat(ask);
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({
      error: { code: 'provider_first_byte_timeout', type: 'api_error' },
    });
    await keyward.stop();
  });

  test('by TLS, where it should, is 502', async () => {
    await reachAt('groq', room.provider.baseUrl.replace('http:', 'https:'));
    expect((await room.keyward.chat(ask)).status).toBe(502);
  });

  test('over anything but TLS and loopback, is set aside, and no key is sent', async () => {
    await reachAt('groq', 'http://provider.invalid/v1');
    const response = await room.keyward.chat(ask);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      error: {
        code: 'provider_unusable',
        message: expect.stringContaining('base_url is not https') as string,
      },
    });
  });
});
