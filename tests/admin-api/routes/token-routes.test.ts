/** Tokens over HTTP: shown once, listed without themselves, good until their end, and revoked at once. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ask, eventsOf, newToken, pages, refusalOf, signIn } from '../../support/administrators.ts';
import { usualEngines } from '../../support/depth.ts';
import { manualClock } from '../../support/manual-clock.ts';
import {
  adminToken,
  startKeyward,
  type RunningKeyward,
  type StartOptions,
} from '../../support/running-keyward.ts';

const leftovers: RunningKeyward[] = [];
afterEach(async () => {
  for (const one of leftovers.splice(0)) await one.stop();
});

async function start(options: StartOptions = {}): Promise<RunningKeyward> {
  const keyward = await startKeyward({ engine: 'postgres', ...options });
  leftovers.push(keyward);
  return keyward;
}

const tokens = '/api/v1/admin/tokens';
const status = 'GET /api/v1/admin/status';

interface TokenAnswer {
  readonly id: number;
  readonly token: string;
  readonly state: string;
}

async function make(keyward: RunningKeyward, body: object): Promise<TokenAnswer> {
  const response = await ask(keyward, `POST ${tokens}`, { token: adminToken, body });
  expect(response.status).toBe(201);
  return (await response.json()) as TokenAnswer;
}

async function list(keyward: RunningKeyward, query = ''): Promise<TokenAnswer[]> {
  const response = await ask(keyward, `GET ${tokens}${query}`, { token: adminToken });
  return ((await response.json()) as { data: TokenAnswer[] }).data;
}

describe.each(usualEngines)('on the engine %s', (engine) => {
  let keyward: RunningKeyward;
  beforeAll(async () => {
    keyward = await startKeyward({ engine });
  });
  afterAll(async () => keyward.stop());

  test('an admin token is made, shown this once, used, listed and revoked', async () => {
    const made = await make(keyward, {
      kind: 'admin',
      name: 'nightly',
      role: 'viewer',
      expires_at: '2131-01-31T13:00:00+01:00',
      reason: 'reports',
    });
    expect(made).toMatchObject({
      kind: 'admin',
      name: 'nightly',
      role: 'viewer',
      state: 'good',
      expires_at: '2131-01-31T12:00:00.000Z',
      last_used_at: null,
      revision: expect.any(Number) as number,
    });
    expect((await ask(keyward, status, { token: made.token })).status).toBe(200);
    const text = JSON.stringify(await list(keyward));
    expect(text).toContain(made.token.slice(0, 10));
    expect(text).not.toContain(made.token.slice(0, 11));
    const revoked = await ask(keyward, `DELETE ${tokens}/${made.id}`, { token: adminToken });
    expect([revoked.status, await revoked.json()]).toEqual([
      200,
      { id: made.id, revision: expect.any(Number) as number, applied: null },
    ]);
    expect((await ask(keyward, status, { token: made.token })).status).toBe(401);
    expect((await list(keyward)).find(({ id }) => id === made.id)).toMatchObject({ state: 'revoked' });
    const about = async (action: 'token.created' | 'token.revoked') =>
      (await eventsOf(keyward, action)).filter(({ target }) => target.id === String(made.id));
    expect(await about('token.created')).toMatchObject([
      {
        actor: { kind: 'bootstrap_token', role: 'admin' },
        reason: 'reports',
        target: { id: String(made.id) },
      },
    ]);
    expect(await about('token.revoked')).toHaveLength(1);
    const events = await keyward.sql('SELECT event FROM keyward_audit_events');
    expect(JSON.stringify(events) + keyward.logLines.join('')).not.toContain(made.token.slice(0, 11));
  });

  test('a gateway token is made with limits, which are changed, listed, live, and on record', async () => {
    const made = await make(keyward, {
      name: 'limited',
      owner: 'ada',
      allowed_providers: ['groq'],
      allowed_models: ['groq/*'],
      daily_budget_usd: 0.5,
    });
    const limits = {
      owner: 'ada',
      allowed_providers: ['groq'],
      allowed_models: ['groq/*'],
      requests_per_minute: null,
      tokens_per_minute: null,
      daily_budget_usd: 0.5,
      monthly_budget_usd: null,
    };
    expect(made).toMatchObject(limits);
    const changed = await ask(keyward, `PATCH ${tokens}/${made.id}`, {
      token: adminToken,
      body: { allowed_models: null, requests_per_minute: 60, reason: 'too many' },
    });
    const after = { ...limits, allowed_models: null, requests_per_minute: 60 };
    expect([changed.status, await changed.json()]).toEqual([
      200,
      { id: made.id, ...after, revision: expect.any(Number) as number, applied: null },
    ]);
    expect((await list(keyward)).find(({ id }) => id === made.id)).toMatchObject(after);
    await keyward.caughtUp();
    const refused = await keyward.chat(undefined, { headers: { authorization: `Bearer ${made.token}` } });
    expect([refused.status, refused.headers.get('x-ratelimit-limit-requests')]).toEqual([403, '60']);
    expect((await eventsOf(keyward, 'token.created')).at(-1)).toMatchObject({ after: limits });
    expect((await eventsOf(keyward, 'token.limited')).at(-1)).toMatchObject({
      reason: 'too many',
      target: { id: String(made.id) },
      before: limits,
      after,
    });
    const [none] = await keyward.sql<{ noted: string }>(
      `SELECT count(*) AS noted FROM keyward_foreign_changes WHERE table_name = 'keyward_token_limits'`,
    );
    expect(none).toEqual({ noted: '0' });
  });

  test('limits that make no sense are refused by name, and change nothing', async () => {
    const made = await make(keyward, { name: 'unlimited' });
    const refused = async (body: object, path: `/${string}` = `${tokens}/${made.id}`) => {
      const method = path === tokens ? 'POST' : 'PATCH';
      const answer = await ask(keyward, `${method} ${path}`, { token: adminToken, body });
      const { error } = (await answer.json()) as { error: { param: string; message: string } };
      return [answer.status, error.param, error.message] as const;
    };
    expect(await refused({ allowed_providers: ['groq', 'grok', 'nobody'] })).toEqual([
      400,
      'allowed_providers',
      expect.stringMatching(
        /^There is no provider "grok", "nobody"\. Known here: anthropic, .*groq.*\. Nothing was changed\.$/,
      ) as string,
    ]);
    const wrong: [object, string][] = [
      [{ allowed_providers: [] }, 'allowed_providers'],
      [{ allowed_models: ['gpt-x'] }, 'allowed_models.0'],
      [{ requests_per_minute: 0 }, 'requests_per_minute'],
      [{ tokens_per_minute: 1.5 }, 'tokens_per_minute'],
      [{ daily_budget_usd: -1 }, 'daily_budget_usd'],
      [{ monthly_budget_usd: 1_000_000 }, 'monthly_budget_usd'],
      [{ owner: ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-') }, 'owner'],
    ];
    for (const [body, param] of wrong) expect((await refused(body)).slice(0, 2)).toEqual([400, param]);
    expect((await refused({ kind: 'admin', name: 'x', owner: 'ada' }, tokens)).slice(0, 2)).toEqual([
      400,
      'owner',
    ]);
    const admin = await make(keyward, { kind: 'admin', name: 'x' });
    expect((await refused({ owner: 'ada' }, `${tokens}/${admin.id}`))[2]).toMatch(
      /^Only gateway tokens have limits/,
    );
    expect((await refused({ owner: 'ada' }, `${tokens}/999999`))[0]).toBe(404);
    expect((await list(keyward)).find(({ id }) => id === made.id)).toMatchObject({ owner: null });
  });

  test('a gateway token serves calls until its time, and is then refused to the millisecond', async () => {
    const clock = manualClock();
    const keyward = await start({ engine, clock, env: { OPENROUTER_API_KEY: ['sk', 'test'].join('-') } });
    const made = await make(keyward, {
      name: 'an application',
      expires_at: new Date(clock.now().getTime() + 60_000).toISOString(),
    });
    await keyward.caughtUp();
    // Past the door a request fails for want of a model.
    const knock = async (): Promise<number> =>
      (await keyward.chat('{}', { headers: { authorization: `Bearer ${made.token}` } })).status;
    clock.pass(59_999);
    expect(await knock()).toBe(400);
    clock.pass(1);
    expect(await knock()).toBe(401);
    expect(await list(keyward)).toMatchObject([{ role: null, state: 'expired' }]);
  });

  test('who made and revoked what is the session or token that did it', async () => {
    const { id, token } = await newToken(keyward, { name: 'chief' });
    const session = await signIn(keyward, token);
    await ask(keyward, `POST ${tokens}`, { session, body: { name: 'by session' } });
    await ask(keyward, `POST ${tokens}`, { token, body: { name: 'by token' } });
    expect((await eventsOf(keyward, 'token.created')).slice(-2)).toMatchObject([
      { actor: { kind: 'session', id: session.id, name: 'chief' }, after: { name: 'by session' } },
      { actor: { kind: 'admin_token', id: String(id), name: 'chief' }, after: { name: 'by token' } },
    ]);
  });

  test('without a record no token is made and none is revoked', async () => {
    const keyward = await start({ engine });
    const { id } = await newToken(keyward);
    await keyward.sql(
      'ALTER TABLE keyward_audit_events ADD CONSTRAINT full_disk CHECK (sequence < 0) NOT VALID',
    );
    const before = await keyward.sql('SELECT * FROM keyward_tokens');
    for (const request of [`POST ${tokens}`, `DELETE ${tokens}/${id}`] as const) {
      const body = request.startsWith('POST') ? { body: { name: 'x' } } : {};
      const response = await ask(keyward, request, { token: adminToken, ...body });
      expect(await refusalOf(response)).toEqual({ status: 503, code: 'audit_unavailable' });
    }
    expect(await keyward.sql('SELECT * FROM keyward_tokens')).toEqual(before);
  });
});

describe('a token', () => {
  let keyward: RunningKeyward;
  beforeAll(async () => {
    keyward = await startKeyward({ engine: 'postgres' });
  });
  afterAll(async () => keyward.stop());

  test.each([
    [{}],
    [{ name: '' }],
    [{ name: 'x'.repeat(201) }],
    [{ name: 'two\nlines' }],
    [{ name: 'read \u202ebackwards' }],
    [{ name: ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-') }],
    [{ name: 7 }],
    [{ name: 'x', kind: 'root' }],
    [{ name: 'x', role: 'viewer' }],
    [{ name: 'x', kind: 'admin', role: 'owner' }],
    [{ name: 'x', expires_at: 'tomorrow' }],
    [{ name: 'x', expires_at: '2031-01-31' }],
    [{ name: 'x', expires_at: '2031-02-30T00:00:00Z' }],
    [{ name: 'x', expires_at: '2001-01-31T00:00:00Z' }],
    [{ name: 'x', token: 'kwa_of-my-own' }],
    [[]],
    ['x'],
    [null],
  ])('that is asked for as %j is not made', async (body) => {
    expect((await ask(keyward, `POST ${tokens}`, { token: adminToken, body })).status).toBe(400);
    expect(await list(keyward)).toEqual([]);
  });

  test.each(['0x1', '1.5', '-1', '1e3', '99999999999', 'x'])('of number %s cannot be', async (id) => {
    expect((await ask(keyward, `DELETE ${tokens}/${id}`, { token: adminToken })).status).toBe(400);
  });

  test('that is not there cannot be revoked; one that was revoked stays as it is', async () => {
    const revoke = async (id: number) => ask(keyward, `DELETE ${tokens}/${id}`, { token: adminToken });
    expect(await refusalOf(await revoke(4711))).toEqual({ status: 404, code: 'token_not_found' });
    const { id } = await newToken(keyward);
    await revoke(id);
    const before = await list(keyward);
    expect((await revoke(id)).status).toBe(200);
    expect(await list(keyward)).toEqual(before);
    const events = await eventsOf(keyward, 'token.revoked');
    expect(events.filter(({ target }) => target.id === String(id))).toHaveLength(1);
  });
});

test('the list is narrowed by kind and state', async () => {
  const keyward = await start();
  await newToken(keyward, { kind: 'gateway', name: 'caller' });
  await newToken(keyward, { name: 'chief' });
  await newToken(keyward, { name: 'expired', expiresAt: new Date('2001-01-01T00:00:00Z') });
  const names = async (query: string) =>
    (await list(keyward, query)).map((one) => (one as unknown as { name: string }).name);
  expect(await names('')).toEqual(['caller', 'chief', 'expired']);
  expect(await names('?kind=admin')).toEqual(['chief', 'expired']);
  expect(await names('?kind=admin&state=good')).toEqual(['chief']);
  expect(await names('?state=revoked')).toEqual([]);
  expect((await ask(keyward, `GET ${tokens}?kind=root`, { token: adminToken })).status).toBe(400);
});

describe('the list of tokens', () => {
  let keyward: RunningKeyward;
  const clock = manualClock();
  beforeAll(async () => {
    keyward = await startKeyward({ engine: 'postgres', clock });
    const day = 86_400_000;
    for (const [name, days] of [
      ['same', 1],
      ['same', null],
      ['Other', 3],
      ['a_b', -1],
      ['100%', 2],
      ['last', null],
    ] as const) {
      const expiresAt = days === null ? null : new Date(clock.now().getTime() + days * day);
      await newToken(keyward, { name, expiresAt });
    }
    const [, second] = await list(keyward);
    await keyward.sql('UPDATE keyward_tokens SET last_used_at = now() WHERE id = $1', [second?.id]);
  });
  afterAll(async () => keyward.stop());

  test.each(['id', 'name', 'created_at', 'expires_at', 'last_used_at'])(
    'sorted by %s gives each token once, page by page, and the same from the end',
    async (sort) => {
      const forth = await pages(keyward, `${tokens}?sort=${sort}&limit=2`);
      const back = await pages(keyward, `${tokens}?sort=-${sort}&limit=2`);
      expect(forth.map(({ id }) => id).toSorted((a, b) => Number(a) - Number(b))).toEqual([1, 2, 3, 4, 5, 6]);
      expect(back).toEqual(forth.toReversed());
    },
  );

  test('puts what never expires last, and what was never used first', async () => {
    const ids = async (sort: string) =>
      (await pages(keyward, `${tokens}?sort=${sort}`)).map(({ id }) => Number(id));
    expect(await ids('expires_at')).toEqual([4, 1, 5, 3, 2, 6]);
    expect((await ids('last_used_at')).at(-1)).toBe(2);
  });

  test('is narrowed by a part of the name, to the letter', async () => {
    const names = async (q: string) =>
      (await pages(keyward, `${tokens}?q=${encodeURIComponent(q)}`)).map(({ name }) => name);
    expect(await names('oth')).toEqual(['Other']);
    expect(await names('%')).toEqual(['100%']);
    expect(await names('_')).toEqual(['a_b']);
    expect(await names('')).toHaveLength(6);
  });

  test.each(['sort=-name', 'sort=id'])('takes no cursor of another order (%s)', async (other) => {
    const first = await ask(keyward, `GET ${tokens}?sort=name&limit=1`, { token: adminToken });
    const { next_cursor: cursor } = (await first.json()) as { next_cursor: string };
    const response = await ask(keyward, `GET ${tokens}?${other}&cursor=${cursor}`, { token: adminToken });
    expect(await refusalOf(response)).toEqual({ status: 400, code: 'cursor_invalid' });
  });
});

test('a token that was made answers when all instances let it in, where that is asked for', async () => {
  const keyward = await start();
  const made = await ask(keyward, `POST ${tokens}?wait=applied`, {
    token: adminToken,
    body: { name: 'caller' },
  });
  const { id, token, applied } = (await made.json()) as { id: number; token: string; applied: object };
  expect(applied).toEqual({ live: 1, behind: [] });
  const knock = async (): Promise<number> =>
    (await keyward.chat('{}', { headers: { authorization: `Bearer ${token}` } })).status;
  // Past the door a request fails for want of a model.
  expect(await knock()).toBe(400);
  await ask(keyward, `DELETE ${tokens}/${id}?wait=applied`, { token: adminToken });
  expect(await knock()).toBe(401);
});

test('an administrator may revoke the token that asks, and is then out', async () => {
  const keyward = await start();
  const { id, token } = await newToken(keyward);
  expect((await ask(keyward, `DELETE ${tokens}/${id}`, { token })).status).toBe(200);
  expect((await ask(keyward, status, { token })).status).toBe(401);
});
