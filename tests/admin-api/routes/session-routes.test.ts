/** Sessions of the page over HTTP: the cookie, the proof that a write comes from the page, and every way out. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { generateToken } from '../../../src/auth/token.ts';
import {
  ask,
  behindProxy,
  cookieIn,
  eventsOf,
  newToken,
  pages,
  refusalOf,
  signIn,
  type BrowserSession,
} from '../../support/administrators.ts';
import { usualEngines } from '../../support/depth.ts';
import { manualClock } from '../../support/manual-clock.ts';
import {
  adminToken,
  newPlace,
  startKeyward,
  type RunningKeyward,
  type StartOptions,
} from '../../support/running-keyward.ts';

const minute = 60_000;
const leftovers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of leftovers.splice(0).toReversed()) await end();
});

async function start(options: StartOptions = {}): Promise<RunningKeyward> {
  const keyward = await startKeyward({
    engine: 'postgres',
    ...options,
    env: { ...behindProxy, ...options.env },
  });
  leftovers.push(async () => keyward.stop());
  return keyward;
}

const own = 'GET /api/v1/admin/session';
const write = 'POST /api/v1/admin/tokens';
const body = { name: 'made in a session' };
const statusOf = async (keyward: RunningKeyward, session: BrowserSession): Promise<number> =>
  (await ask(keyward, own, { session })).status;

describe.each(usualEngines)('on the engine %s', (engine) => {
  let keyward: RunningKeyward;
  beforeAll(async () => {
    keyward = await startKeyward({ engine, env: behindProxy });
  });
  afterAll(async () => keyward.stop());

  test('an administrator signs in with a token, is known by the cookie alone, and signs out', async () => {
    const { id, token } = await newToken(keyward, { name: 'nightly', role: 'viewer' });
    const session = await signIn(keyward, token, {
      from: '192.0.2.1',
      headers: { 'user-agent': 'a browser' },
    });
    const who = await (await ask(keyward, own, { session })).json();
    expect(who).toMatchObject({
      kind: 'session',
      id: session.id,
      name: 'nightly',
      role: 'viewer',
      session: { method: 'token', csrf_token: session.csrfToken, idle_timeout_seconds: 1800 },
    });
    const out = await ask(keyward, 'DELETE /api/v1/admin/session', { session });
    expect([out.status, out.headers.getSetCookie()[0]]).toEqual([
      204,
      expect.stringMatching(/^keyward_session=;.*Expires=Thu, 01 Jan 1970/),
    ]);
    expect(await refusalOf(await ask(keyward, own, { session }))).toEqual({
      status: 401,
      code: 'session_invalid',
    });
    const about = async (action: 'session.started' | 'session.ended') =>
      (await eventsOf(keyward, action)).filter(({ target }) => target.id === session.id);
    expect(await about('session.started')).toMatchObject([
      {
        actor: {
          kind: 'admin_token',
          id: String(id),
          name: 'nightly',
          address: '192.0.2.1',
          user_agent: 'a browser',
        },
        target: { kind: 'session', id: session.id },
        after: { method: 'token', role: 'viewer' },
      },
    ]);
    expect(await about('session.ended')).toMatchObject([
      { actor: { kind: 'session', id: session.id }, target: { id: session.id } },
    ]);
  });

  test('a revoked token ends its sessions at once', async () => {
    const { id, token } = await newToken(keyward);
    const session = await signIn(keyward, token);
    expect(await statusOf(keyward, session)).toBe(200);
    await ask(keyward, `DELETE /api/v1/admin/tokens/${id}`, { token: adminToken });
    expect(await statusOf(keyward, session)).toBe(401);
  });

  test('a session ends after half an hour without use, after twelve hours in any case, and with its token', async () => {
    const clock = manualClock();
    const keyward = await start({ engine, clock });
    const { token } = await newToken(keyward, { expiresAt: new Date(clock.now().getTime() + 45 * minute) });
    const [idle, used, short] = [await signIn(keyward), await signIn(keyward), await signIn(keyward, token)];
    const lastSeen = async (session: BrowserSession) =>
      (
        await keyward.sql<{ last_seen_at: string }>(
          'SELECT last_seen_at::text FROM keyward_sessions WHERE public_id = $1',
          [session.id],
        )
      )[0]?.last_seen_at;
    const use = async (session: BrowserSession): Promise<number> => {
      const before = await lastSeen(session);
      const status = await statusOf(keyward, session);
      if (status === 200) await expect.poll(async () => lastSeen(session)).not.toBe(before);
      return status;
    };
    clock.pass(29 * minute);
    expect([await use(used), await use(short)]).toEqual([200, 200]);
    clock.pass(minute);
    expect([await statusOf(keyward, idle), await use(used)]).toEqual([401, 200]);
    clock.pass(15 * minute);
    expect([await use(used), await statusOf(keyward, short)]).toEqual([200, 401]);
    for (let passed = 45; passed < 12 * 60 - 25; passed += 25) {
      clock.pass(25 * minute);
      expect(await use(used)).toBe(200);
    }
    clock.pass(25 * minute);
    expect(await statusOf(keyward, used)).toBe(401);
  });

  test('a session works on every instance, and is over on every instance', async () => {
    const place = await newPlace('postgres');
    leftovers.push(async () => place.remove());
    const [one, other] = [await start({ place }), await start({ place })];
    const session = await signIn(one);
    expect(await statusOf(other, session)).toBe(200);
    await ask(other, 'DELETE /api/v1/admin/session', { session });
    expect(await statusOf(one, session)).toBe(401);
  });

  test('signing out everywhere ends all sessions of that person and no others', async () => {
    const { token } = await newToken(keyward);
    const [here, there, other] = [
      await signIn(keyward, token),
      await signIn(keyward, token),
      await signIn(keyward),
    ];
    const ended = await ask(keyward, 'DELETE /api/v1/admin/sessions', { session: here });
    expect([ended.status, await ended.json()]).toEqual([200, { ended: 2 }]);
    const after = [
      await statusOf(keyward, here),
      await statusOf(keyward, there),
      await statusOf(keyward, other),
    ];
    expect(after).toEqual([401, 401, 200]);
  });

  test('administrators see all sessions, viewers too, and only who may change something ends any', async () => {
    const { token } = await newToken(keyward, { role: 'viewer', name: 'an auditor' });
    const session = await signIn(keyward, token, { from: '192.0.2.7' });
    await signIn(keyward, adminToken, { from: '192.0.2.8' });
    const list = async (as: string): Promise<object[]> => {
      const answer = await ask(keyward, 'GET /api/v1/admin/sessions', { token: as });
      return ((await answer.json()) as { data: object[] }).data;
    };
    const data = await list(adminToken);
    expect(await list(token)).toEqual(data);
    expect(data).toContainEqual(
      expect.objectContaining({
        id: session.id,
        method: 'token',
        name: 'an auditor',
        role: 'viewer',
        address: '192.0.2.7',
      }),
    );
    expect(JSON.stringify(data)).not.toMatch(/csrf|hash|cookie/);
    const end = async (id: string, as = adminToken) =>
      ask(keyward, `DELETE /api/v1/admin/sessions/${id}`, { token: as });
    expect(await refusalOf(await end(session.id, token))).toEqual({ status: 403, code: 'role_insufficient' });
    expect((await end(session.id)).status).toBe(204);
    expect(await statusOf(keyward, session)).toBe(401);
    expect(await refusalOf(await end(session.id))).toEqual({ status: 404, code: 'session_not_found' });
    expect((await end('no-uuid')).status).toBe(400);
  });

  test('sessions are listed page by page in each order, and narrowed', async () => {
    const keyward = await start({ engine, clock: manualClock() });
    const { token } = await newToken(keyward, { role: 'viewer', name: 'an auditor' });
    for (const [from, who] of [
      ['192.0.2.1', adminToken],
      ['192.0.2.2', token],
      ['192.0.2.3', adminToken],
      ['192.0.2.4', token],
      ['192.0.2.5', token],
    ] as const)
      await signIn(keyward, who, { from });
    const addresses = async (query: string) =>
      (await pages(keyward, `/api/v1/admin/sessions?${query}`)).map(({ address }) =>
        String(address).slice(-1),
      );
    for (const sort of ['started_at', 'last_seen_at', 'expires_at', 'name']) {
      const forth = await addresses(`sort=${sort}&limit=2`);
      expect(forth.toSorted()).toEqual(['1', '2', '3', '4', '5']);
      expect(await addresses(`sort=-${sort}&limit=2`)).toEqual(forth.toReversed());
    }
    expect((await addresses('role=viewer')).toSorted()).toEqual(['2', '4', '5']);
    expect(await addresses('method=oidc')).toEqual([]);
    expect(await addresses('q=2.3')).toEqual(['3']);
    expect((await addresses('q=AUDITOR&limit=1')).toSorted()).toEqual(['2', '4', '5']);
    // A session that ended with its token leaves no gap in a page.
    await keyward.sql("UPDATE keyward_tokens SET revoked_at = now() AT TIME ZONE 'UTC'");
    expect((await addresses('limit=1')).toSorted()).toEqual(['1', '3']);
  });

  test('a sign-in that cannot be recorded does not happen', async () => {
    const keyward = await start({ engine });
    await keyward.sql(
      'ALTER TABLE keyward_audit_events ADD CONSTRAINT full_disk CHECK (sequence < 0) NOT VALID',
    );
    const response = await ask(keyward, 'POST /api/v1/admin/session', { body: { token: adminToken } });
    expect([response.status, response.headers.getSetCookie()]).toEqual([503, []]);
    expect(await keyward.sql('SELECT FROM keyward_sessions')).toEqual([]);
  });
});

let keyward: RunningKeyward;
beforeAll(async () => {
  keyward = await startKeyward({ engine: 'postgres', env: behindProxy });
});
afterAll(async () => keyward.stop());

describe('the cookie', () => {
  const cookieLine = async (keyward: RunningKeyward, headers: Record<string, string> = {}) =>
    (
      await ask(keyward, 'POST /api/v1/admin/session', { body: { token: adminToken }, headers })
    ).headers.getSetCookie();

  test('is out of reach of scripts and of other sites', async () => {
    expect(await cookieLine(keyward)).toEqual([
      expect.stringMatching(/^keyward_session=[\w-]{43}\.\d{13}; Path=\/; HttpOnly; SameSite=Strict$/),
    ]);
  });

  test('over TLS is bound to this very host, and one without that name is not looked at', async () => {
    const https = { 'x-forwarded-proto': 'https' };
    const [line = ''] = await cookieLine(keyward, https);
    expect(line).toMatch(
      /^__Host-keyward_session=[\w-]{43}\.\d{13}; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
    const cookie = line.split(';', 1)[0] ?? '';
    expect((await ask(keyward, own, { headers: { ...https, cookie } })).status).toBe(200);
    const planted = cookie.replace('__Host-', '');
    expect((await ask(keyward, own, { headers: { ...https, cookie: planted } })).status).toBe(401);
  });

  test('stands in no answer, no log and no column', async () => {
    const session = await signIn(keyward);
    const secret = session.cookie.split('=')[1]?.split('.')[0] ?? '';
    expect(secret).toHaveLength(43);
    expect(await (await ask(keyward, own, { session })).text()).not.toContain(secret);
    const [row] = await keyward.sql<{ row: string }>(
      'SELECT s::text AS row FROM keyward_sessions s WHERE public_id = $1',
      [session.id],
    );
    expect(row?.row).not.toContain(secret.slice(0, 12));
    const events = await keyward.sql('SELECT event FROM keyward_audit_events');
    expect(JSON.stringify(events) + keyward.logLines.join('')).not.toContain(secret.slice(0, 12));
  });

  test('that is none gets 401, in whatever form', async () => {
    for (const value of [
      '',
      'x',
      'x'.repeat(43),
      'x'.repeat(4000),
      '%00',
      "'; DROP TABLE keyward_sessions; --",
    ])
      expect((await ask(keyward, own, { headers: { cookie: `keyward_session=${value}` } })).status).toBe(401);
  });

  test('counts for nothing beside a token: a wrong one is refused, a good one is who asks', async () => {
    const session = await signIn(keyward);
    expect((await ask(keyward, own, { session, token: generateToken('admin').reveal() })).status).toBe(401);
    const { token } = await newToken(keyward, { name: 'nightly' });
    expect(await (await ask(keyward, own, { session, token })).json()).toMatchObject({
      kind: 'admin_token',
      name: 'nightly',
    });
    expect((await ask(keyward, write, { session, csrf: false, token, body })).status).toBe(201);
  });
});

describe('a write by cookie', () => {
  const refused = { status: 403, code: 'csrf_refused' };

  test('is done with the CSRF token from the same origin', async () => {
    const session = await signIn(keyward);
    expect((await ask(keyward, write, { session, body })).status).toBe(201);
  });

  test.each([
    ['without the token', { csrf: false }],
    ['with the token of another session', { headers: { 'x-csrf-token': 'A'.repeat(43) } }],
    ['with an empty token', { headers: { 'x-csrf-token': '' } }],
    ['from another site', { headers: { 'sec-fetch-site': 'cross-site' } }],
    ['from a neighbouring name', { headers: { 'sec-fetch-site': 'same-site' } }],
    ['from the address bar', { headers: { 'sec-fetch-site': 'none' } }],
  ])('is refused %s, and changes nothing', async (_how, options) => {
    const session = await signIn(keyward);
    const name = 'planted by another page';
    expect(await refusalOf(await ask(keyward, write, { session, body: { name }, ...options }))).toEqual(
      refused,
    );
    expect(await keyward.sql('SELECT FROM keyward_tokens WHERE name = $1', [name])).toEqual([]);
  });

  test('where the browser does not say Sec-Fetch-Site, is judged by its Origin', async () => {
    const keyward = await start({ env: { PUBLIC_URL: 'https://keyward.example.com' } });
    const session = await signIn(keyward);
    const from = async (headers: Record<string, string>): Promise<number> =>
      (
        await ask(keyward, write, {
          body,
          headers: { cookie: session.cookie, 'x-csrf-token': session.csrfToken, ...headers },
        })
      ).status;
    const { host } = new URL(keyward.server.url);
    expect(await from({ origin: `http://${host}` })).toBe(201);
    expect(await from({ origin: 'https://keyward.example.com' })).toBe(201);
    const foreign = [
      {},
      { origin: `https://${host}` },
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1' },
      { origin: 'https://keyward.example.com.evil.example' },
    ];
    expect(await Promise.all(foreign.map(async (headers) => from(headers)))).toEqual(foreign.map(() => 403));
  });

  test('that only reads needs no proof', async () => {
    const session = await signIn(keyward);
    expect(
      (await ask(keyward, 'GET /api/v1/admin/status', { headers: { cookie: session.cookie } })).status,
    ).toBe(200);
  });
});

describe('a sign-in', () => {
  test('from another page is refused: nobody is signed in as somebody else', async () => {
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
      const response = await ask(keyward, 'POST /api/v1/admin/session', {
        headers,
        body: { token: adminToken },
      });
      expect([response.status, response.headers.getSetCookie()]).toEqual([403, []]);
    }
  });

  test('with a body that is not one is refused', async () => {
    const wrong = [
      {},
      { token: 7 },
      { token: '' },
      { token: 'x'.repeat(501) },
      { token: adminToken, role: 'admin' },
      [],
      null,
    ];
    for (const body of wrong) {
      const response = await ask(keyward, 'POST /api/v1/admin/session', { body });
      expect([body, response.status, response.headers.getSetCookie()]).toEqual([body, 400, []]);
    }
  });

  test('with a gateway token is refused', async () => {
    const { token } = await newToken(keyward, { kind: 'gateway' });
    expect(await refusalOf(await ask(keyward, 'POST /api/v1/admin/session', { body: { token } }))).toEqual({
      status: 401,
      code: 'token_invalid',
    });
  });

  test('in a browser that has a session replaces it', async () => {
    const first = await signIn(keyward);
    const second = await signIn(keyward, adminToken, {
      headers: { cookie: first.cookie, 'sec-fetch-site': 'same-origin' },
    });
    expect([await statusOf(keyward, first), await statusOf(keyward, second)]).toEqual([401, 200]);
  });

  test('by token is the only one where there is no single sign-on', async () => {
    expect(await (await ask(keyward, 'GET /api/v1/admin/session/methods')).json()).toEqual({
      methods: ['token'],
      has_session: false,
    });
    for (const path of ['start', 'callback'] as const)
      expect(await refusalOf(await ask(keyward, `GET /api/v1/admin/session/oidc/${path}`))).toEqual({
        status: 404,
        code: 'sign_on_off',
      });
  });
});

test('a token says who it is too, and has no session to sign out of', async () => {
  expect(await (await ask(keyward, own, { token: adminToken })).json()).toEqual({
    kind: 'bootstrap_token',
    id: null,
    name: 'KEYWARD_ADMIN_TOKEN',
    role: 'admin',
    expires_at: null,
    session: null,
  });
  expect(await refusalOf(await ask(keyward, 'DELETE /api/v1/admin/session', { token: adminToken }))).toEqual({
    status: 404,
    code: 'session_not_found',
  });
});

test('a session that was begun with the token of the environment ends when that is replaced', async () => {
  const place = await newPlace();
  leftovers.push(async () => place.remove());
  const before = await startKeyward({ place });
  const session = await signIn(before);
  await before.stop();
  const same = await startKeyward({ place });
  expect(await statusOf(same, session)).toBe(200);
  await same.stop();
  const replaced = await start({ place, env: { KEYWARD_ADMIN_TOKEN: 'another-token-of-the-tests' } });
  expect(await statusOf(replaced, session)).toBe(401);
  expect(cookieIn(await ask(replaced, own, { session }))).toBe('');
});
