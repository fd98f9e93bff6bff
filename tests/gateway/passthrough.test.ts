/** What a provider has beside the known addresses, and what hostile callers make of addresses and bodies. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openConnection } from '../support/raw-http.ts';
import { gatewayToken, startKeyward, type RunningKeyward } from '../support/running-keyward.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

const keys = {
  openai: ['sk', 'proj', 'fa4e'.repeat(10)].join('-'),
  anthropic: ['sk', 'ant', 'api03', 'Zx9k'.repeat(23)].join('-'),
};

let keyward: RunningKeyward;
let openai: StandInProvider;
let anthropic: StandInProvider;
beforeAll(async () => {
  openai = await startStandInProvider({ slug: 'openai', keys: [keys.openai] });
  anthropic = await startStandInProvider({ slug: 'anthropic', keys: [keys.anthropic] });
  keyward = await startKeyward({
    engine: 'embedded',
    env: {
      OPENAI_API_KEY: keys.openai,
      OPENAI_BASE_URL: openai.baseUrl,
      ANTHROPIC_API_KEY: keys.anthropic,
      ANTHROPIC_BASE_URL: anthropic.baseUrl,
    },
  });
});
afterAll(async () => {
  await keyward?.stop();
  await openai?.close();
  await anthropic?.close();
});

const ask = async (method: string, path: string, body?: string, headers: Record<string, string> = {}) =>
  fetch(keyward.server.url + path, {
    method,
    ...(body !== undefined && { body }),
    headers: { authorization: `Bearer ${gatewayToken}`, ...headers },
  });
const codeOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string } }).error.code;

describe('a passthrough', () => {
  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])(
    'goes with %s, body and query as they came',
    async (method) => {
      const body = method === 'GET' ? undefined : 'any=body&of=any kind';
      await ask(method, '/api/v1/llm/passthrough/openai/fine_tuning/jobs?after=job-1&limit=2', body, {
        'content-type': 'application/x-www-form-urlencoded',
      });
      const sent = openai.requests.at(-1);
      expect(sent).toMatchObject({ method, path: '/v1/fine_tuning/jobs?after=job-1&limit=2' });
      expect(String(sent?.body)).toBe(body ?? '');
      expect(sent?.headers.authorization).toBe(`Bearer ${keys.openai}`);
      expect(JSON.stringify(sent?.rawHeaders)).not.toContain(gatewayToken);
    },
  );

  test('costs what the model costs that the answer names', async () => {
    await ask('POST', '/api/v1/llm/passthrough/openai/chat/completions', '{"model":"gpt-4o","messages":[]}', {
      'content-type': 'application/json',
    });
    await expect
      .poll(async () =>
        keyward.sql(`SELECT model, cost_usd > 0 AS costs FROM keyward_usage_daily WHERE model <> ''`),
      )
      .toEqual([{ model: 'gpt-4o', costs: true }]);
  });

  test("goes to Anthropic's own API with the key where that takes it", async () => {
    await ask('GET', '/api/v1/llm/passthrough/anthropic/messages/batches');
    expect(anthropic.requests.at(-1)).toMatchObject({
      path: '/v1/messages/batches',
      headers: { 'x-api-key': keys.anthropic, 'anthropic-version': '2023-06-01' },
    });
    expect(anthropic.requests.at(-1)?.headers.authorization).toBeUndefined();
  });

  test('needs a token, and a provider that is there', async () => {
    const without = await fetch(`${keyward.server.url}/api/v1/llm/passthrough/openai/files`);
    expect([without.status, await codeOf(without)]).toEqual([401, 'token_missing']);
    expect(await codeOf(await ask('GET', '/api/v1/llm/passthrough/nobody/files'))).toBe('provider_not_found');
  });
});

describe('a request without a model', () => {
  test('goes to the provider that its header names, and asks for one where none is meant', async () => {
    expect(await codeOf(await ask('GET', '/v1/files'))).toBe('provider_required');
    const named = await ask('GET', '/v1/files', undefined, { 'x-keyward-provider': 'openai' });
    expect([named.status, named.headers.get('x-keyward-provider')]).toEqual([200, 'openai']);
  });
});

describe('a hostile caller', () => {
  const raw = async (target: string, headers = ''): Promise<string> => {
    const connection = await openConnection(keyward.port);
    await connection.send(
      `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${gatewayToken}\r\n${headers}\r\n`,
    );
    const text = await connection.rest();
    connection.close();
    return text;
  };

  test.each([
    ['climbs', '/api/v1/llm/passthrough/openai/../../admin'],
    ['climbs in code', '/api/v1/llm/passthrough/openai/%2e%2e/%2e%2e/x'],
    ['hides a slash', '/api/v1/llm/passthrough/openai/a%2f..%2fb'],
    ['hides it twice', '/api/v1/llm/passthrough/openai/a%252f..%252fb'],
    ['names another host', '/api/v1/llm/passthrough/openai//evil.example/x'],
    ['sends a backslash', '/api/v1/llm/passthrough/openai/..\\..\\x'],
    ['puts a line end into the path', '/api/v1/llm/passthrough/openai/a%0d%0aHost:%20evil'],
  ])('who %s with the path reaches nobody', async (_, target) => {
    const before = openai.requests.length;
    expect(await raw(target)).toMatch(/^HTTP\/1\.1 400 [^]*"code":"path_refused"/);
    expect(openai.requests).toHaveLength(before);
  });

  test('who asks for another host by an absolute address reaches nobody', async () => {
    const before = openai.requests.length;
    expect(await raw('http://evil.example/api/v1/llm/passthrough/openai/files')).toMatch(/^HTTP\/1\.1 400 /);
    expect(openai.requests).toHaveLength(before);
  });

  test('who sends a token in two places is refused where they say different things', async () => {
    const answer = await raw('/v1/files', 'Authorization: Bearer another-token-0123456789\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*"code":"duplicate_header"/);
  });

  test.each([
    [
      'a million keys',
      `{"model":"openai/m",${Array.from({ length: 1_000_000 }, (_, index) => `"${index.toString(36)}":1`).join(',')}}`,
      200,
    ],
    ['an image of ten million letters', `{"model":"openai/m","image":"${'QUJD'.repeat(2_500_000)}"}`, 200],
    ['a deep nest', `{"model":"openai/m","messages":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 200],
    ['a model of control characters', '{"model":"openai/m\\u0000\\r\\nX-Evil: 1"}', 400],
    ['a model with half a character', '{"model":"openai/m\\ud83d"}', 400],
    ['a model that is a path', '{"model":"openai/../../admin"}', 200],
  ])(
    'who sends %s changes nothing but that request',
    async (_, body, status) => {
      const response = await ask('POST', '/v1/chat/completions', body, {
        'content-type': 'application/json',
      });
      expect(response.status).toBe(status);
      expect(openai.requests.at(-1)?.path).toBe('/v1/chat/completions');
      expect(openai.requests.at(-1)?.headers['x-evil']).toBeUndefined();
      expect((await keyward.ready()).httpStatus).toBe(200);
    },
    // The stand-in makes an object of a million keys, on a machine that others use too.
    120_000,
  );

  test('who compresses a bomb is told to send it plain', async () => {
    const response = await ask('POST', '/v1/chat/completions', '{}', {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    });
    expect([response.status, await codeOf(response)]).toEqual([415, 'unsupported_encoding']);
  });
});
