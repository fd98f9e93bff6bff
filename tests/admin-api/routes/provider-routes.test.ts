/** Providers over HTTP: made, listed, changed and deleted by the rules, and what is refused changes nothing. */
import { describe, expect, test } from 'vitest';
import {
  describeAdministered,
  firstKey,
  type Administered,
  lastEvent,
} from '../../support/administered-keyward.ts';

const providers = '/api/v1/admin/providers';

interface View {
  readonly slug: string;
  readonly [field: string]: unknown;
}

interface Page {
  readonly data: readonly View[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

async function list({ call }: Administered, query = ''): Promise<Page> {
  return (await call(`GET ${providers}${query}`)).body as unknown as Page;
}

async function slugs(administered: Administered, query: string): Promise<string[]> {
  return (await list(administered, query)).data.map(({ slug }) => slug);
}

async function allPages(administered: Administered, query: string): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: Page = await list(administered, `?${query}${cursor === '' ? '' : `&cursor=${cursor}`}`);
    found.push(...page.data.map(({ slug }) => slug));
    expect(page.has_more).toBe(page.next_cursor !== null);
    cursor = page.next_cursor;
  }
  return found;
}

describeAdministered('the list of providers', (here) => {
  test('shows settings, stored key and what serves, and no secrets', async () => {
    await here().onKey('POST set-key', { body: { api_key: firstKey, skip_test: true } });
    const { data } = await list(here());
    expect(data).toHaveLength(12);
    expect(data.find(({ slug }) => slug === 'openrouter')).toEqual({
      slug: 'openrouter',
      display_name: 'OpenRouter',
      is_active: true,
      source: 'database',
      base_url: 'https://openrouter.ai/api/v1',
      upstream: { base_url: here().provider.baseUrl, from: 'environment', problem: null },
      example_model: 'openrouter/google/gemini-flash-1.5',
      request_headers: null,
      allow_private_network: false,
      is_byok_supported: true,
      stored_key: {
        mask: expect.stringMatching(/^sk-or-v….{4}$/) as string,
        fingerprint: expect.stringMatching(/^fp_/) as string,
        problem: null,
        binding: 'bound',
        updated_at: expect.stringMatching(/Z$/) as string,
        age_days: 0,
        test_status: 'untested',
        last_tested_at: null,
      },
      serves: {
        source: 'database',
        fingerprint: expect.stringMatching(/^fp_/) as string,
        fallback: null,
        reason: 'the source is database',
      },
      revision: expect.any(Number) as number,
    });
  });

  test.each([
    'slug',
    '-slug',
    'display_name',
    '-display_name',
    'key_updated_at',
    '-key_updated_at',
    '-last_tested',
  ])('page by page by %s has each provider once, in the order of the whole list', async (sort) => {
    const whole = await slugs(here(), `?sort=${sort}&limit=200`);
    expect(new Set(whole)).toHaveLength(12);
    for (const limit of [1, 5, 12])
      expect(await allPages(here(), `sort=${sort}&limit=${limit}`)).toEqual(whole);
  });

  test('goes on where it was when providers come and go between the pages', async () => {
    const { call } = here();
    const first = await list(here(), '?limit=3');
    const made = { slug: 'aaa', display_name: 'A', base_url: 'https://a.example/v1' };
    expect((await call(`POST ${providers}`, { body: made })).status).toBe(201);
    const second = await list(here(), `?limit=3&cursor=${first.next_cursor}`);
    await call(`DELETE ${providers}/aaa`);
    const all = await slugs(here(), '?limit=6');
    expect([...first.data, ...second.data].map(({ slug }) => slug)).toEqual(all);
  });

  test('is filtered by source, activity, test status and text', async () => {
    const { keyward, onKey } = here();
    await onKey('POST set-key', { body: { api_key: firstKey, source: 'hybrid' } });
    await keyward.setProvider('groq', { is_active: false });
    expect(await slugs(here(), '?source=hybrid')).toEqual(['openrouter']);
    expect(await slugs(here(), '?is_active=false')).toEqual(['groq']);
    expect(await slugs(here(), '?is_active=true')).toHaveLength(11);
    expect(await slugs(here(), '?status=valid')).toEqual(['openrouter']);
    expect(await slugs(here(), '?status=none')).toHaveLength(11);
    expect(await slugs(here(), '?q=AI&sort=-slug')).toContain('xai');
    expect(await slugs(here(), '?q=%25')).toEqual([]);
    await keyward.setProvider('groq', { is_active: true });
  });

  test('is not broken by what other programs write into a row', async () => {
    const { keyward } = here();
    await keyward.change(
      `UPDATE llm_providers SET api_key_source = 'vault', is_active = NULL, encrypted_api_key = 'broken',
              api_key_updated_at = 'infinity', api_key_last_tested = '-infinity', request_headers = '[1]',
              base_url = 'https://user:pass-7q@host/v1?key=abc' WHERE provider_slug = 'cohere'`,
    );
    for (const sort of ['slug', '-key_updated_at', 'last_tested']) {
      const { data } = await list(here(), `?sort=${sort}`);
      expect(data.find(({ slug }) => slug === 'cohere')).toMatchObject({
        source: 'vault',
        is_active: false,
        base_url: 'https://[redacted]@host/v1?key=[redacted]',
        request_headers: null,
        stored_key: {
          problem: expect.any(String) as string,
          updated_at: null,
          age_days: null,
          last_tested_at: null,
        },
      });
    }
    expect(await allPages(here(), 'sort=-key_updated_at&limit=5')).toHaveLength(12);
  });

  test.each([
    ['limit=0', 'parameter_invalid', 'limit'],
    ['limit=201', 'parameter_invalid', 'limit'],
    ['limit=1e2', 'parameter_invalid', 'limit'],
    ['limit=5&limit=6', 'parameter_invalid', 'limit'],
    ['limit=', 'parameter_invalid', 'limit'],
    ['sort=api_key', 'parameter_invalid', 'sort'],
    ['is_active=yes', 'parameter_invalid', 'is_active'],
    ['q=%00', 'parameter_invalid', 'q'],
    ['page=2', 'parameter_unknown', 'page'],
    ['cursor=nonsense', 'cursor_invalid', 'cursor'],
    ['cursor=bnVsbA', 'cursor_invalid', 'cursor'],
  ])('refuses ?%s as %s and names it', async (query, code, param) => {
    const { status, body } = await here().call(`GET ${providers}?${query}`);
    expect(status).toBe(400);
    expect(body['error']).toMatchObject({ code, param });
  });

  test('refuses the cursor of another order', async () => {
    const { next_cursor: cursor } = await list(here(), '?sort=slug&limit=1');
    const { code } = await here().call(`GET ${providers}?sort=-slug&limit=1&cursor=${cursor}`);
    expect(code).toBe('cursor_invalid');
  });
});

