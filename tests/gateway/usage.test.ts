/** What the gateway notes of each request: in the log, by day, in the API and for Prometheus. */
import { beforeEach, describe, expect, test } from 'vitest';
import { ask, newToken } from '../support/administrators.ts';
import { gatewayAndProvider, providerKey } from '../support/gateway-and-provider.ts';
import { adminToken, gatewayToken } from '../support/running-keyward.ts';
import { refusals } from '../support/stand-in-behaviour.ts';
import { json } from '../support/stand-in-wires.ts';

describe.each(['embedded', 'postgres'] as const)('the usage of requests (%s)', (engine) => {
  const room = gatewayAndProvider({ DEFAULT_PROVIDER: 'openrouter' }, engine);
  const messages = [{ role: 'user', content: 'Servus' }];
  const model = 'openrouter/google/gemini-flash-1.5';

  beforeEach(async () => {
    await room.keyward.change('DELETE FROM llm_usage_logs');
    await room.keyward.change('DELETE FROM keyward_usage_daily');
    await room.keyward.change('DELETE FROM keyward_usage_hourly');
  });

  const rows = async () =>
    room.keyward.sql<Record<string, unknown>>(
      `SELECT user_id, provider_slug, l.model_name, endpoint, prompt_tokens, completion_tokens, cost_total_usd::float8 AS cost,
              status_code, error_message, was_fallback, attempts, key_fingerprint, latency_ms >= 0 AS timed
         FROM llm_usage_logs l LEFT JOIN llm_providers p ON p.id = l.provider_id ORDER BY l.id`,
    );
  const usual = () => ({
    user_id: 'KEYWARD_GATEWAY_TOKEN',
    provider_slug: 'openrouter',
    model_name: 'google/gemini-flash-1.5',
    endpoint: 'chat/completions',
    prompt_tokens: 5,
    completion_tokens: 2,
    cost: expect.closeTo(5 * 7.5e-8 + 2 * 3e-7, 6) as number,
    status_code: 200,
    error_message: null,
    was_fallback: false,
    attempts: 1,
    key_fingerprint: room.keyward.snapshot.providers.get('openrouter')?.resolution.key?.fingerprint,
    timed: true,
  });

  test('is logged with tokens and cost, for an answer and for a stream', async () => {
    await (await room.keyward.chat({ model, messages })).text();
    const options = { stream: true, stream_options: { include_usage: true } };
    await (await room.keyward.chat({ model, messages, ...options })).text();
    await expect.poll(rows).toEqual([usual(), usual()]);
  });

  test('is logged whatever a provider says of it, and keeps no other waiting', async () => {
    // The dearest that is believed: more than the column of the cost of a request holds.
    await room.keyward.change(
      `INSERT INTO llm_models (provider_id, model_name, model_id, display_name, cost_per_1m_input_tokens, cost_per_1m_output_tokens)
       SELECT id, 'dear', 'dear', 'Dear', 900, 900 FROM llm_providers WHERE provider_slug = 'openrouter' ON CONFLICT DO NOTHING`,
    );
    for (const tokens of [Number.MAX_SAFE_INTEGER, 100_000_000]) {
      const usage = { prompt_tokens: tokens, completion_tokens: tokens };
      room.provider.behave({ answer: json(200, { id: 'x', choices: [], usage }) });
      await (await room.keyward.chat({ model: 'openrouter/dear', messages })).text();
    }
    room.provider.behave({});
    await (await room.keyward.chat({ model, messages })).text();
    await expect
      .poll(async () => (await rows()).map((row) => [row['prompt_tokens'], row['cost']]))
      .toEqual([
        [0, null],
        [100_000_000, 9_998],
        [5, expect.any(Number)],
      ]);
  });

  test('of a stream that says nothing is an estimate, and of a refusal there are no tokens', async () => {
    await (await room.keyward.chat({ model, messages, stream: true })).text();
    room.provider.behave({ answer: refusals.paymentRequired });
    await (await room.keyward.chat({ model, messages })).text();
    await expect.poll(rows).toEqual([
      {
        ...usual(),
        prompt_tokens: expect.any(Number) as number,
        completion_tokens: expect.any(Number) as number,
        cost: expect.any(Number) as number,
      },
      { ...usual(), status_code: 402, prompt_tokens: 0, completion_tokens: 0, cost: null },
    ]);
    const [estimated] = await rows();
    expect(Number(estimated?.['prompt_tokens'])).toBeGreaterThan(5);
  });

  test('of many requests with one id is none the less of each', async () => {
    for (let turn = 0; turn < 3; turn += 1)
      await (await room.keyward.chat({ model, messages }, { headers: { 'x-request-id': 'mine' } })).text();
    await expect.poll(async () => (await rows()).length).toBe(3);
  });

  test('of a model with a very long name is written with its beginning, and holds up nobody else', async () => {
    const name = `a${'\u{1f642}'.repeat(200)}`;
    await (await room.keyward.chat({ model: `openrouter/${name}`, messages })).text();
    await (await room.keyward.chat({ model, messages })).text();
    const models = async () => (await rows()).map(({ model_name }) => model_name);
    // The cut is in the middle of a character.
    await expect.poll(models).toEqual([`${name.slice(0, 299)}\u{fffd}`, 'google/gemini-flash-1.5']);
  });

  test('is summed by day, and told as it is asked for', async () => {
    for (let turn = 0; turn < 3; turn += 1) await (await room.keyward.chat({ model, messages })).text();
    room.provider.behave({ answer: refusals.paymentRequired });
    await (await room.keyward.chat({ model: 'openrouter/other', messages })).text();
    await expect.poll(async () => (await rows()).length).toBe(4);
    const asked = async (query: string) =>
      (await (await ask(room.keyward, `GET /api/v1/admin/usage${query}`, { token: adminToken })).json()) as {
        usage: Record<string, unknown>[];
      };
    const today = new Date().toISOString().slice(0, 10);
    expect((await asked('')).usage).toMatchObject([
      {
        day: today,
        provider: null,
        requests: 4,
        errors: 1,
        prompt_tokens: 15,
        completion_tokens: 6,
        unpriced: 0,
      },
    ]);
    expect((await asked('?by=model,token')).usage).toMatchObject([
      {
        day: null,
        provider: 'openrouter',
        model: 'google/gemini-flash-1.5',
        token_id: 0,
        token_name: null,
        requests: 3,
      },
      { model: 'other', requests: 1, errors: 1, cost_usd: 0 },
    ]);
    expect((await asked('?by=key&provider=groq')).usage).toEqual([]);
    expect((await asked('?by=key')).usage).toMatchObject([
      { key_fingerprint: usual().key_fingerprint, requests: 4 },
    ]);
    const refused = await ask(room.keyward, 'GET /api/v1/admin/usage?by=nothing', { token: adminToken });
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { error: { code: 'parameter_invalid', param: 'by' } },
    ]);
  });

  test('is told of the last 24 hours by provider, to a viewer too, and to nobody without a token', async () => {
    for (let turn = 0; turn < 3; turn += 1) await (await room.keyward.chat({ model, messages })).text();
    room.provider.behave({ answer: refusals.paymentRequired });
    await (await room.keyward.chat({ model, messages })).text();
    await expect.poll(async () => (await rows()).length).toBe(4);
    const { token: viewer } = await newToken(room.keyward, { role: 'viewer' });
    const answer = await ask(room.keyward, 'GET /api/v1/admin/usage/hours', { token: viewer });
    const { hours, providers } = (await answer.json()) as {
      hours: string[];
      providers: { provider: string; requests: number[]; errors: number[] }[];
    };
    expect(hours).toHaveLength(24);
    expect(hours).toEqual(hours.toSorted());
    expect(Date.now() - Date.parse(hours[23] ?? '')).toBeLessThan(2 * 3_600_000);
    const sum = (numbers: readonly number[] = []) => numbers.reduce((all, number) => all + number, 0);
    expect(providers.map(({ provider }) => provider)).toEqual(['openrouter']);
    expect([providers[0]?.requests, providers[0]?.errors].map((all) => all?.length)).toEqual([24, 24]);
    expect([sum(providers[0]?.requests), sum(providers[0]?.errors)]).toEqual([4, 1]);
    // An hour may end between the calls.
    expect(sum(providers[0]?.requests.slice(-2))).toBe(4);
    expect((await ask(room.keyward, 'GET /api/v1/admin/usage/hours')).status).toBe(401);
    const asked = await ask(room.keyward, 'GET /api/v1/admin/usage/hours?days=2', { token: viewer });
    expect(asked.status).toBe(400);
  });

  test('is counted for Prometheus, and holds no key, no token and no text', async () => {
    await (await room.keyward.chat({ model, messages: [{ role: 'user', content: 'a secret plan' }] })).text();
    await expect.poll(async () => (await rows()).length).toBe(1);
    const metrics = await (await fetch(`${room.keyward.server.url}/metrics`)).text();
    expect(metrics).toMatch(/^keyward_tokens_total\{provider="openrouter",kind="prompt"\} [1-9]/m);
    expect(metrics).toMatch(/^keyward_time_to_first_token_seconds_count\{provider="openrouter"\} [1-9]/m);
    const written = JSON.stringify([
      await room.keyward.sql('SELECT * FROM llm_usage_logs'),
      await room.keyward.sql('SELECT * FROM keyward_usage_daily'),
      await room.keyward.sql('SELECT * FROM keyward_usage_hourly'),
    ]);
    for (const secret of [providerKey, gatewayToken, 'a secret plan']) expect(written).not.toContain(secret);
  });
});
