import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import OpenAI from 'openai';
import { afterEach, describe, expect, test } from 'vitest';
import { type Behaviour, redirectTo, refusals } from './stand-in-behaviour.ts';
import { type StandInOptions, type StandInProvider, startStandInProvider } from './stand-in-provider.ts';

const goodKey = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
const badKey = ['sk', 'or', 'v1', 'bad0'.repeat(16)].join('-');

let standIn: StandInProvider;
afterEach(() => standIn.close());

async function start(
  options: Partial<StandInOptions> = {},
  behaviour: Behaviour = {},
): Promise<StandInProvider> {
  standIn = await startStandInProvider({ keys: [goodKey], ...options });
  standIn.behave(behaviour);
  return standIn;
}

const client = (apiKey = goodKey, baseURL = standIn.baseUrl) =>
  new OpenAI({ apiKey, baseURL, maxRetries: 0 });

const messages = [{ role: 'user' as const, content: 'Grüß Gott, 世界! 🙂' }];

const chat = (openai = client()) => openai.chat.completions.create({ model: 'some/model', messages });

async function streamText(openai = client()): Promise<string> {
  const stream = await openai.chat.completions.create({ model: 'some/model', messages, stream: true });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  return text;
}

/** How a promise failed, without failing the test before anybody looks. */
const failureOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it did not fail',
    (error: unknown) => String(error),
  );

const post = (init: RequestInit = {}) =>
  fetch(`${standIn.baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${goodKey}` },
    body: JSON.stringify({ model: 'm', messages }),
    ...init,
  });

describe('a well-behaved stand-in, asked by the official SDK', () => {
  test('says the last user message again', async () => {
    await start();
    const completion = await chat();
    expect(completion).toMatchObject({ object: 'chat.completion', model: 'some/model' });
    expect(completion.choices[0]?.message.content).toBe(messages[0]?.content);
    expect(completion.usage?.total_tokens).toBeGreaterThan(0);
  });

  test('streams the same, with its usage where asked', async () => {
    await start();
    expect(await streamText()).toBe(messages[0]?.content);
    const options = { stream: true as const, stream_options: { include_usage: true } };
    const stream = await client().chat.completions.create({ model: 'm', messages, ...options });
    let tokens = 0;
    for await (const chunk of stream) tokens += chunk.usage?.completion_tokens ?? 0;
    expect(tokens).toBeGreaterThan(0);
  });

  test('answers under any path that ends rightly', async () => {
    await start();
    const completion = await chat(client(goodKey, `${standIn.origin}/some/where/v7`));
    expect(completion.choices[0]?.finish_reason).toBe('stop');
  });

  test('records method, path, headers and body to the byte', async () => {
    await start();
    const body = '{ "model":"m",  "messages": [] , "unknown" : 1e3 }';
    await post({ body });
    const recorded = await standIn.waitForRequest(1);
    expect(recorded).toMatchObject({ method: 'POST', path: '/api/v1/chat/completions' });
    expect(recorded.headers.authorization).toBe(`Bearer ${goodKey}`);
    expect(recorded.body.equals(Buffer.from(body))).toBe(true);
  });

  test('streams a reply of the wished length', async () => {
    await start({}, { chunks: 500, chunkChars: 64, reply: 'lorem ' });
    expect(await streamText()).toHaveLength(500 * 64);
  });
});

describe('keys', () => {
  test.each([
    ['openrouter', 401, 'User not found.'],
    ['openai', 401, 'Incorrect API key provided'],
    ['anthropic', 401, 'invalid x-api-key'],
    ['google', 400, 'API key not valid'],
    ['xai', 400, 'Incorrect API key provided'],
    ['perplexity', 401, 'invalid_api_key'],
    ['some-other', 401, 'Incorrect API key provided'],
  ])('an unknown one is refused as %s does', async (slug, status, words) => {
    await start({ slug });
    const answer = await post({ headers: { authorization: `Bearer ${badKey}` } });
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(words);
  });

  test('can be revoked and set while it runs', async () => {
    await start();
    standIn.revoke(goodKey);
    await expect(chat()).rejects.toMatchObject({ status: 401 });
    standIn.setKeys([badKey]);
    await expect(chat(client(badKey))).resolves.toBeDefined();
  });

  test('without credit are refused as the provider does', async () => {
    await start();
    standIn.setStanding(goodKey, 'out_of_credit');
    await expect(chat()).rejects.toMatchObject({ status: 402 });
  });
});

