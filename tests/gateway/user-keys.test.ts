/** Keys that users bring: theirs come first, a refusal of theirs is theirs to hear, and they keep them by themselves. */
import { describe, expect, test } from 'vitest';
import { callAdmin } from '../support/administered-keyward.ts';
import { eventsOf } from '../support/administrators.ts';
import { gatewayAndProvider, providerKey, type GatewayAndProvider } from '../support/gateway-and-provider.ts';
import { limitedToken, type LimitedToken } from '../support/limited-tokens.ts';

const keyOf = (letter: string): string => ['sk', 'or', 'v1', letter.repeat(64)].join('-');
const ownKey = keyOf('b');
const otherKey = keyOf('c');
const deadKey = keyOf('d');
const asGood = [providerKey, ownKey, otherKey];

const byokKeys = '/api/v1/llm/byok/keys';

/** As the platform's own code would store it. */
async function store(room: GatewayAndProvider, owner: string, token: string): Promise<void> {
  await room.keyward.change(
    `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key, is_validated)
     SELECT $1, id, $2, true FROM llm_providers WHERE provider_slug = 'openrouter'`,
    [owner, token],
  );
}

async function chat({ keyward, provider }: GatewayAndProvider, { headers }: LimitedToken) {
  const response = await keyward.chat(undefined, { headers });
  const body = (await response.json()) as { error?: { code: string; message: string } };
  return {
    status: response.status,
    code: body.error?.code,
    message: body.error?.message,
    source: response.headers.get('x-keyward-key-source'),
    fallback: response.headers.get('x-keyward-fallback'),
    fingerprint: response.headers.get('x-keyward-key-fingerprint'),
    sentWith: provider.requests.at(-1)?.headers.authorization,
  };
}

describe('a user who brought a key', () => {
  const room = gatewayAndProvider();

  test('is served with it, and nobody else is', async () => {
    room.provider.setKeys(asGood);
    await store(room, 'ada', room.keyward.encrypt(ownKey));
    const ada = await limitedToken(room.keyward, { owner: 'ada' });
    const bob = await limitedToken(room.keyward, { owner: 'bob' });
    expect(await chat(room, ada)).toMatchObject({
      status: 200,
      source: 'byok',
      fallback: null,
      fingerprint: room.keyward.snapshot.userKeys.get('ada')?.get('openrouter')?.key?.fingerprint,
      sentWith: `Bearer ${ownKey}`,
    });
    expect(await chat(room, bob)).toMatchObject({ source: 'environment', sentWith: `Bearer ${providerKey}` });
  });

  test('is served with the key of the platform while it is not active, or its provider takes none', async () => {
    room.provider.setKeys(asGood);
    await store(room, 'eve', room.keyward.encrypt(otherKey));
    const eve = await limitedToken(room.keyward, { owner: 'eve' });
    const source = async () => (await chat(room, eve)).source;
    expect(await source()).toBe('byok');
    await room.keyward.change(`UPDATE user_api_keys SET is_active = false WHERE user_id = 'eve'`);
    expect(await source()).toBe('environment');
    await room.keyward.change(`UPDATE user_api_keys SET is_active = true WHERE user_id = 'eve'`);
    expect(await source()).toBe('byok');
    await room.keyward.change('UPDATE llm_providers SET is_byok_supported = false');
    expect(await source()).toBe('environment');
    await room.keyward.change('UPDATE llm_providers SET is_byok_supported = NULL');
    expect(await source()).toBe('environment');
    await room.keyward.change('UPDATE llm_providers SET is_byok_supported = true');
    expect(await source()).toBe('byok');
  });

  test('is told by an administrator, with the next call, whether a provider takes it, and it is on record', async () => {
    room.provider.setKeys(asGood);
    await store(room, 'olga', room.keyward.encrypt(ownKey));
    const olga = await limitedToken(room.keyward, { owner: 'olga' });
    const set = async (isSupported: boolean): Promise<void> => {
      const answer = await callAdmin(
        room.keyward.server.url,
        'PATCH /api/v1/admin/providers/openrouter?wait=applied',
        { body: { is_byok_supported: isSupported } },
      );
      expect([answer.status, answer.body]).toMatchObject([
        200,
        { provider: { is_byok_supported: isSupported } },
      ]);
    };
    expect(await chat(room, olga)).toMatchObject({ status: 200, source: 'byok' });
    await set(false);
    expect(await chat(room, olga)).toMatchObject({
      status: 200,
      source: 'environment',
      sentWith: `Bearer ${providerKey}`,
    });
    await set(true);
    expect(await chat(room, olga)).toMatchObject({ source: 'byok', sentWith: `Bearer ${ownKey}` });
    expect(await eventsOf(room.keyward, 'provider.changed')).toMatchObject([
      { before: { is_byok_supported: true }, after: { is_byok_supported: false } },
      { before: { is_byok_supported: false }, after: { is_byok_supported: true } },
    ]);
  });

  test('hears that the provider refuses it, the row says so, and the platform is not blamed', async () => {
    await store(room, 'mallory', room.keyward.encrypt(deadKey));
    const mallory = await limitedToken(room.keyward, { owner: 'mallory' });
    expect(await chat(room, mallory)).toMatchObject({
      status: 403,
      code: 'user_key_rejected',
      message: expect.stringMatching(/^The provider "openrouter" refused your own key\./) as string,
      source: 'byok',
      fallback: null,
    });
    await expect
      .poll(async () =>
        room.keyward.sql(
          `SELECT is_validated, validation_error IS NOT NULL AS said, last_validated_at IS NOT NULL AS dated
             FROM user_api_keys WHERE user_id = 'mallory'`,
        ),
      )
      .toEqual([{ is_validated: false, said: true, dated: true }]);
    expect(await eventsOf(room.keyward, 'user_key.refused')).toMatchObject([
      { actor: { kind: 'system' }, target: { id: 'mallory openrouter' } },
    ]);
    const metrics = await (await fetch(`${room.keyward.server.url}/metrics`)).text();
    expect(metrics).toContain('keyward_provider_key_rejections_total{provider="openrouter"} 0');
    expect(room.keyward.logLines.join('')).not.toContain(deadKey);
  });

  test('whose row cannot be read is told, and all others are served', async () => {
    await store(room, 'trent', 'gAAAA, and no more of a token');
    const trent = await limitedToken(room.keyward, { owner: 'trent' });
    const ada = await limitedToken(room.keyward, { owner: 'ada' });
    expect(await chat(room, trent)).toMatchObject({ status: 503, code: 'user_key_unusable' });
    expect(await chat(room, ada)).toMatchObject({ status: 200, source: 'byok' });
  });
});

