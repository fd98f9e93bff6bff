/** A token with limits, over HTTP: what it may not use is 403, what it has used up is 429, and it is told what is left. */
import { describe, expect, test } from 'vitest';
import { gatewayAndProvider } from '../support/gateway-and-provider.ts';
import { limitedToken, type LimitedToken } from '../support/limited-tokens.ts';

const room = gatewayAndProvider({ GROQ_API_KEY: ['gsk', 'not', 'used'].join('_') });

async function refusalOf(response: Response): Promise<Record<string, unknown>> {
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  return { status: response.status, code: error.code, message: error.message };
}

const chat = async ({ headers }: LimitedToken, model = 'openrouter/some/model', more = {}) =>
  room.keyward.chat({ model, messages: [] }, { headers: { ...headers, ...more } });

describe('a token for some providers and models', () => {
  test('is served there, and refused elsewhere by name, before the provider hears of it', async () => {
    const token = await limitedToken(room.keyward, {
      allowedProviders: ['openrouter'],
      allowedModels: ['openrouter/some/*'],
    });
    expect((await chat(token)).status).toBe(200);
    const before = room.provider.requests.length;
    expect(await refusalOf(await chat(token, 'groq/llama'))).toEqual({
      status: 403,
      code: 'token_not_allowed',
      message: 'This token may not use the provider "groq". Ask the administrator for it.',
    });
    expect(await refusalOf(await chat(token, 'openrouter/other/model'))).toEqual({
      status: 403,
      code: 'token_not_allowed',
      message: 'This token may not use the model "openrouter/other/model". Ask the administrator for it.',
    });
    expect(room.provider.requests).toHaveLength(before);
  });

  test('is refused a fallback that it may not use, though the first would do', async () => {
    const token = await limitedToken(room.keyward, { allowedModels: ['openrouter/some/*'] });
    const withFallbacks = async (models: string) =>
      chat(token, 'openrouter/some/model', { 'x-keyward-fallback-models': models });
    expect(await refusalOf(await withFallbacks('openrouter/some/b, groq/llama'))).toMatchObject({
      status: 403,
      message: expect.stringContaining('"groq/llama"') as string,
    });
    expect((await withFallbacks('openrouter/some/b, nobody/knows')).status).toBe(200);
  });

  test('is refused what names no model, by path and by header, unless it may use all of the provider', async () => {
    const some = await limitedToken(room.keyward, { allowedModels: ['openrouter/some/*'] });
    const all = await limitedToken(room.keyward, { allowedModels: ['openrouter/*'] });
    const others = await limitedToken(room.keyward, { allowedProviders: ['groq'] });
    const asked = async ({ headers }: LimitedToken) => {
      const { url } = room.keyward.server;
      const passed = await fetch(`${url}/api/v1/llm/passthrough/openrouter/key`, { headers });
      const routed = await fetch(`${url}/v1/files`, {
        headers: { ...headers, 'x-keyward-provider': 'openrouter' },
      });
      return [passed.status, routed.status].map((status) => (status === 403 ? 'refused' : 'passed on'));
    };
    expect(await asked(some)).toEqual(['refused', 'refused']);
    expect(await asked(others)).toEqual(['refused', 'refused']);
    expect(await asked(all)).toEqual(['passed on', 'passed on']);
  });

  test('sees in the list of models what it may use', async () => {
    const { headers } = await limitedToken(room.keyward, { allowedProviders: ['openrouter'] });
    const answer = await fetch(`${room.keyward.server.url}/v1/models`, { headers });
    const { data } = (await answer.json()) as { data: { owned_by: string }[] };
    expect(new Set(data.map(({ owned_by }) => owned_by))).toEqual(new Set(['openrouter']));
  });
});

