/** Tests of many keys, their history, and the dry run: each says what it did and what it did not. */
import { expect, test } from 'vitest';
import {
  describeAdministered,
  deadKey,
  environmentKey,
  firstKey,
} from '../../support/administered-keyward.ts';

const providers = '/api/v1/admin/providers';

interface Outcome {
  readonly provider: string;
  readonly outcome: string;
  readonly [field: string]: unknown;
}

describeAdministered('test-all', (here) => {
  test('tests what has a key, says why it did not test the rest, and counts as one test', async () => {
    const { call, provider, keyward, clock } = here();
    await keyward.setProvider('xai', {
      base_url: `${provider.origin}/v1`,
      encrypted_api_key: keyward.encrypt(deadKey),
      api_key_source: 'database',
    });
    await keyward.setProvider('groq', { is_active: false });
    const { status, body } = await call(`POST ${providers}/test-all`, { body: { reason: 'weekly' } });
    expect(status).toBe(200);
    const data = body['data'] as Outcome[];
    expect(body).toMatchObject({ tested: 2, pending: 0 });
    expect(data.map((one) => one.provider)).toHaveLength(11);
    expect(data.find((one) => one.provider === 'openrouter')).toMatchObject({
      outcome: 'tested',
      source: 'environment',
      result: { is_valid: true, verdict: 'valid' },
    });
    expect(data.find((one) => one.provider === 'xai')).toMatchObject({
      outcome: 'tested',
      source: 'database',
    });
    expect(data.find((one) => one.provider === 'openai')).toMatchObject({
      outcome: 'skipped',
      reason: expect.stringContaining('OPENAI_API_KEY is not set') as string,
      result: null,
    });
    const again = await call(`POST ${providers}/test-all`);
    expect(again.body).toMatchObject({ tested: 0 });
    expect((again.body['data'] as Outcome[]).find((one) => one.provider === 'openrouter')).toMatchObject({
      outcome: 'skipped',
      reason: expect.stringContaining('was asked a moment ago') as string,
    });
    clock.pass(2_000);
    expect((await here().onKey('POST test-key')).status).toBe(200);
    await keyward.setProvider('groq', { is_active: true });
    await keyward.setProvider('xai', { encrypted_api_key: null, api_key_source: 'environment' });
  });

  test('begins nothing once its time is up, and says what is pending', async () => {
    const { call, provider, clock, keyward } = here();
    const slugs = ['openai', 'mistral', 'groq', 'together', 'fireworks', 'deepseek'];
    for (const slug of slugs) {
      await keyward.setProvider(slug, {
        base_url: `${provider.origin}/v1`,
        encrypted_api_key: keyward.encrypt(firstKey),
        api_key_source: 'database',
      });
    }
    provider.behave({ insteadOfHeaders: 'stall' });
    const asked = call(`POST ${providers}/test-all`);
    await provider.waitForStall(4);
    clock.pass(51_000);
    provider.behave({});
    provider.release('rest');
    const { body } = await asked;
    expect(body).toMatchObject({ tested: 4, pending: 3 });
    expect((body['data'] as Outcome[]).filter(({ outcome }) => outcome === 'pending')).toMatchObject([
      { reason: 'The time was up before its turn came.' },
      { reason: 'The time was up before its turn came.' },
      { reason: 'The time was up before its turn came.' },
    ]);
    for (const slug of slugs) await keyward.setProvider(slug, { encrypted_api_key: null });
  });
});

describeAdministered('the history of tests', (here) => {
  test('has every test with its verdict, newest first, page by page, and outlives the key', async () => {
    const { onKey, clock } = here();
    const before = ((await onKey('GET tests?limit=200')).body['data'] as unknown[]).length;
    const verdicts = ['valid', 'invalid', 'valid'];
    for (const verdict of verdicts) {
      await onKey('POST test-key', { body: { api_key: verdict === 'valid' ? firstKey : deadKey } });
      clock.pass(2_000);
    }
    const whole = (await onKey('GET tests?limit=200')).body['data'] as { id: string; verdict: string }[];
    expect(whole).toHaveLength(before + 3);
    expect(whole.slice(0, 3).map(({ verdict }) => verdict)).toEqual(['valid', 'invalid', 'valid']);
    expect(whole[0]).toMatchObject({
      source: 'candidate',
      asked_by: 'KEYWARD_ADMIN_TOKEN',
      http_status: 200,
      code: null,
    });
    const paged: unknown[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await onKey(`GET tests?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      paged.push(...(page.body['data'] as unknown[]));
      cursor = page.body['next_cursor'] as string | null;
    }
    expect(paged).toEqual(whole);
    const dead = (await onKey('GET tests?verdict=invalid&limit=1')).body['data'];
    expect(dead).toMatchObject([{ verdict: 'invalid' }]);
    expect((await onKey('GET tests?cursor=WyJ4Il0')).code).toBe('cursor_invalid');
  });
});

describeAdministered('resolve', (here) => {
  test('explains what serves now, and asks nobody', async () => {
    const { onKey, provider } = here();
    const asked = provider.requests.length;
    const { body } = await onKey('GET resolve');
    expect(body).toEqual({
      provider: 'openrouter',
      is_active: true,
      assumed: { source: null, stored_key: null, environment: null },
      serves: {
        source: 'environment',
        fingerprint: expect.stringMatching(/^fp_/) as string,
        mask: `${environmentKey.slice(0, 7)}…${environmentKey.slice(-4)}`,
        fallback: null,
        reason: 'the source is environment (OPENROUTER_API_KEY)',
        is_assumed: false,
        problem: null,
      },
      environment_variable: 'OPENROUTER_API_KEY',
      upstream: { base_url: provider.baseUrl, from: 'environment', problem: null },
    });
    expect(provider.requests).toHaveLength(asked);
  });

  test.each([
    ['source=database', null, null, 'no key is stored'],
    ['source=database&stored_key=present', 'database', null, 'the source is database'],
    ['source=hybrid&stored_key=present', 'database', null, 'a key is stored'],
    ['source=hybrid&stored_key=absent', 'environment', null, 'no key is stored'],
    ['source=hybrid&stored_key=dead', 'environment', 'database_key_dead', 'proved the stored key dead'],
    ['source=hybrid&stored_key=unreadable', 'environment', 'database_key_unreadable', 'does not decrypt'],
    ['source=hybrid&stored_key=absent&environment=absent', null, null, 'OPENROUTER_API_KEY is not set'],
    ['environment=absent', null, null, 'OPENROUTER_API_KEY is not set'],
    ['environment=present', 'environment', null, 'OPENROUTER_API_KEY'],
  ])('what if %s: from %s', async (query, source, fallback, reason) => {
    const { body } = await here().onKey(`GET resolve?${query}`);
    expect(body['serves']).toMatchObject({
      source,
      fallback,
      reason: expect.stringContaining(reason) as string,
    });
  });

  test('shows no fingerprint of a key that is only assumed, and changes nothing', async () => {
    const { onKey, keyward } = here();
    const { revision } = keyward.snapshot;
    const { body } = await onKey('GET resolve?source=database&stored_key=present');
    expect(body['serves']).toMatchObject({ is_assumed: true, fingerprint: null, mask: null });
    await keyward.caughtUp();
    expect(keyward.snapshot.revision).toBe(revision);
    expect((await onKey('GET resolve?stored_key=maybe')).code).toBe('parameter_invalid');
  });
});
