/** The admin side answers to addresses and to names that are its own, and to no name that a stranger could own. */
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { ask, behindProxy, eventsOf } from '../support/administrators.ts';
import { openConnection, type RawAnswer } from '../support/raw-http.ts';
import { adminToken, startKeyward, type RunningKeyward } from '../support/running-keyward.ts';

async function send(keyward: RunningKeyward, head: string): Promise<RawAnswer> {
  const connection = await openConnection(keyward.port);
  await connection.send(`${head.replaceAll('\n', '\r\n')}\r\n\r\n`);
  const answer = await connection.answer();
  connection.close();
  return answer;
}

const withHost = async (keyward: RunningKeyward, host: string, path = '/health/live'): Promise<number> =>
  (await send(keyward, `GET ${path} HTTP/1.1\nHost: ${host}`)).status;

describe('with nothing set', () => {
  let keyward: RunningKeyward;
  beforeAll(async () => {
    keyward = await startKeyward({ engine: 'postgres', env: behindProxy });
  });
  afterAll(async () => keyward.stop());

  it.each([
    'localhost',
    'LOCALHOST:8084',
    'localhost.',
    'page.localhost',
    '127.0.0.1',
    '[::1]',
    '[::1]:8084',
    '10.0.0.7:8084',
    '8.8.8.8',
    '[2001:db8::1]',
    'keyward',
    'keyward.internal',
    'keyward.monitoring.svc.cluster.local',
  ])('the Host %s is answered', async (host) => {
    expect(await withHost(keyward, host)).toBe(200);
  });

  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example:8084',
    '',
    'user@localhost',
    'localhost/path',
    'localhost, evil.example',
    '[::1',
    '[evil.example]',
    '[a:b]',
    'localhost:99999999',
  ])('the Host %j gets 403', async (host) => {
    expect(await withHost(keyward, host)).toBe(403);
  });

  it.each(['/health/live', '/health/ready', '/metrics', '/api/v1/admin/status', '/', '/nothing-here'])(
    'a foreign name gets nothing at %s',
    async (path) => {
      const answer = await send(
        keyward,
        `GET ${path} HTTP/1.1\nHost: evil.example\nAuthorization: Bearer ${adminToken}`,
      );
      expect(answer.status).toBe(403);
      expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'host_not_allowed', param: 'Host' } });
      expect(answer.body).not.toContain('evil');
    },
  );

  it('two Hosts are refused, whatever they say', async () => {
    const answer = await send(keyward, 'GET /health/live HTTP/1.1\nHost: localhost\nhost: localhost');
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('duplicate_header');
  });

  it.each(['http://localhost/health/live', 'http://evil.example/health/live', '*'])(
    'an address that is no path is refused: %s',
    async (address) => {
      const method = address === '*' ? 'OPTIONS' : 'GET';
      const answer = await send(keyward, `${method} ${address} HTTP/1.1\nHost: localhost`);
      expect(answer.status).toBe(400);
      expect(answer.body).toContain('malformed_request');
    },
  );

  it('a caller from before HTTP/1.1, without a Host, is refused', async () => {
    expect((await send(keyward, 'GET /health/live HTTP/1.0')).status).toBe(403);
  });

  it('X-Forwarded-Host counts for nothing', async () => {
    const response = await ask(keyward, 'GET /health/live', {
      headers: { 'x-forwarded-host': 'evil.example' },
    });
    expect(response.status).toBe(200);
    const foreign = await send(
      keyward,
      'GET /health/live HTTP/1.1\nHost: evil.example\nX-Forwarded-Host: localhost',
    );
    expect(foreign.status).toBe(403);
  });

  it('a refusal is in the audit trail', async () => {
    await send(keyward, 'GET /api/v1/admin/status HTTP/1.1\nHost: evil.example\nX-Forwarded-For: 192.0.2.9');
    await expect
      .poll(async () => eventsOf(keyward, 'access.refused'))
      .toContainEqual(
        expect.objectContaining({
          reason: 'host_not_allowed',
          target: { kind: 'route', id: 'GET /api/v1/admin/status' },
        }),
      );
  });
});

describe('with names that are allowed', () => {
  let keyward: RunningKeyward;
  beforeAll(async () => {
    keyward = await startKeyward({
      engine: 'postgres',
      env: { ALLOWED_HOSTS: 'keys.example.com,keyward', PUBLIC_URL: 'https://keyward.example.com' },
    });
  });
  afterAll(async () => keyward.stop());

  it.each([
    'keys.example.com',
    'Keys.Example.com:443',
    'keyward',
    'keyward.example.com',
    'localhost',
    '10.0.0.7',
  ])('%s is answered', async (host) => {
    expect(await withHost(keyward, host)).toBe(200);
  });

  it.each([
    'other.example.com',
    'example.com',
    'x.keys.example.com',
    'keyward.internal',
    'box.local',
    'other',
  ])('%s gets 403, private or not', async (host) => {
    expect(await withHost(keyward, host)).toBe(403);
  });
});

test('a server on every address, as in a container, is reached by whatever its machine is called at home', async () => {
  const keyward = await startKeyward({ engine: 'postgres', env: { HOST: '0.0.0.0' } });
  const hosts = ['localhost:8084', '192.168.1.5:8084', 'nas:8084', '203.0.113.7', 'nas.lan', 'evil.example'];
  expect(await Promise.all(hosts.map(async (host) => withHost(keyward, host)))).toEqual([
    200, 200, 200, 200, 200, 403,
  ]);
  await keyward.stop();
});