describe('errors on demand', () => {
  test.each([
    ['rateLimited', 429],
    ['paymentRequired', 402],
    ['serverError', 500],
    ['overloaded', 529],
    ['badGatewayPage', 502],
  ] as const)('%s answers %i', async (name, status) => {
    await start({}, { answer: refusals[name] });
    await expect(chat()).rejects.toMatchObject({ status });
  });

  test('a rate limit says when to come back', async () => {
    await start({}, { answer: refusals.rateLimited });
    expect((await post()).headers.get('retry-after')).toBe('7');
  });

  test('an error can echo the key', async () => {
    await start({}, { answer: refusals.keyEchoed });
    expect(await (await post()).text()).toContain(goodKey);
  });

  test('a redirect leads to another host', async () => {
    await start({}, { answer: redirectTo('http://other.invalid/') });
    const answer = await post({ redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([307, 'http://other.invalid/']);
  });

  test('a behaviour holds for as many requests as wished, and only for what it is meant for', async () => {
    await start({}, { answer: refusals.serverError, requests: 1, on: 'chat' });
    const headers = { authorization: `Bearer ${goodKey}` };
    expect((await fetch(`${standIn.baseUrl}/key`, { headers })).status).toBe(200);
    expect((await post()).status).toBe(500);
    expect((await post()).status).toBe(200);
  });

  test('extra headers are sent along', async () => {
    await start({}, { headers: { 'x-extra': 'yes' } });
    expect((await post()).headers.get('x-extra')).toBe('yes');
  });
});

describe('compression', () => {
  test('is used only where asked for and accepted', async () => {
    await start();
    expect((await post()).headers.get('content-encoding')).toBeNull();
    standIn.behave({ gzip: true });
    const zipped = await post();
    expect(zipped.headers.get('content-encoding')).toBe('gzip');
    expect(await zipped.json()).toMatchObject({ object: 'chat.completion' });
    const headers = { authorization: `Bearer ${goodKey}`, 'accept-encoding': 'identity' };
    expect((await post({ headers })).headers.get('content-encoding')).toBeNull();
  });

  test('of a request is refused', async () => {
    await start();
    const headers = { authorization: `Bearer ${goodKey}`, 'content-encoding': 'gzip' };
    expect((await post({ headers })).status).toBe(415);
  });
});

describe('connections that go wrong', () => {
  test.each(['reset', 'close'] as const)('%s in the place of the headers', async (insteadOfHeaders) => {
    await start({}, { insteadOfHeaders });
    await expect(chat()).rejects.toThrow('Connection error');
  });

  test.each(['reset', 'close'] as const)(
    '%s in the middle of a body leaves it short of its length',
    async (ending) => {
      await start({}, { cut: { afterBytes: 20, ending } });
      const answer = await post();
      expect(Number(answer.headers.get('content-length'))).toBeGreaterThan(20);
      await expect(answer.text()).rejects.toThrow('terminated');
    },
  );

  test.each(['reset', 'close'] as const)('%s in the middle of a stream breaks it off', async (ending) => {
    await start({}, { chunks: 100, cut: { afterBytes: 5000, ending } });
    await expect(streamText()).rejects.toThrow('terminated');
  });

  test('a stream can end properly but too early, or without its [DONE]', async () => {
    await start({}, { chunks: 100, cut: { afterBytes: 5000, ending: 'end' } });
    const body = JSON.stringify({ model: 'm', messages, stream: true });
    expect((await (await post({ body })).arrayBuffer()).byteLength).toBe(5000);
    standIn.behave({ withoutDone: true });
    expect(await (await post({ body })).text()).toMatch(/"finish_reason":"stop"[^]*\n\n$/);
  });

  test('a stall lasts until it is released, and then not a byte is missing', async () => {
    await start();
    const body = JSON.stringify({ model: 'm', messages, stream: true });
    const even = await (await post({ body })).text();
    standIn.behave({ cut: { afterBytes: 333, ending: 'stall' } });
    const text = post({ body }).then((answer) => answer.text());
    await standIn.waitForStall();
    standIn.release('rest');
    expect((await text).replaceAll('stand-in-2', 'stand-in-1')).toBe(even);
  });

  test('a stall in the place of the headers can end in a reset', async () => {
    await start({}, { insteadOfHeaders: 'stall' });
    const outcome = failureOf(chat());
    await standIn.waitForStall();
    standIn.release('reset');
    expect(await outcome).toContain('Connection error');
  });

  test('odd borders between writes change no byte of a stream', async () => {
    await start();
    const body = JSON.stringify({ model: 'm', messages, stream: true });
    const even = await (await post({ body })).text();
    standIn.behave({ writeBytes: [1, 7, 3] });
    const odd = await (await post({ body })).text();
    expect(odd.replaceAll('stand-in-2', 'stand-in-1')).toBe(even);
  });

  test('a client who leaves is noticed: in a stall, in a lag, and in the middle of a stream', async () => {
    const behaviours: Behaviour[] = [
      { insteadOfHeaders: 'stall' },
      { lagMs: 60_000 },
      { chunks: 1_000_000, chunkChars: 1000 },
    ];
    await start();
    for (const [index, behaviour] of behaviours.entries()) {
      standIn.behave(behaviour);
      const leaving = new AbortController();
      const body = JSON.stringify({ model: 'm', messages, stream: true });
      const outcome = failureOf(post({ body, signal: leaving.signal }).then((answer) => answer.text()));
      await standIn.waitForRequest(index + 1);
      leaving.abort();
      expect(await outcome).toContain('aborted');
      await standIn.waitForDisconnect(index + 1);
    }
  });

  test('an ending of its own making is not taken for a client who left', async () => {
    await start({}, { insteadOfHeaders: 'reset', requests: 1 });
    await expect(chat()).rejects.toThrow('Connection error');
    standIn.behave({ insteadOfHeaders: 'stall' });
    const request = httpRequest(`${standIn.baseUrl}/chat/completions`, { method: 'POST' }).on(
      'error',
      () => {},
    );
    request.end();
    await standIn.waitForStall();
    expect(standIn.disconnects).toBe(0);
    request.destroy();
    await standIn.waitForDisconnect();
    expect(standIn.disconnects).toBe(1);
  });

  test('lags lie before the headers and between the chunks', async () => {
    await start({}, { lagMs: 40, chunkLagMs: 15, chunks: 4 });
    const started = performance.now();
    await streamText();
    expect(performance.now() - started).toBeGreaterThan(40 + 4 * 15);
  });
});

test('the fixed answer is a whole completion, refuses unknown keys and records nothing', async () => {
  await start({ fixedAnswer: true });
  expect((await chat()).choices[0]?.message.content).toBe('A fixed answer.');
  await expect(chat(client(badKey))).rejects.toMatchObject({ status: 401 });
  expect(standIn.requests).toHaveLength(0);
});

describe('as a process of its own', () => {
  const main = join(import.meta.dirname, 'stand-in-provider-main.ts');

  async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...env } });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    return { child, ...(JSON.parse(line) as { baseUrl: string; origin: string; port: number }) };
  }

  test('takes its key from a file, and ends when stdin closes', async () => {
    await start();
    const directory = await mkdtemp(join(tmpdir(), 'stand-in-'));
    try {
      const keyFile = join(directory, 'keys');
      await writeFile(keyFile, `${goodKey}\n`);
      const { child, baseUrl } = await run(['--slug', 'groq', '--key-file', keyFile]);
      expect(new URL(baseUrl).pathname).toBe('/openai/v1');
      await expect(chat(client(goodKey, baseUrl))).resolves.toBeDefined();
      child.stdin.end();
      expect(await once(child, 'exit')).toEqual([0, null]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('takes its key from the environment, and ends on SIGTERM', async () => {
    await start();
    const { child, baseUrl, origin, port } = await run(['--key-env', 'FAKE_KEY'], { FAKE_KEY: goodKey });
    expect(baseUrl).toBe(`${origin}/api/v1`);
    expect(origin).toBe(`http://127.0.0.1:${port}`);
    await expect(chat(client(badKey, baseUrl))).rejects.toMatchObject({ status: 401 });
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
