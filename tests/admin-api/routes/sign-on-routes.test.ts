/**
 * Single sign-on against a real provider, through the real redirects: who has a role gets a session with it,
 * and nobody else gets anything, however the way back was bent.
 */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ask, eventsOf, refusalOf } from '../../support/administrators.ts';
import { Browser, type Page } from '../../support/browser.ts';
import {
  startIdentityProvider,
  type IdentityProvider,
  type IdentityProviderOptions,
  type Person,
} from '../../support/identity-provider.ts';
import { usualEngines } from '../../support/depth.ts';
import { manualClock } from '../../support/manual-clock.ts';
import {
  newPlace,
  startKeyward,
  type RunningKeyward,
  type StartOptions,
} from '../../support/running-keyward.ts';

const callbackPath = '/api/v1/admin/session/oidc/callback';
const clientSecret = ['planted', 'client', 'secret', '7c1f'].join('-');

const administrator: Person = {
  sub: 'f1f4f6c0-admin',
  preferred_username: 'chief',
  realm_access: { roles: ['offline_access', 'keyward-admin'] },
};
const auditor: Person = { sub: 'f1f4f6c0-viewer', realm_access: { roles: ['keyward-viewer'] } };
const stranger: Person = {
  sub: 'f1f4f6c0-nobody',
  preferred_username: 'stranger',
  realm_access: { roles: ['planted-other-role'] },
};

const leftovers: (() => Promise<void>)[] = [];
afterEach(async () => endAll(leftovers));

/** The last one first. */
async function endAll(ends: (() => Promise<void>)[]): Promise<void> {
  for (const end of ends.splice(0).toReversed()) await end();
}

async function freePort(): Promise<number> {
  const taker = createServer();
  await new Promise<void>((resolve) => taker.listen(0, '127.0.0.1', resolve));
  const { port } = taker.address() as AddressInfo;
  await new Promise((resolve) => taker.close(resolve));
  return port;
}

interface House {
  readonly keyward: RunningKeyward;
  readonly provider: IdentityProvider;
  readonly environment: Readonly<Record<string, string>>;
  readonly browser: Browser;
}

async function house(
  options: StartOptions & {
    provider?: Partial<IdentityProviderOptions>;
    /** Ends with the test where absent. */
    endWith?: (() => Promise<void>)[];
  } = {},
): Promise<House> {
  const { endWith = leftovers } = options;
  const port = await freePort();
  const redirectUrl = `http://127.0.0.1:${port}${callbackPath}`;
  const provider = await startIdentityProvider({ redirectUrl, clientSecret, ...options.provider });
  endWith.push(async () => provider.close());
  provider.person = administrator;
  const environment = {
    PORT: String(port),
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: provider.clientId,
    OIDC_CLIENT_SECRET: clientSecret,
    OIDC_REDIRECT_URL: redirectUrl,
    ...options.env,
  };
  const keyward = await startKeyward({ engine: 'postgres', ...options, env: environment });
  endWith.push(async () => keyward.stop());
  return { keyward, provider, environment, browser: new Browser() };
}

const startUrl = ({ keyward }: Pick<House, 'keyward'>, query = ''): string =>
  `${keyward.server.url}/api/v1/admin/session/oidc/start${query}`;
const isCallback = (url: URL): boolean => url.pathname === callbackPath;
const isPage = (url: URL): boolean => !url.pathname.startsWith('/api/') && url.hostname === '127.0.0.1';

/** The whole way, to the page that Keyward sends the person to. */
async function signOn(at: House, query = ''): Promise<Page> {
  return at.browser.open(startUrl(at, query), isPage);
}

/** As far as the address that the provider sends the person back to. */
async function untilCallback(at: House): Promise<URL> {
  const { url } = await at.browser.open(startUrl(at), isCallback);
  expect(isCallback(url)).toBe(true);
  return url;
}

async function whoAmI({ keyward, browser }: House): Promise<{ status: number; body: unknown }> {
  const url = new URL(`${keyward.server.url}/api/v1/admin/session`);
  const response = await fetch(url, { headers: { cookie: browser.cookiesFor(url) } });
  return { status: response.status, body: await response.json() };
}

/** Ends at the callback with a refusal, and without a session. */
async function refusedAt(at: House, callback: URL): Promise<{ status: number; code: string }> {
  const headers = { cookie: at.browser.cookiesFor(callback) };
  const response = await fetch(callback, { redirect: 'manual', headers });
  expect(response.headers.getSetCookie().filter((line) => /^keyward_session=./.test(line))).toEqual([]);
  expect(await at.keyward.sql('SELECT FROM keyward_sessions')).toEqual([]);
  return refusalOf(response);
}

