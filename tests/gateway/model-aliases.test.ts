/** Aliases over HTTP: set by administrators, live for callers, with what they stand for as the way to fall back. */
import { describe, expect, test } from 'vitest';
import { ask, eventsOf } from '../support/administrators.ts';
import { gatewayAndProvider } from '../support/gateway-and-provider.ts';
import { limitedToken } from '../support/limited-tokens.ts';
import { adminToken, gatewayToken } from '../support/running-keyward.ts';
import { refusals } from '../support/stand-in-behaviour.ts';

const room = gatewayAndProvider({ UPSTREAM_RETRIES: '0' });
const aliases = '/api/v1/admin/model-aliases';

async function admin(call: `${string} /${string}`, body?: object) {
  const answer = await ask(room.keyward, call, { token: adminToken, ...(body !== undefined && { body }) });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

async function set(alias: string, ...targets: string[]): Promise<void> {
  expect((await admin(`PUT ${aliases}`, { alias, targets })).status).toBe(200);
  await room.keyward.caughtUp();
}

/** What the provider was asked for, and what the caller heard. */
async function chat(model: string, headers: Record<string, string> = {}) {
  const before = room.provider.requests.length;
  const response = await room.keyward.chat({ model, messages: [] }, { headers });
  await response.arrayBuffer();
  const asked = room.provider.requests
    .slice(before)
    .map(({ body }) => (JSON.parse(body.toString()) as { model: string }).model);
  return { status: response.status, asked, fallback: response.headers.get('x-keyward-fallback') };
}

describe('an alias', () => {
  test('is the model that it stands for, by name and by beginning', async () => {
    await set('fast', 'openrouter/small');
    await set('gpt-*', 'openrouter/openai/gpt-*');
    expect(await chat('fast')).toEqual({ status: 200, asked: ['small'], fallback: null });
    expect(await chat('gpt-4o')).toEqual({ status: 200, asked: ['openai/gpt-4o'], fallback: null });
    expect(await chat('openrouter/fast')).toMatchObject({ asked: ['fast'] });
  });

  test('falls back along what it stands for, and along the caller’s own list instead', async () => {
    await set('robust', 'openrouter/a', 'openrouter/b');
    room.provider.behave({ answer: refusals.overloaded, requests: 1 });
    expect(await chat('robust')).toEqual({ status: 200, asked: ['a', 'b'], fallback: 'other_model' });
    room.provider.behave({ answer: refusals.overloaded, requests: 1 });
    expect(await chat('robust', { 'x-keyward-fallback-models': 'openrouter/mine' })).toMatchObject({
      asked: ['a', 'mine'],
    });
  });

  test('passes over what cannot serve, and what the token may not use', async () => {
    await set('careful', 'groq/no-key', 'openrouter/c');
    expect(await chat('careful')).toEqual({ status: 200, asked: ['c'], fallback: 'other_model' });
    await set('mixed', 'openrouter/dear', 'openrouter/cheap');
    const { headers } = await limitedToken(room.keyward, { allowedModels: ['openrouter/cheap'] });
    expect(await chat('mixed', headers)).toMatchObject({ status: 200, asked: ['cheap'] });
    await set('dear', 'openrouter/dear');
    expect(await chat('dear', headers)).toMatchObject({ status: 403, asked: [] });
  });

  test('that was written past the checks and goes round is no model', async () => {
    await room.keyward.change(
      `INSERT INTO keyward_model_aliases (alias, targets, changed_by) VALUES ('ping', '{pong}', 'x'), ('pong', '{ping}', 'x')`,
    );
    expect((await chat('ping')).status).toBe(404);
    await room.keyward.change(`DELETE FROM keyward_model_aliases WHERE changed_by = 'x'`);
  });

  test('that leads round, nowhere or to a provider’s name is refused, and nothing is changed', async () => {
    const refusal = async (alias: string, ...targets: string[]) => {
      const { status, body } = await admin(`PUT ${aliases}`, { alias, targets });
      return [status, (body['error'] as { message: string } | undefined)?.message];
    };
    expect(await refusal('round', 'round')).toEqual([
      400,
      'The alias "round" leads to itself: "round" → "round". Nothing was changed.',
    ]);
    expect(await refusal('lost', 'gorq/llama')).toEqual([
      400,
      expect.stringMatching(/^"gorq\/llama" is no alias and names no provider\. .*groq/) as string,
    ]);
    expect((await refusal('groq/llama', 'openrouter/x'))[0]).toBe(400);
    expect((await refusal('a*b', 'openrouter/x'))[0]).toBe(400);
    expect((await refusal('x'))[0]).toBe(400);
    const { body } = await admin(`GET ${aliases}`);
    expect(JSON.stringify(body)).not.toMatch(/round|lost|a\*b/);
  });

  test('is listed, changed and removed, on record', async () => {
    await set('short-lived', 'openrouter/a');
    await set('short-lived', 'openrouter/b', 'fast');
    expect((await admin(`GET ${aliases}`)).body).toMatchObject({
      data: expect.arrayContaining([
        expect.objectContaining({ alias: 'short-lived', targets: ['openrouter/b', 'fast'] }),
      ]) as unknown[],
    });
    const removed = await admin(`DELETE ${aliases}?alias=short-lived`);
    expect(removed).toMatchObject({ status: 200, body: { alias: 'short-lived' } });
    expect((await admin(`DELETE ${aliases}?alias=short-lived`)).status).toBe(404);
    await room.keyward.caughtUp();
    expect((await chat('short-lived')).status).toBe(404);
    const of = async (action: 'model_alias.set' | 'model_alias.removed') =>
      (await eventsOf(room.keyward, action)).filter(({ target }) => target.id === 'short-lived');
    expect(await of('model_alias.set')).toMatchObject([
      { before: null, after: { targets: ['openrouter/a'] } },
      { before: { targets: ['openrouter/a'] }, after: { targets: ['openrouter/b', 'fast'] } },
    ]);
    expect(await of('model_alias.removed')).toHaveLength(1);
  });
});

describe('the list of models', () => {
  type Headers = Readonly<Record<string, string>>;
  const asCaller = { authorization: `Bearer ${gatewayToken}` };
  const get = async (path: string, headers: Headers = asCaller) =>
    (await (await fetch(room.keyward.server.url + path, { headers })).json()) as Record<string, unknown>;
  const ids = async (headers: Headers = asCaller) =>
    ((await get('/v1/models', headers))['data'] as { id: string }[]).map(({ id }) => id);
  const notFound = { error: expect.objectContaining({ code: 'model_not_found' }) as object };

  test('holds each alias that is a whole name, beside the models and by its name', async () => {
    await set('listed', 'openrouter/a');
    await set('team/listed', 'listed');
    await set('beginning-*', 'openrouter/*');
    const one = { id: 'listed', object: 'model', created: 0, owned_by: 'keyward' };
    const { data } = await get('/v1/models');
    expect(data).toEqual(
      expect.arrayContaining([one, expect.objectContaining({ owned_by: 'openrouter' })]) as unknown,
    );
    expect(await get('/v1/models/listed')).toEqual(one);
    expect(await get('/v1/models/team/listed')).toEqual({ ...one, id: 'team/listed' });
    expect(await get('/api/v1/llm/models/team%2Flisted')).toEqual({ ...one, id: 'team/listed' });
    expect((await ids()).filter((id) => id.startsWith('beginning'))).toEqual([]);
    expect(await get('/v1/models/beginning-a')).toEqual(notFound);
  });

  test('leaves out an alias that leads to nothing that serves', async () => {
    await set('keyless', 'groq/no-key');
    await set('half-keyless', 'groq/no-key', 'openrouter/a');
    const listed = await ids();
    expect(listed).toContain('half-keyless');
    expect(listed).not.toContain('keyless');
    expect(await get('/v1/models/keyless')).toEqual(notFound);
  });

  test('leaves out an alias of which the token may use nothing', async () => {
    await set('for-some', 'openrouter/dear', 'openrouter/cheap');
    await set('for-others', 'openrouter/dear');
    const { headers } = await limitedToken(room.keyward, { allowedModels: ['openrouter/cheap'] });
    const listed = await ids(headers);
    expect(listed).toContain('for-some');
    expect(listed).not.toContain('for-others');
    expect(await get('/v1/models/for-others', headers)).toEqual(notFound);
    expect(await ids()).toContain('for-others');
  });

  test('in the words of Anthropic and Google holds what can be asked for there', async () => {
    const encrypted_api_key = room.keyward.encrypt(['sk', 'ant', 'api03', 'Zx9k'.repeat(23)].join('-'));
    const columns = { base_url: room.provider.baseUrl, api_key_source: 'database', encrypted_api_key };
    await room.keyward.setProvider('anthropic', columns);
    await room.keyward.setProvider('google', columns);
    await set('sonnet', 'anthropic/claude-sonnet-4-5');
    await set('flash', 'google/gemini-3-flash');
    const anthropic = { 'x-api-key': gatewayToken, 'anthropic-version': '2023-06-01' };
    const ofAnthropic = await ids(anthropic);
    expect(ofAnthropic).toContain('sonnet');
    expect(ofAnthropic).not.toContain('flash');
    expect(await get('/v1/models/sonnet', anthropic)).toEqual({
      type: 'model',
      id: 'sonnet',
      display_name: 'sonnet',
      created_at: '1970-01-01T00:00:00.000Z',
    });
    const google = { 'x-goog-api-key': gatewayToken };
    const { models } = (await get('/v1beta/models', google)) as { models: { name: string }[] };
    const names = models.map(({ name }) => name);
    expect(names).toContain('models/flash');
    expect(names).not.toContain('models/sonnet');
    expect(await get('/v1beta/models/flash', google)).toEqual({
      name: 'models/flash',
      displayName: 'flash',
    });
    expect(await ids()).toEqual(expect.arrayContaining(['sonnet', 'flash']));
  });
});
