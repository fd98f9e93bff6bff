/** The key of one provider over HTTP: nothing unproven is thrown away, nothing dead is stored, nothing is shown. */
import { expect, test } from 'vitest';
import {
  deadKey,
  describeAdministered,
  environmentKey,
  firstKey,
  secondKey,
  type Administered,
  lastEvent,
} from '../../support/administered-keyward.ts';

const mask = (key: string): string => `${key.slice(0, 7)}…${key.slice(-4)}`;

async function storedRow({ keyward }: Administered): Promise<Record<string, unknown> | undefined> {
  const [row] = await keyward.sql(
    "SELECT encrypted_api_key, api_key_source, api_key_test_status FROM llm_providers WHERE provider_slug = 'openrouter'",
  );
  return row;
}

/** Settles when the server has ended the request of that key without having done it. */
async function letGo({ keyward }: Administered, key: string): Promise<void> {
  const claims = async (): Promise<unknown[]> =>
    keyward.sql('SELECT status FROM keyward_idempotency_keys WHERE key = $1', [key]);
  await expect.poll(claims).toEqual([]);
}

describeAdministered('set-key', (here) => {
  test('asks the provider, stores the key, and answers with what identifies it; the next request uses it', async () => {
    const { onKey, keyward, provider } = here();
    const answer = await onKey('POST set-key?wait=applied', { body: { api_key: firstKey } });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      provider: 'openrouter',
      source: 'database',
      mask: mask(firstKey),
      fingerprint: expect.stringMatching(/^fp_[0-9a-f]{12}$/) as string,
      verdict: 'valid',
      message: 'OpenRouter accepted the key.',
      advice: 'Nothing to do.',
      tested_at: '2026-03-01T09:00:00.000Z',
      warnings: [],
      revision: expect.any(Number) as number,
      applied: { live: 1, behind: [] },
    });
    const chat = await keyward.chat();
    expect(chat.headers.get('x-keyward-key-fingerprint')).toBe(answer.body['fingerprint']);
    expect(provider.requests.at(-1)?.headers.authorization).toBe(`Bearer ${firstKey}`);
    expect(await storedRow(here())).toMatchObject({
      api_key_source: 'database',
      api_key_test_status: 'valid',
    });
  });

  test('does not store a key that the provider proves dead, and says the verdict', async () => {
    const { onKey } = here();
    await onKey('POST set-key', { body: { api_key: firstKey, skip_test: true } });
    const before = await storedRow(here());
    const answer = await onKey('POST set-key', { body: { api_key: deadKey } });
    expect([answer.status, answer.code]).toEqual([422, 'key_proven_dead']);
    expect(answer.text).toMatch(/The key is invalid: .*Nothing was changed\./);
    expect(await storedRow(here())).toEqual(before);
    const tests = await onKey('GET tests?limit=1');
    expect(tests.body['data']).toMatchObject([{ source: 'candidate', verdict: 'invalid' }]);
  });

  test('stores a key on an answer that is no proof, and says so', async () => {
    const { onKey, provider } = here();
    provider.behave({ answer: { status: 500, body: '{}' } });
    const answer = await onKey('POST set-key', { body: { api_key: firstKey } });
    expect(answer.body).toMatchObject({ verdict: 'unreachable', source: 'database' });
    expect(await storedRow(here())).toMatchObject({ api_key_test_status: 'error' });
  });

  test('with skip_test asks nobody', async () => {
    const { onKey, provider } = here();
    const asked = provider.requests.length;
    const answer = await onKey('POST set-key', { body: { api_key: deadKey, skip_test: true } });
    expect(answer.body).toMatchObject({ verdict: null, tested_at: null });
    expect(provider.requests).toHaveLength(asked);
    expect(await storedRow(here())).toMatchObject({ api_key_test_status: 'untested' });
  });

  test('refuses what cannot be a key, with a sentence that holds no part of it, and asks nobody', async () => {
    const { onKey, provider } = here();
    const asked = provider.requests.length;
    const mistakes: Record<string, RegExp> = {
      [mask(firstKey)]: /masked key/,
      [`Bearer ${firstKey}`]: /Bearer/,
      [`"${firstKey}"`]: /quotation marks/,
      [`${firstKey.slice(0, 30)}\n${firstKey.slice(30)}`]: /line break/,
      [`${firstKey.slice(0, 30)} ${firstKey.slice(30)}`]: /white space/,
      [['sk', 'admin', 'q7'.repeat(20)].join('-')]: /admin key/,
      [['sk', 'ant', 'admin01', 'q7'.repeat(20)].join('-')]: /admin key/,
      '': /empty/,
    };
    for (const [input, sentence] of Object.entries(mistakes)) {
      const answer = await onKey('POST set-key', { body: { api_key: input } });
      expect([answer.status, answer.code]).toEqual([400, 'key_refused']);
      expect(answer.text).toMatch(sentence);
      expect(answer.text).not.toContain(firstKey.slice(10, 20));
      expect(answer.text).not.toContain('q7q7');
    }
    expect(provider.requests).toHaveLength(asked);
    expect(await storedRow(here())).toMatchObject({ encrypted_api_key: null });
  });

  test('refuses a management key that only the provider can tell from others', async () => {
    const { onKey, provider } = here();
    provider.setStanding(secondKey, 'management');
    const answer = await onKey('POST set-key', { body: { api_key: secondKey } });
    expect([answer.status, answer.code]).toEqual([400, 'key_refused']);
    expect(answer.text).toContain('management key');
    expect(await storedRow(here())).toMatchObject({ encrypted_api_key: null });
  });

  test('takes an unusual shape and warns', async () => {
    const { onKey, provider } = here();
    const unusual = ['brand', 'new', 'shape', '1234'.repeat(8)].join('-');
    provider.setKeys([unusual]);
    const { body } = await onKey('POST set-key', { body: { api_key: unusual } });
    expect(body).toMatchObject({ verdict: 'valid' });
    expect(body['warnings']).toEqual([expect.stringContaining('does not look like the usual keys')]);
  });

  test('says when the key will not serve', async () => {
    const { onKey, keyward } = here();
    await keyward.setProvider('openrouter', { is_active: false });
    const { body } = await onKey('POST set-key', { body: { api_key: firstKey, source: 'environment' } });
    expect(body['warnings']).toEqual([
      'The key does not serve: the source is environment.',
      'The provider is not active, so nobody is served by it.',
    ]);
  });

  test('leaves hybrid as it is, and takes the source that is named', async () => {
    const { onKey, keyward } = here();
    await keyward.setProvider('openrouter', { api_key_source: 'hybrid' });
    expect((await onKey('POST set-key', { body: { api_key: firstKey } })).body).toMatchObject({
      source: 'hybrid',
    });
    here().clock.pass(2_000);
    const named = await onKey('POST set-key', { body: { api_key: firstKey, source: 'database' } });
    expect(named.body).toMatchObject({ source: 'database' });
  });

  test('is recorded with who, why, and which request', async () => {
    const { onKey } = here();
    await onKey('POST set-key', {
      body: { api_key: firstKey, skip_test: true, reason: 'quarterly rotation' },
    });
    expect(await lastEvent(here())).toMatchObject({
      action: 'provider.key_set',
      reason: 'quarterly rotation',
      actor: { name: 'KEYWARD_ADMIN_TOKEN', role: 'admin', address: '127.0.0.1' },
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    });
  });

  test('stores nothing when the caller leaves during the test', async () => {
    const { onKey, provider } = here();
    provider.behave({ insteadOfHeaders: 'stall' });
    const gone = provider.disconnects;
    const leave = new AbortController();
    const left = onKey('POST set-key', {
      body: { api_key: firstKey },
      signal: leave.signal,
      headers: { 'idempotency-key': 'left while setting' },
    });
    await provider.waitForStall();
    leave.abort();
    await expect(left).rejects.toThrow(/abort/i);
    await provider.waitForDisconnect(gone + 1);
    await letGo(here(), 'left while setting');
    expect(await storedRow(here())).toMatchObject({ encrypted_api_key: null });
    expect((await onKey('GET tests?limit=1')).body['data']).not.toMatchObject([{ verdict: 'unreachable' }]);
  });
});