describe.each(usualEngines)('on the engine %s', (engine) => {
  test('an administrator of the provider comes back with a session of that role', async () => {
    const at = await house({ engine });
    const { url, response } = await signOn(at);
    expect([response.status, url.pathname]).toEqual([303, '/']);
    expect(await whoAmI(at)).toMatchObject({
      status: 200,
      body: { kind: 'session', name: 'chief', role: 'admin', session: { method: 'oidc' } },
    });
    expect(await eventsOf(at.keyward, 'session.started')).toMatchObject([
      {
        actor: { kind: 'session', name: 'chief', role: 'admin', address: '127.0.0.1' },
        after: { method: 'oidc', subject: `oidc:${administrator.sub}`, role: 'admin' },
      },
    ]);
  });

  test('a viewer may look and change nothing', async () => {
    const at = await house({ engine });
    at.provider.person = auditor;
    await signOn(at);
    expect(await whoAmI(at)).toMatchObject({ body: { name: auditor.sub, role: 'viewer' } });
    const url = new URL(`${at.keyward.server.url}/api/v1/admin/tokens`);
    const { body } = await whoAmI(at);
    const response = await ask(at.keyward, 'POST /api/v1/admin/tokens', {
      body: { name: 'x' },
      headers: {
        cookie: at.browser.cookiesFor(url),
        'sec-fetch-site': 'same-origin',
        'x-csrf-token': (body as { session: { csrf_token: string } }).session.csrf_token,
      },
    });
    expect(await refusalOf(response)).toEqual({ status: 403, code: 'role_insufficient' });
  });

  test('somebody without a role is told where it was looked for and not what was found, and is recorded', async () => {
    const at = await house({ engine });
    at.provider.person = stranger;
    const { response } = await signOn(at);
    const page = await response.text();
    expect([response.status, response.headers.get('content-type')]).toEqual([
      403,
      'text/html; charset=utf-8',
    ]);
    expect(page).toContain('the claim realm_access.roles');
    expect(page).not.toContain('planted');
    expect((await whoAmI(at)).status).toBe(401);
    await expect
      .poll(async () => eventsOf(at.keyward, 'access.refused'))
      .toContainEqual(
        expect.objectContaining({
          actor: expect.objectContaining({
            kind: 'anonymous',
            id: stranger.sub,
            name: 'stranger',
          }) as unknown,
          reason: 'sign_in_without_role',
        }),
      );
  });

  test('a sign-in that began at one instance ends at another', async () => {
    const place = await newPlace('postgres');
    leftovers.push(async () => place.remove());
    const at = await house({ place });
    const other = await startKeyward({ place, env: { ...at.environment, PORT: '0' } });
    leftovers.push(async () => other.stop());
    const callback = await untilCallback(at);
    const elsewhere = new URL(callback);
    elsewhere.port = String(other.port);
    const { response } = await at.browser.open(elsewhere, isPage);
    expect(response.status).toBe(303);
    expect((await whoAmI(at)).status).toBe(200);
  });
});

describe('the roles', () => {
  test.each(['id_token', 'access_token', 'userinfo'] as const)('are found in the %s', async (claimsIn) => {
    const at = await house({ provider: { claimsIn } });
    await signOn(at);
    expect(await whoAmI(at)).toMatchObject({ status: 200, body: { role: 'admin' } });
    expect(at.provider.requestsTo('/me')).toBe(claimsIn === 'userinfo' ? 1 : 0);
  });

  test('are looked for under the claim and the names that are configured', async () => {
    const env = { OIDC_ROLES_CLAIM: 'groups', OIDC_ADMIN_ROLE: 'operators', OIDC_VIEWER_ROLE: 'everybody' };
    const at = await house({ env });
    at.provider.person = { ...administrator, groups: ['everybody'] };
    await signOn(at);
    expect(await whoAmI(at)).toMatchObject({ body: { role: 'viewer' } });
  });
});

