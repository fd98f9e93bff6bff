import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { gatewayAndProvider } from '../support/gateway-and-provider.ts';
import { gatewayToken } from '../support/running-keyward.ts';
import { refusals } from '../support/stand-in-behaviour.ts';

const room = gatewayAndProvider({ DEFAULT_PROVIDER: 'openrouter' });
const messages = [{ role: 'user' as const, content: 'Grüß Gott, 世界! 🙂' }];
const model = 'openrouter/google/gemini-flash-1.5';

describe('the official SDK', () => {
  test('gets an answer', async () => {
    const completion = await room.keyward.client().chat.completions.create({ model, messages });
    expect(completion.choices[0]?.message.content).toBe(messages[0]?.content);
    expect(completion.model).toBe('google/gemini-flash-1.5');
  });

  test('gets a stream, with its usage where asked for', async () => {
    const stream = await room.keyward.client().chat.completions.create({
      model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(messages[0]?.content);
    expect(chunks.at(-1)?.usage?.total_tokens).toBeGreaterThan(0);
  });

  test('works at /v1 as it does at /api/v1/llm', async () => {
    const client = new OpenAI({
      apiKey: gatewayToken,
      baseURL: `${room.keyward.server.url}/v1`,
      maxRetries: 0,
    });
    const completion = await client.chat.completions.create({ model, messages });
    expect(completion.choices[0]?.finish_reason).toBe('stop');
  });

  test('tells a refused token, a rate limit and a missing provider apart, each as its own error', async () => {
    const ask = (client = room.keyward.client(), name = model) =>
      client.chat.completions.create({ model: name, messages });
    await expect(ask(room.keyward.client('wrong-token-0123456789'))).rejects.toThrow(
      OpenAI.AuthenticationError,
    );
    await expect(ask(undefined, 'nobody/model')).rejects.toThrow(OpenAI.NotFoundError);
    room.provider.behave({ answer: refusals.rateLimited });
    const limited = (await ask().catch((error: unknown) => error)) as InstanceType<
      typeof OpenAI.RateLimitError
    >;
    expect(limited).toBeInstanceOf(OpenAI.RateLimitError);
    expect(limited.headers?.get('retry-after')).toBe('7');
    expect(limited.code).toBe('rate_limit_exceeded');
  });
});

const sentModel = async (name: string) => {
  const before = room.provider.requests.length;
  const response = await room.keyward.chat({ model: name, messages });
  expect(response.status).toBe(200);
  return (JSON.parse(String(room.provider.requests[before]?.body)) as { model: string }).model;
};

describe('the model', () => {
  test('loses the name of its provider on the way', async () => {
    expect(await sentModel('openrouter/google/gemini-flash-1.5')).toBe('google/gemini-flash-1.5');
  });

  test('that only llm_models knows finds its provider', async () => {
    await room.keyward.change(
      `INSERT INTO llm_models (provider_id, model_name, model_id, display_name)
       SELECT id, 'a-model', 'vendor/a-model', 'A model' FROM llm_providers WHERE provider_slug = 'openrouter'`,
    );
    expect(await sentModel('vendor/a-model')).toBe('vendor/a-model');
    expect(await sentModel('a-model')).toBe('vendor/a-model');
  });

  test('that an administrator has switched off is not served and not listed, whatever it is called by', async () => {
    const change = async (isActive: boolean) =>
      room.keyward.change(
        `INSERT INTO llm_models (provider_id, model_name, model_id, display_name, is_active)
         SELECT id, 'off', 'vendor/off', 'Off', ${isActive} FROM llm_providers WHERE provider_slug = 'openrouter'
         ON CONFLICT (provider_id, model_id) DO UPDATE SET is_active = excluded.is_active`,
      );
    const listed = async () => {
      const headers = { authorization: `Bearer ${gatewayToken}` };
      const answer = await fetch(`${room.keyward.server.url}/v1/models`, { headers });
      return ((await answer.json()) as { data: { id: string }[] }).data.map(({ id }) => id);
    };
    await change(false);
    const before = room.provider.requests.length;
    const response = await room.keyward.chat({ model: 'openrouter/vendor/off', messages });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      error: { code: 'model_not_found', message: 'The model "openrouter/vendor/off" is switched off here.' },
    });
    expect(room.provider.requests.slice(before).filter(({ path }) => path.includes('chat'))).toEqual([]);
    expect(await listed()).not.toContain('openrouter/vendor/off');
    await change(true);
    expect(await sentModel('off')).toBe('vendor/off');
    expect(await listed()).toContain('openrouter/vendor/off');
  });

  test('that nobody knows goes to the default provider', async () => {
    expect(await sentModel('unheard-of')).toBe('unheard-of');
  });

  test('goes to the path and with the query that the provider has, whatever the caller asked with', async () => {
    const response = await fetch(`${room.keyward.chatUrl}?api_key=x`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${gatewayToken}` },
      body: JSON.stringify({ model, messages }),
    });
    expect(response.status).toBe(200);
    expect(room.provider.requests.at(-1)?.path).toBe('/api/v1/chat/completions');
  });
});

describe('an address', () => {
  test.each([
    ['GET', '/api/v1/llm/chat/completions', 405, 'method_not_allowed'],
    ['POST', '/api/v1/llm/', 404, 'route_not_found'],
    ['POST', '/api/v1/llm/fine_tuning/jobs', 404, 'route_not_found'],
    ['POST', '/v1/chat/completions/', 404, 'route_not_found'],
    ['POST', '/v1/api/v1/llm/chat/completions', 404, 'route_not_found'],
    ['POST', '/v1//chat/completions', 404, 'route_not_found'],
    ['POST', '/v1/../v1/chat/completions/x', 404, 'route_not_found'],
    ['POST', '/', 404, 'route_not_found'],
  ])('that is not a chat is refused in the OpenAI shape: %s %s', async (method, path, status, code) => {
    const response = await fetch(room.keyward.server.url + path, {
      method,
      headers: { authorization: `Bearer ${gatewayToken}` },
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({
      error: { message: expect.any(String) as string, type: 'invalid_request_error', param: null, code },
    });
    expect(response.headers.get('allow')).toBe(status === 405 ? 'POST' : null);
  });
});