describeAdministered('a provider', (here) => {
  const ours = { slug: 'our-llm', display_name: 'Ours', base_url: 'https://llm.example.com/v1' };

  test('is made with what is named, serves at once, and is recorded', async () => {
    const { call, keyward } = here();
    const made = await call(`POST ${providers}?wait=applied`, {
      body: { ...ours, source: 'hybrid', request_headers: { 'x-team': 'red' }, reason: 'new models' },
    });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      applied: { live: 1, behind: [] },
      provider: { ...ours, source: 'hybrid', is_active: true, request_headers: { 'x-team': 'red' } },
    });
    expect(keyward.snapshot.providers.has('our-llm')).toBe(true);
    expect((await call(`GET ${providers}/our-llm`)).body).toEqual(made.body['provider']);
    expect(await lastEvent(here())).toMatchObject({
      action: 'provider.created',
      target: { kind: 'provider', id: 'our-llm' },
      reason: 'new models',
    });
    const again = await call(`POST ${providers}`, { body: ours });
    expect([again.status, again.code]).toEqual([409, 'provider_exists']);
    expect((await call(`DELETE ${providers}/our-llm`)).body).toMatchObject({
      slug: 'our-llm',
      deleted: true,
    });
  });

  test.each([
    [{ slug: 'Our LLM' }, 'field_invalid', 'slug'],
    [{ slug: 'a/b' }, 'field_invalid', 'slug'],
    [{ slug: 'test-all' }, 'field_invalid', 'slug'],
    [{ slug: undefined }, 'field_invalid', 'slug'],
    [{ display_name: '' }, 'field_invalid', 'display_name'],
    [{ display_name: 'a\u0000b' }, 'field_invalid', 'display_name'],
    [{ base_url: undefined }, 'field_invalid', 'base_url'],
    [{ base_url: 'http://llm.example.com/v1' }, 'field_invalid', 'base_url'],
    [{ base_url: 'https://user:pass@llm.example.com/v1' }, 'field_invalid', 'base_url'],
    [{ base_url: 'ftp://llm.example.com' }, 'field_invalid', 'base_url'],
    [{ source: 'vault' }, 'field_invalid', 'source'],
    [{ is_active: 'yes' }, 'field_invalid', 'is_active'],
    [{ request_headers: { Authorization: 'x' } }, 'field_invalid', 'request_headers.Authorization'],
    [{ request_headers: { 'x-team': 'a\nb' } }, 'field_invalid', 'request_headers.x-team'],
    [{ request_headers: { 'x-team': firstKey } }, 'field_invalid', 'request_headers.x-team'],
    [{ api_key: 'x' }, 'field_unknown', 'api_key'],
    [{ isActive: true }, 'field_unknown', 'isActive'],
  ])('is not made of %j: %s names %s', async (change, code, param) => {
    const { status, body, text } = await here().call(`POST ${providers}`, { body: { ...ours, ...change } });
    expect(status).toBe(400);
    expect(body['error']).toMatchObject({ code, param });
    expect(text).not.toContain(firstKey);
    expect((await here().call(`GET ${providers}/our-llm`)).status).toBe(404);
  });

  test('is changed in what is named and in nothing else', async () => {
    const { call, keyward } = here();
    const { body: before } = await call(`GET ${providers}/mistral`);
    const changed = await call(`PATCH ${providers}/mistral`, {
      body: { is_active: false, source: 'database', reason: 'the contract has ended' },
    });
    expect(changed.body).toMatchObject({ parked: false, revision: expect.any(Number) as number });
    expect((await call(`GET ${providers}/mistral`)).body).toEqual({
      ...before,
      is_active: false,
      source: 'database',
      serves: expect.objectContaining({ reason: 'the provider is not active' }) as unknown,
      revision: changed.body['revision'],
    });
    await keyward.caughtUp();
    expect(keyward.snapshot.providers.has('mistral')).toBe(false);
    const nothing = await call(`PATCH ${providers}/mistral`, { body: { reason: 'no reason' } });
    expect([nothing.status, nothing.code]).toEqual([400, 'field_invalid']);
  });

  test('that is not known here needs an address; one that is known may do without', async () => {
    const { call } = here();
    const known = await call(`PATCH ${providers}/perplexity`, { body: { base_url: null } });
    expect(known.body).toMatchObject({
      provider: { base_url: null, upstream: { base_url: 'https://api.perplexity.ai', from: 'provider' } },
    });
  });

  test('with a key, models or keys of users is deleted only by force, and goes with them', async () => {
    const { call, keyward } = here();
    await call(`POST ${providers}`, { body: ours });
    await call(`POST ${providers}/our-llm/set-key`, { body: { api_key: firstKey, skip_test: true } });
    await keyward.change(
      `INSERT INTO llm_models (provider_id, model_name, model_id, display_name)
         SELECT id, 'm', 'm', 'M' FROM llm_providers WHERE provider_slug = 'our-llm'`,
    );
    const refused = await call(`DELETE ${providers}/our-llm`);
    expect([refused.status, refused.code]).toEqual([409, 'provider_in_use']);
    expect(refused.text).toMatch(/a stored key, 1 models.*force=true/);
    const forced = await call(`DELETE ${providers}/our-llm?force=true&wait=applied`);
    expect(forced.body).toMatchObject({ deleted: true, applied: { behind: [] } });
    expect((await call(`GET ${providers}/our-llm`)).status).toBe(404);
    expect(await keyward.sql("SELECT FROM llm_models WHERE model_id = 'm'")).toEqual([]);
  });

  test('whose models have routing rules stays, by force too', async () => {
    const { call, keyward } = here();
    await call(`POST ${providers}`, { body: ours });
    await keyward.sql(
      `WITH model AS (INSERT INTO llm_models (provider_id, model_name, model_id, display_name)
           SELECT id, 'm', 'm', 'M' FROM llm_providers WHERE provider_slug = 'our-llm' RETURNING id)
       INSERT INTO llm_routing_rules (model_id, power_level, user_tier) SELECT id, 'low', 'free' FROM model`,
    );
    const refused = await call(`DELETE ${providers}/our-llm?force=true`);
    expect([refused.status, refused.code]).toEqual([409, 'provider_in_use']);
    expect(refused.text).toContain('1 routing rules of its models');
    expect((await call(`GET ${providers}/our-llm`)).status).toBe(200);
    await keyward.sql('DELETE FROM llm_routing_rules');
    await call(`DELETE ${providers}/our-llm?force=true`);
  });
});

describe('an address with a name that could be a secret', () => {
  describeAdministered('is not repeated', (here) => {
    test.each([firstKey, 'Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5', '../../etc/passwd', 'a'.repeat(100)])(
      'by GET of %s',
      async (slug) => {
        const answer = await here().call(`GET ${providers}/${encodeURIComponent(slug)}`);
        expect([answer.status, answer.code]).toEqual([404, 'provider_not_found']);
        expect(answer.text).not.toContain(slug);
      },
    );
  });
});