describeAdministered('remove-key', (here) => {
  test('removes the stored key, and hybrid goes on with the key of the environment', async () => {
    const { onKey, keyward } = here();
    await onKey('POST set-key', { body: { api_key: firstKey, source: 'hybrid', skip_test: true } });
    const answer = await onKey('DELETE remove-key?wait=applied', { body: { reason: 'leaked' } });
    expect(answer.body).toMatchObject({ provider: 'openrouter', removed: true, source: 'hybrid' });
    const chat = await keyward.chat();
    expect([chat.status, chat.headers.get('x-keyward-key-source')]).toEqual([200, 'environment']);
    expect(await lastEvent(here())).toMatchObject({ action: 'provider.key_removed', reason: 'leaked' });
  });

  test('says which rotation it ends', async () => {
    const { onKey, call } = here();
    await onKey('POST set-key', { body: { api_key: firstKey, source: 'hybrid', skip_test: true } });
    const begun = await call('POST /api/v1/admin/providers/openrouter/rotations', {
      body: { api_key: secondKey },
    });
    const { id } = begun.body['rotation'] as { id: string };
    expect((await onKey('DELETE remove-key')).body['warnings']).toEqual([
      `This ends rotation ${id}, which was staged: its new key sk-or-v…c0de is given up.`,
    ]);
    expect((await onKey('DELETE remove-key')).body['warnings']).toEqual([]);
  });

  test('without a stored key changes and records nothing; a body may be left out', async () => {
    const { onKey } = here();
    const before = await lastEvent(here());
    for (const body of [undefined, {}, '']) {
      const answer = await onKey('DELETE remove-key', body === undefined ? {} : { body });
      expect([answer.status, answer.body['removed']]).toEqual([200, false]);
    }
    expect(await lastEvent(here())).toEqual(before);
  });
});

