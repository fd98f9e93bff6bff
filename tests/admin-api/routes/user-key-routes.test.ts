/** Keys that users brought, over HTTP: listed page by page and masked, and removed for good and on record. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, eventsOf, newToken, pages, refusalOf } from '../../support/administrators.ts';
import { firstKey, secondKey } from '../../support/administered-keyward.ts';
import { usualEngines } from '../../support/depth.ts';
import { limitedToken } from '../../support/limited-tokens.ts';
import { adminToken, startKeyward, type RunningKeyward } from '../../support/running-keyward.ts';

const userKeys = '/api/v1/admin/user-keys';

describe.each(usualEngines)('on the engine %s', (engine) => {
  let keyward: RunningKeyward;
  beforeAll(async () => {
    keyward = await startKeyward({ engine });
    const stored = keyward.encrypt(firstKey);
    const rows = [
      ['ada', 'openrouter', 'mine', true, true, null],
      ['ada', 'groq', null, false, false, null],
      ['bob', 'openrouter', 'of Ada, for tests', true, false, 'No auth credentials found.'],
      ['carol', 'xai', null, null, null, null],
    ];
    for (const [owner, slug, name, isActive, isValidated, problem] of rows)
      await keyward.sql(
        `INSERT INTO user_api_keys (user_id, provider_id, key_name, encrypted_api_key, key_prefix, key_suffix,
                                    is_active, is_validated, validation_error, last_validated_at, created_at)
         SELECT $1, id, $3, $4, 'sk-or-v', 'fa4e', $5, $6, $7, CASE WHEN $6 THEN '2026-01-02T03:04:05Z'::timestamp END,
                '2026-01-01T00:00:00Z'::timestamp
           FROM llm_providers WHERE provider_slug = $2`,
        [owner, slug, name, stored, isActive, isValidated, problem],
      );
  });
  afterAll(async () => keyward.stop());

  const list = async (query = '', token = adminToken): Promise<Record<string, unknown>[]> => {
    const answer = await ask(keyward, `GET ${userKeys}${query}`, { token });
    expect(answer.status).toBe(200);
    return ((await answer.json()) as { data: Record<string, unknown>[] }).data;
  };
  const whose = (keys: readonly Record<string, unknown>[]): string[] =>
    keys.map(({ owner, provider }) => `${String(owner)} ${String(provider)}`);
  const idOf = async (owner: string): Promise<unknown> => (await list(`?owner=${owner}`))[0]?.['id'];

  test('a viewer sees whose they are, masked, and what was said of them last', async () => {
    const viewer = await newToken(keyward, { role: 'viewer' });
    const keys = await list('', viewer.token);
    expect(keys).toEqual([
      {
        id: expect.any(Number) as number,
        owner: 'ada',
        provider: 'openrouter',
        key_name: 'mine',
        mask: 'sk-or-v…fa4e',
        is_active: true,
        is_validated: true,
        validation_error: null,
        last_validated_at: '2026-01-02T03:04:05.000Z',
        created_at: '2026-01-01T00:00:00.000Z',
        replaced_at: null,
      },
      expect.objectContaining({ owner: 'ada', provider: 'groq', is_active: false }),
      expect.objectContaining({ owner: 'bob', validation_error: 'No auth credentials found.' }),
      // What another program left open is no yes.
      expect.objectContaining({ owner: 'carol', is_active: false, is_validated: false }),
    ]);
    expect(JSON.stringify(keys)).not.toMatch(/gAAAA|fa4efa4e/);
  });

  test('are found by owner, by provider and by part of a name, and come in pages in every order', async () => {
    expect(whose(await list('?owner=ada&provider=groq'))).toEqual(['ada groq']);
    expect(whose(await list('?provider=openrouter'))).toEqual(['ada openrouter', 'bob openrouter']);
    expect(whose(await list('?q=ADA'))).toEqual(['ada openrouter', 'ada groq', 'bob openrouter']);
    expect(await list('?owner=ad')).toEqual([]);
    const all = whose(await list());
    for (const sort of [
      'owner',
      '-owner',
      'created_at',
      '-created_at',
      'last_validated_at',
      '-last_validated_at',
    ]) {
      const paged = whose(await pages(keyward, `${userKeys}?limit=1&sort=${sort}`));
      expect(paged.toSorted(), sort).toEqual(all.toSorted());
    }
    expect(whose(await pages(keyward, `${userKeys}?limit=3&sort=-owner`))[0]).toBe('carol xai');
    const { next_cursor: cursor } = (await (
      await ask(keyward, `GET ${userKeys}?limit=1`, { token: adminToken })
    ).json()) as { next_cursor: string };
    const other = await ask(keyward, `GET ${userKeys}?sort=-owner&cursor=${cursor}`, { token: adminToken });
    expect(await refusalOf(other)).toEqual({ status: 400, code: 'cursor_invalid' });
  });

  test('a key that another program stored with too much of itself beside it is masked all the same', async () => {
    await keyward.sql(
      `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key, key_name, key_prefix, key_suffix, validation_error)
       SELECT 'dan', id, 'x', $1, $2, $3, $4 FROM llm_providers WHERE provider_slug = 'openrouter'`,
      [firstKey, firstKey.slice(0, 20), firstKey.slice(-20), `refused: ${firstKey}`],
    );
    expect(await list('?owner=dan')).toMatchObject([
      { mask: 'sk-or-v…fa4e', key_name: '[redacted]', validation_error: 'refused: [redacted]' },
    ]);
    await keyward.sql(`DELETE FROM user_api_keys WHERE user_id = 'dan'`);
  });

  test('one is removed: it serves no more, its owner sees it no more, and the trail says who and why', async () => {
    const bob = await limitedToken(keyward, { owner: 'bob' });
    await keyward.caughtUp();
    expect(keyward.snapshot.userKeys.get('bob')?.has('openrouter')).toBe(true);
    const id = await idOf('bob');
    const removed = await ask(keyward, `DELETE ${userKeys}/${String(id)}?wait=applied`, {
      token: adminToken,
      body: { reason: 'has left' },
    });
    expect([removed.status, await removed.json()]).toMatchObject([
      200,
      { id, owner: 'bob', provider: 'openrouter', applied: { behind: [] } },
    ]);
    expect(keyward.snapshot.userKeys.has('bob')).toBe(false);
    const theirs = await fetch(`${keyward.server.url}/api/v1/llm/byok/keys`, { headers: bob.headers });
    expect(await theirs.json()).toEqual({ object: 'list', data: [] });
    expect(await eventsOf(keyward, 'user_key.removed')).toMatchObject([
      {
        actor: { kind: 'bootstrap_token', role: 'admin' },
        reason: 'has left',
        target: { kind: 'user_key', id: 'bob openrouter' },
        before: { mask: 'sk-or-v…fa4e', key_name: 'of Ada, for tests' },
      },
    ]);
    const again = await ask(keyward, `DELETE ${userKeys}/${String(id)}`, { token: adminToken });
    expect(await refusalOf(again)).toEqual({ status: 404, code: 'user_key_not_found' });
  });

  test('a viewer removes none, and a reason does not bring a key into the trail', async () => {
    const viewer = await newToken(keyward, { role: 'viewer' });
    const id = await idOf('carol');
    const refused = await ask(keyward, `DELETE ${userKeys}/${String(id)}`, { token: viewer.token });
    expect(await refusalOf(refused)).toEqual({ status: 403, code: 'role_insufficient' });
    expect(await idOf('carol')).toBe(id);
    await ask(keyward, `DELETE ${userKeys}/${String(id)}`, {
      token: adminToken,
      body: { reason: `it was ${secondKey}` },
    });
    const event = (await eventsOf(keyward, 'user_key.removed')).at(-1);
    expect(event).toMatchObject({ reason: 'it was [redacted]', target: { id: 'carol xai' } });
  });
});