describe('a token with a rate', () => {
  test('hears with each answer what is left, and 429 with Retry-After when nothing is', async () => {
    const token = await limitedToken(room.keyward, { requestsPerMinute: 1_000, tokensPerMinute: 500 });
    room.provider.behave({ headers: { 'x-ratelimit-limit-requests': '1', 'x-ratelimit-limit-images': '3' } });
    const first = await chat(token);
    expect(first.status).toBe(200);
    expect(Object.fromEntries(first.headers)).toMatchObject({
      'x-ratelimit-limit-requests': '1000',
      'x-ratelimit-remaining-requests': '999',
      'x-ratelimit-reset-requests': expect.stringMatching(/^(?:1m0s|\d{1,2}s)$/) as string,
      'x-ratelimit-limit-tokens': '500',
      'x-ratelimit-remaining-tokens': '500',
      'x-ratelimit-limit-images': '3',
    });
    // Whichever minute it is by then: the use of all instances, as another one tells it.
    await room.keyward.sql(
      `INSERT INTO keyward_token_minutes (token_id, minute, tokens)
       SELECT $1, date_trunc('minute', now() AT TIME ZONE 'UTC') + make_interval(mins => m), 500 FROM generate_series(0, 2) m
       ON CONFLICT (token_id, minute) DO UPDATE SET tokens = 500`,
      [token.id],
    );
    await expect.poll(async () => (await chat(token)).status, { timeout: 10_000 }).toBe(429);
    const refused = await chat(token);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('x-ratelimit-remaining-tokens')).toBe('0');
    expect(await refusalOf(refused)).toMatchObject({
      status: 429,
      code: 'caller_rate_limited',
      message: 'This token may use 500 tokens a minute, and they are used.',
    });
  });

  test('hears it with a refusal for another reason too', async () => {
    const token = await limitedToken(room.keyward, { requestsPerMinute: 1_000 });
    const refused = await chat(token, 'nobody/knows');
    expect([refused.status, refused.headers.get('x-ratelimit-limit-requests')]).toEqual([404, '1000']);
  });
});

describe('what a call has used', () => {
  test('is missing from the tokens of its minute once it is answered, and from the budget once it is written', async () => {
    await room.keyward.sql(
      `INSERT INTO llm_models (provider_id, model_id, model_name, display_name, cost_per_1m_input_tokens, cost_per_1m_output_tokens)
       SELECT id, 'some/dear', 'some/dear', 'Dear', 9000, 9000 FROM llm_providers WHERE provider_slug = 'openrouter'`,
    );
    const rated = await limitedToken(room.keyward, { tokensPerMinute: 1_000_000 });
    const left = async () => Number((await chat(rated)).headers.get('x-ratelimit-remaining-tokens'));
    await expect.poll(left, { timeout: 10_000 }).toBeLessThan(1_000_000);
    const poor = await limitedToken(room.keyward, { dailyBudgetUsd: 0.0001 });
    const statuses: number[] = [];
    await expect
      .poll(
        async () => {
          const { status } = await chat(poor, 'openrouter/some/dear');
          statuses.push(status);
          return status;
        },
        { interval: 200, timeout: 10_000 },
      )
      .toBe(429);
    expect(statuses[0]).toBe(200);
  });
});

describe('a token with a budget', () => {
  test('is refused with 429 once the usage by day says that it is spent', async () => {
    const token = await limitedToken(room.keyward, { monthlyBudgetUsd: 2 });
    expect((await chat(token)).status).toBe(200);
    await room.keyward.sql(
      `INSERT INTO keyward_usage_daily (day, provider, model, gateway_token_id, key_fingerprint, cost_usd)
       VALUES ((now() AT TIME ZONE 'UTC')::date, 'openrouter', 'm', $1, 'f', 2)`,
      [token.id],
    );
    // Another budget makes the instance look now rather than within half a minute.
    await limitedToken(room.keyward, { dailyBudgetUsd: 1 });
    await expect.poll(async () => (await chat(token)).status, { timeout: 10_000 }).toBe(429);
    const refused = await chat(token);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refusalOf(refused)).toMatchObject({
      code: 'budget_exhausted',
      message: expect.stringMatching(/^The monthly budget of this token, 2 USD, is spent\./) as string,
    });
  });
});