describeAdministered('test-key', (here) => {
  test('tells what the provider says of the key that serves, and what it tells for free', async () => {
    const { onKey } = here();
    const { status, body } = await onKey('POST test-key');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      is_valid: true,
      response_time_ms: expect.any(Number) as number,
      tested_at: expect.stringMatching(/^2026-03-01T\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      verdict: 'valid',
      http_status: 200,
      source: 'environment',
      mask: mask(environmentKey),
      limit_usd: 100,
      remaining_usd: 74.5,
      usage_usd: 25.5,
      expires_at: null,
    });
  });

  test('tests a candidate and stores it nowhere', async () => {
    const { onKey } = here();
    const good = await onKey('POST test-key', { body: { api_key: secondKey } });
    expect(good.body).toMatchObject({ is_valid: true, source: 'candidate', mask: mask(secondKey) });
    here().clock.pass(2_000);
    const bad = await onKey('POST test-key', { body: { api_key: deadKey } });
    expect(bad.body).toMatchObject({ is_valid: false, verdict: 'invalid', source: 'candidate' });
    expect(await storedRow(here())).toMatchObject({ encrypted_api_key: null });
    expect(await lastEvent(here())).toMatchObject({ action: 'provider.key_tested' });
  });

  test('proves a stored key dead on its row, and hybrid falls back', async () => {
    const { onKey, provider, keyward } = here();
    await onKey('POST set-key', { body: { api_key: firstKey, source: 'hybrid', skip_test: true } });
    provider.revoke(firstKey);
    expect((await onKey('POST test-key')).body).toMatchObject({ verdict: 'invalid', source: 'database' });
    await keyward.caughtUp();
    expect((await keyward.chat()).headers.get('x-keyward-fallback')).toBe('database_key_dead');
  });

  test('without a key says why there is none, and a provider without an address cannot be asked', async () => {
    const { call, keyward } = here();
    const missing = await call('POST /api/v1/admin/providers/groq/test-key');
    expect([missing.status, missing.code]).toEqual([404, 'key_not_found']);
    expect(missing.text).toContain('GROQ_API_KEY is not set');
    await keyward.setProvider('xai', { base_url: 'http://xai.example/v1' });
    const candidate = { body: { api_key: ['xai', 'a1b2'.repeat(20)].join('-') } };
    const lost = await call('POST /api/v1/admin/providers/xai/test-key', candidate);
    expect([lost.status, lost.code]).toEqual([409, 'provider_not_askable']);
  });

  test('may be asked for ten times a minute, and each provider rests two seconds', async () => {
    const { onKey, call, clock, provider } = here();
    expect((await onKey('POST test-key')).status).toBe(200);
    const hot = await onKey('POST test-key');
    expect([hot.status, hot.code, hot.headers.get('retry-after')]).toEqual([
      429,
      'provider_cooling_down',
      '2',
    ]);
    for (let count = 2; count <= 10; count += 1) {
      clock.pass(2_000);
      expect((await onKey('POST test-key')).status).toBe(200);
    }
    clock.pass(2_000);
    const asked = provider.requests.length;
    const eleventh = await onKey('POST test-key');
    expect([eleventh.status, eleventh.code]).toEqual([429, 'key_tests_limited']);
    expect(eleventh.headers.get('retry-after')).toBe('40');
    expect((await call('POST /api/v1/admin/providers/test-all')).code).toBe('key_tests_limited');
    expect(provider.requests).toHaveLength(asked);
    clock.pass(40_000);
    expect((await onKey('POST test-key')).status).toBe(200);
  });

  test('ends when the caller leaves, and leaves no record', async () => {
    const { onKey, provider } = here();
    const before = (await onKey('GET tests?limit=1')).body['data'];
    provider.behave({ insteadOfHeaders: 'stall' });
    const gone = provider.disconnects;
    const leave = new AbortController();
    const left = onKey('POST test-key', {
      signal: leave.signal,
      headers: { 'idempotency-key': 'left while testing' },
    });
    await provider.waitForStall();
    leave.abort();
    await expect(left).rejects.toThrow(/abort/i);
    await provider.waitForDisconnect(gone + 1);
    await letGo(here(), 'left while testing');
    expect((await onKey('GET tests?limit=1')).body['data']).toEqual(before);
  });
});

