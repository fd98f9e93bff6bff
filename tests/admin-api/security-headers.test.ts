/** Every answer of the admin side tells browsers to do nothing with it but show it on its own page. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, behindProxy } from '../support/administrators.ts';
import { openConnection } from '../support/raw-http.ts';
import { adminToken, startKeyward, type RunningKeyward } from '../support/running-keyward.ts';

let keyward: RunningKeyward;
beforeAll(async () => {
  keyward = await startKeyward({ engine: 'postgres', env: behindProxy });
});
afterAll(async () => keyward.stop());

const answers: readonly (readonly [string, `${string} /${string}`, number, object])[] = [
  ['an answer', 'GET /api/v1/admin/status', 200, { token: adminToken }],
  ['a refusal', 'GET /api/v1/admin/status', 401, {}],
  ['an address without anything', 'GET /nothing-here', 404, {}],
  ['a method that is not there', 'PUT /health/live', 405, {}],
  ['health', 'GET /health/ready', 200, {}],
  ['metrics', 'GET /metrics', 200, {}],
  ['a redirect that is off', 'GET /api/v1/admin/session/oidc/start', 404, {}],
  ['a body that is none', 'POST /api/v1/admin/session', 400, { body: 'x' }],
];

describe.each(answers)('%s', (_what, request, status, options) => {
  it('carries them all', async () => {
    const response = await ask(keyward, request, options);
    expect(response.status).toBe(status);
    const { headers } = response;
    const csp = headers.get('content-security-policy') ?? '';
    expect(csp).toContain("default-src 'none'");
    expect(csp).toContain("frame-ancestors 'none'");
    expect(csp).toContain("script-src 'self'");
    expect(csp).not.toMatch(/unsafe|\*|https?:|blob:/);
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
    });
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect(headers.get('strict-transport-security')).toBeNull();
    expect(headers.get('x-powered-by')).toBeNull();
  });
});

it.each(['/%zz', '/api/v1/admin/%', '/api/v1/admin/tokens/%ff'])(
  'an address that cannot be read gets them too, and the envelope: %s',
  async (path) => {
    const connection = await openConnection(keyward.port);
    await connection.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const answer = await connection.answer();
    connection.close();
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'malformed_request' } });
    expect(answer.headers).toMatchObject({
      'content-security-policy': expect.stringContaining("default-src 'none'") as string,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
  },
);

it('answers of the API are kept by nobody', async () => {
  for (const path of [
    'GET /api/v1/admin/status',
    'GET /api/v1/admin/nothing',
    'GET /api/v1/admin/session',
  ] as const)
    expect((await ask(keyward, path)).headers.get('cache-control')).toBe('no-store');
});

it('over TLS, as a trusted proxy says it, browsers are told to come back by TLS alone', async () => {
  const response = await ask(keyward, 'GET /health/live', { headers: { 'x-forwarded-proto': 'https' } });
  expect(response.headers.get('strict-transport-security')).toBe('max-age=31536000');
});

it('a caller that no proxy stands for cannot say that it came by TLS, or from elsewhere', async () => {
  const alone = await startKeyward({ engine: 'postgres' });
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '192.0.2.1' };
  const response = await ask(alone, 'POST /api/v1/admin/session', { headers, body: { token: adminToken } });
  expect(response.headers.get('strict-transport-security')).toBeNull();
  expect(response.headers.getSetCookie()[0]).not.toContain('Secure');
  const [session] = await alone.sql<{ address: string }>('SELECT address FROM keyward_sessions');
  expect(session?.address).toBe('127.0.0.1');
  await alone.stop();
});