describe('the client', () => {
  test.each([
    ['without a secret, as a public one', { clientSecret: undefined }, { OIDC_CLIENT_SECRET: undefined }],
    ['with its secret in a header', { clientAuth: 'client_secret_basic' as const }, {}],
  ])('signs people on %s', async (_how, { ...provider }, without) => {
    const port = await freePort();
    const redirectUrl = `http://127.0.0.1:${port}${callbackPath}`;
    const idp = await startIdentityProvider({
      redirectUrl,
      ...('clientAuth' in provider ? { clientSecret, clientAuth: provider.clientAuth } : {}),
    });
    leftovers.push(async () => idp.close());
    idp.person = administrator;
    const keyward = await startKeyward({
      engine: 'postgres',
      env: {
        PORT: String(port),
        OIDC_ISSUER: idp.issuer,
        OIDC_CLIENT_ID: idp.clientId,
        PUBLIC_URL: `http://127.0.0.1:${port}`,
        ...('OIDC_CLIENT_SECRET' in without ? {} : { OIDC_CLIENT_SECRET: clientSecret }),
      },
    });
    leftovers.push(async () => keyward.stop());
    const at: House = { keyward, provider: idp, environment: {}, browser: new Browser() };
    await signOn(at);
    expect(await whoAmI(at)).toMatchObject({ status: 200, body: { role: 'admin' } });
  });

  test('that the provider does not know is told so in the log, and the person that it is not their fault', async () => {
    const at = await house({ env: { OIDC_CLIENT_SECRET: 'planted-wrong-secret' } });
    expect(await refusedAt(at, await untilCallback(at))).toEqual({ status: 502, code: 'sign_on_failed' });
    expect(at.keyward.logLines.join('')).toContain('invalid_client');
    expect(at.keyward.logLines.join('')).not.toContain('planted');
  });
});

describe('the way back', () => {
  const invalid = { status: 400, code: 'sign_in_invalid' };
  const endShared: (() => Promise<void>)[] = [];
  const clock = manualClock(new Date());
  let at: House;
  beforeAll(async () => {
    at = await house({ clock, endWith: endShared });
  });
  beforeEach(async () => {
    at = { ...at, browser: new Browser() };
    at.provider.person = administrator;
    await at.keyward.sql('DELETE FROM keyward_sessions');
  });
  afterAll(async () => endAll(endShared));
  /** How often the provider was asked for tokens while this ran. */
  async function exchanges(work: () => Promise<void>): Promise<number> {
    const before = at.provider.requestsTo('/token');
    await work();
    return at.provider.requestsTo('/token') - before;
  }

  test('with another state is refused, without asking the provider', async () => {
    const callback = await untilCallback(at);
    const asked = await exchanges(async () => {
      callback.searchParams.set('state', 'another-state');
      expect(await refusedAt(at, callback)).toEqual(invalid);
      callback.searchParams.delete('state');
      expect(await refusedAt(at, callback)).toEqual(invalid);
    });
    expect(asked).toBe(0);
  });

  test('in another browser than it began in is refused', async () => {
    const callback = await untilCallback(at);
    expect(await refusedAt({ ...at, browser: new Browser() }, callback)).toEqual(invalid);
    const other: House = { ...at, browser: new Browser() };
    await untilCallback(other);
    expect(await refusedAt(other, callback)).toEqual(invalid);
  });

  test('a second time is refused, also with everything that the browser had', async () => {
    const callback = await untilCallback(at);
    const goBack = at.browser.remember('127.0.0.1');
    await at.browser.open(callback, isPage);
    await at.keyward.sql('DELETE FROM keyward_sessions');
    expect(at.browser.cookiesFor(callback)).not.toContain('keyward_sign_in');
    expect(await refusedAt(at, callback)).toEqual(invalid);
    goBack();
    expect(at.browser.cookiesFor(callback)).toContain('keyward_sign_in');
    // Now it is the provider that refuses the code.
    expect(await exchanges(async () => expect(await refusedAt(at, callback)).toEqual(invalid))).toBe(1);
  });

  test('that cannot be recorded begins no session', async () => {
    const callback = await untilCallback(at);
    await at.keyward.sql('ALTER TABLE keyward_audit_events ADD CONSTRAINT planted CHECK (false) NOT VALID');
    expect(await refusedAt(at, callback)).toEqual({ status: 503, code: 'audit_unavailable' });
    expect(await at.keyward.sql('SELECT FROM keyward_sessions')).toEqual([]);
    await at.keyward.sql('ALTER TABLE keyward_audit_events DROP CONSTRAINT planted');
  });

  test('after more than ten minutes is refused', async () => {
    const callback = await untilCallback(at);
    clock.pass(10 * 60_000);
    expect(await exchanges(async () => expect(await refusedAt(at, callback)).toEqual(invalid))).toBe(0);
  });

  test('with an ID token for another nonce is refused', async () => {
    const { url: authorize } = await at.browser.open(
      startUrl(at),
      ({ hostname }) => hostname === 'localhost',
    );
    authorize.searchParams.set('nonce', 'planted-by-somebody-else');
    const { url: callback } = await at.browser.open(authorize, isCallback);
    expect(await exchanges(async () => expect(await refusedAt(at, callback)).toEqual(invalid))).toBe(1);
  });

  test('with a code for another challenge is refused by the provider', async () => {
    const { url: authorize } = await at.browser.open(
      startUrl(at),
      ({ hostname }) => hostname === 'localhost',
    );
    authorize.searchParams.set('code_challenge', 'A'.repeat(43));
    const { url: callback } = await at.browser.open(authorize, isCallback);
    expect(await refusedAt(at, callback)).toEqual(invalid);
  });

  test('from another issuer is refused', async () => {
    const callback = await untilCallback(at);
    expect(callback.searchParams.get('iss')).toBe(at.provider.issuer);
    callback.searchParams.set('iss', 'https://evil.example');
    expect(await refusedAt(at, callback)).toEqual(invalid);
    callback.searchParams.delete('iss');
    expect(await refusedAt(at, callback)).toEqual(invalid);
  });

  test('of somebody who gave up says so', async () => {
    at.provider.person = null;
    const callback = await untilCallback(at);
    expect(await refusedAt(at, callback)).toEqual({ status: 403, code: 'sign_in_denied' });
  });

  test('leaves neither code nor state nor verifier in a log', async () => {
    const callback = await untilCallback(at);
    await at.browser.open(callback, isPage);
    const text = at.keyward.logLines.join('');
    for (const part of ['code', 'state']) expect(text).not.toContain(callback.searchParams.get(part));
  });
});