describe('where the operator allows the key of the platform', () => {
  const room = gatewayAndProvider({ BYOK_FALLBACK: 'system' });

  test('it takes over from a key that is refused or cannot be read, and the answer says so', async () => {
    room.provider.setKeys(asGood);
    await store(room, 'mallory', room.keyward.encrypt(deadKey));
    await store(room, 'trent', 'gAAAA, and no more of a token');
    const mallory = await limitedToken(room.keyward, { owner: 'mallory' });
    const trent = await limitedToken(room.keyward, { owner: 'trent' });
    const taken = { status: 200, source: 'environment', sentWith: `Bearer ${providerKey}` };
    expect(await chat(room, mallory)).toMatchObject({ ...taken, fallback: 'user_key_rejected' });
    expect(await chat(room, trent)).toMatchObject({ ...taken, fallback: 'user_key_unreadable' });
  });
});

describe('the keys of a user', () => {
  const room = gatewayAndProvider();

  const ask = async ({ headers }: LimitedToken, call: string, body?: object) => {
    const [method = '', path = ''] = call.split(' ');
    const response = await fetch(`${room.keyward.server.url}${byokKeys}${path}`, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const codeOf = ({ status, body }: { status: number; body: Record<string, unknown> }) => [
    status,
    (body['error'] as { code: string } | undefined)?.code,
  ];
  test('are set, serve at once, are listed masked, tested and removed, each on record', async () => {
    room.provider.setKeys(asGood);
    const ada = await limitedToken(room.keyward, { owner: 'ada' });
    const bob = await limitedToken(room.keyward, { owner: 'bob' });
    const set = await ask(ada, 'PUT ', {
      provider: 'openrouter',
      api_key: ownKey,
      key_name: 'mine',
    });
    const mask = `${ownKey.slice(0, 7)}…${ownKey.slice(-4)}`;
    expect(set).toMatchObject({ status: 200, body: { provider: 'openrouter', mask, verdict: 'valid' } });
    expect(await chat(room, ada)).toMatchObject({ source: 'byok', sentWith: `Bearer ${ownKey}` });
    const again = await ask(ada, 'POST ', { provider: 'openrouter', api_key: otherKey });
    expect(again.status).toBe(200);
    expect(await chat(room, ada)).toMatchObject({ sentWith: `Bearer ${otherKey}` });
    const listed = await ask(ada, 'GET ');
    expect(listed.body).toMatchObject({
      data: [{ provider: 'openrouter', key_name: null, is_active: true, is_validated: true }],
    });
    expect(JSON.stringify([set, again, listed])).not.toContain('b'.repeat(10));
    expect((await ask(bob, 'GET ')).body).toEqual({ object: 'list', data: [] });
    room.provider.setKeys([providerKey]);
    expect(await ask(ada, 'POST /openrouter/test')).toMatchObject({
      status: 200,
      body: { is_valid: false, verdict: 'invalid' },
    });
    expect((await ask(ada, 'GET ')).body).toMatchObject({
      data: [{ is_validated: false, validation_error: expect.any(String) as string }],
    });
    expect(codeOf(await ask(bob, 'DELETE /openrouter'))).toEqual([404, 'user_key_not_found']);
    expect(await ask(ada, 'DELETE /openrouter')).toMatchObject({ status: 200, body: { deleted: true } });
    expect(await chat(room, ada)).toMatchObject({ source: 'environment' });
    const actor = { kind: 'gateway_token', id: String(ada.id), name: 'limited' };
    const target = { kind: 'user_key', id: 'ada openrouter' };
    expect(await eventsOf(room.keyward, 'user_key.set')).toMatchObject([
      { actor, target, after: { replaced: false } },
      { actor, target, after: { replaced: true } },
    ]);
    expect(await eventsOf(room.keyward, 'user_key.tested')).toMatchObject([{ actor, target }]);
    expect(await eventsOf(room.keyward, 'user_key.removed')).toMatchObject([{ actor, target }]);
    const rows = await room.keyward.sql('SELECT event FROM keyward_audit_events');
    expect(JSON.stringify(rows) + room.keyward.logLines.join('')).not.toContain('b'.repeat(10));
  });

  test('are refused where they are none, are dead, or are not taken, and nothing is stored', async () => {
    room.provider.setKeys(asGood);
    const token = await limitedToken(room.keyward, { owner: 'carol' });
    const set = async (body: object) => codeOf(await ask(token, 'PUT ', body));
    const key = { provider: 'openrouter', api_key: ownKey };
    expect(await set({ ...key, api_key: deadKey })).toEqual([422, 'key_proven_dead']);
    expect(await set({ ...key, api_key: token.token })).toEqual([400, 'key_refused']);
    expect(await set({ ...key, provider: 'nobody' })).toEqual([404, 'provider_not_found']);
    expect(await set({ ...key, provider: ownKey })).toEqual([400, 'field_invalid']);
    expect(await set({ ...key, key_name: ownKey })).toEqual([400, 'field_invalid']);
    expect(await set({ ...key, other: 1 })).toEqual([400, 'field_unknown']);
    expect(await set({ provider: 'openrouter' })).toEqual([400, 'field_invalid']);
    await room.keyward.sql(`UPDATE llm_providers SET is_byok_supported = false WHERE provider_slug = 'xai'`);
    expect(await set({ ...key, provider: 'xai' })).toEqual([400, 'byok_not_supported']);
    expect((await ask(token, 'GET ')).body).toEqual({ object: 'list', data: [] });
  });

  test('are nobody’s with a token that is nobody’s', async () => {
    const token = await limitedToken(room.keyward, {});
    expect(await ask(token, 'GET ')).toMatchObject({
      status: 403,
      body: {
        error: {
          code: 'token_without_owner',
          message: expect.stringContaining('keyward tokens limit <token> --owner <user>') as string,
        },
      },
    });
    expect(codeOf(await ask({ ...token, headers: { authorization: 'Bearer x' } }, 'GET '))).toEqual([
      401,
      'token_invalid',
    ]);
  });

  test('may be tested ten times a minute', async () => {
    room.provider.setKeys(asGood);
    const token = await limitedToken(room.keyward, { owner: 'dave' });
    await ask(token, 'PUT ', { provider: 'openrouter', api_key: ownKey });
    await room.keyward.sql(
      `UPDATE keyward_idempotency_keys SET answer = (SELECT jsonb_agg((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM generate_series(1, 10))::text
        WHERE actor = 'key tests of user dave'`,
    );
    const refused = await ask(token, 'POST /openrouter/test');
    expect(codeOf(refused)).toEqual([429, 'key_tests_limited']);
    expect(refused.body).toMatchObject({
      error: { message: 'You may have 10 keys tested a minute. Nothing was changed.' },
    });
  });
});