describeAdministered('key-status', (here) => {
  test('says what is stored, what would serve and why, how old it is, what was last known of it, and what each instance serves', async () => {
    const { onKey, clock, keyward } = here();
    clock.set(new Date());
    const set = await onKey('POST set-key?wait=applied', { body: { api_key: firstKey } });
    clock.set(new Date(Date.now() + 3 * 86_400_000 + 60_000));
    const { body } = await onKey('GET key-status');
    const serves = {
      source: 'database',
      fingerprint: set.body['fingerprint'],
      fallback: null,
      reason: 'the source is database',
    };
    expect(body).toMatchObject({
      provider: 'openrouter',
      source: 'database',
      mask: mask(firstKey),
      age_days: 3,
      verdict: 'valid',
      last_tested_at: set.body['tested_at'],
      last_test: { asked_by: 'KEYWARD_ADMIN_TOKEN' },
      would_serve: { ...serves, mask: mask(firstKey) },
      stored_key: { test_status: 'valid', problem: null },
      revision: set.body['revision'],
      instances: [{ pid: process.pid, revision: keyward.snapshot.revision, up_to_date: true, serves }],
    });
  });

  test('of a provider that nothing serves says so', async () => {
    const { body } = await here().call('GET /api/v1/admin/providers/groq/key-status');
    expect(body).toMatchObject({
      stored_key: null,
      mask: null,
      age_days: null,
      verdict: null,
      would_serve: { source: null, reason: 'the source is environment and GROQ_API_KEY is not set' },
    });
  });

  test('of a key that cannot be read says why', async () => {
    const { onKey, keyward } = here();
    await keyward.setProvider('openrouter', { encrypted_api_key: 'no token', api_key_source: 'hybrid' });
    expect((await onKey('GET key-status')).body).toMatchObject({
      stored_key: { mask: null, problem: expect.stringContaining('is no encrypted key') as string },
      would_serve: { source: 'environment', fallback: 'database_key_unreadable' },
    });
  });
});

describeAdministered('a provider that is not there', (here) => {
  test.each(['POST set-key', 'DELETE remove-key', 'POST test-key', 'GET key-status'])(
    '%s is a 404 that names it',
    async (act) => {
      const [method = '', name = ''] = act.split(' ');
      const body = name === 'set-key' ? { api_key: firstKey } : undefined;
      const answer = await here().call(
        `${method} /api/v1/admin/providers/nobody/${name}`,
        body === undefined ? {} : { body },
      );
      expect([answer.status, answer.code]).toEqual([404, 'provider_not_found']);
      expect(answer.text).toContain('nobody');
    },
  );
});