describe('the way on', () => {
  test('is the page that the person came for', async () => {
    const at = await house();
    const { url } = await signOn(at, '?return_to=%2Fproviders%2Fgroq%3Ftab%3Dtests%23last');
    expect(url.href).toBe(`${at.keyward.server.url}/providers/groq?tab=tests#last`);
  });

  test('never leads elsewhere: what is no path of this server is refused', async () => {
    const at = await house();
    const elsewhere = [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example',
      'evil.example',
      '/\tevil',
      '/a\\b',
      '/a b',
      '',
      `/${'x'.repeat(1_000)}`,
    ];
    for (const path of elsewhere) {
      const query = `return_to=${encodeURIComponent(path)}` as const;
      const response = await ask(at.keyward, `GET /api/v1/admin/session/oidc/start?${query}`);
      const { headers } = response;
      expect([path, response.status, headers.get('location'), headers.getSetCookie()]).toEqual([
        path,
        400,
        null,
        [],
      ]);
    }
  });
});

test('the cookie of a sign-in is short-lived and out of reach of scripts; over TLS it is bound to this host', async () => {
  const at = await house({ env: { TRUSTED_PROXIES: 'loopback' } });
  const lines = async (headers = {}) =>
    (await ask(at.keyward, 'GET /api/v1/admin/session/oidc/start', { headers })).headers.getSetCookie();
  expect(await lines()).toEqual([
    expect.stringMatching(/^keyward_sign_in=[^;]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/),
  ]);
  expect(await lines({ 'x-forwarded-proto': 'https' })).toEqual([
    expect.stringMatching(
      /^__Host-keyward_sign_in=[^;]+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    ),
  ]);
});

describe('with the provider away', () => {
  test('a sign-in is answered 503, as a page to people, and works once it is back', async () => {
    const at = await house();
    await at.provider.close();
    const response = await ask(at.keyward, 'GET /api/v1/admin/session/oidc/start');
    expect(await refusalOf(response)).toEqual({ status: 503, code: 'sign_on_unreachable' });
    const { response: page } = await signOn(at);
    expect([page.status, await page.text()]).toEqual([503, expect.stringContaining('does not answer')]);
    const { port } = new URL(at.provider.issuer);
    const redirectUrl = at.environment['OIDC_REDIRECT_URL'] ?? '';
    const back = await startIdentityProvider({ redirectUrl, clientSecret, port: Number(port) });
    leftovers.push(async () => back.close());
    back.person = administrator;
    await signOn(at);
    expect(await whoAmI(at)).toMatchObject({ status: 200, body: { role: 'admin' } });
  });

  test('the way back is answered 503', async () => {
    const at = await house();
    const callback = await untilCallback(at);
    await at.provider.close();
    expect(await refusedAt(at, callback)).toEqual({ status: 503, code: 'sign_on_unreachable' });
  });
});
