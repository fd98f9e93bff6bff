import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/foundation/errors.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { gatewayAndProvider } from '../support/gateway-and-provider.ts';
import { openConnection } from '../support/raw-http.ts';

const room = gatewayAndProvider({ GATEWAY_AUTH: 'open' });
const body = `{
    "model": "openrouter/google/gemini-flash-1.5",
    "messages": [{"role": "user", "content": "Hello"}]
  }`;

/** The bytes that curl sends for the seed's first check, and the answer. */
async function seedRequest(host: string) {
  const connection = await openConnection(room.keyward.port);
  await connection.send(
    [
      'POST /api/v1/llm/chat/completions HTTP/1.1',
      `Host: ${host}:${room.keyward.port}`,
      'User-Agent: curl/8.5.0',
      'Accept: */*',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n'),
  );
  const answer = await connection.answer();
  connection.close();
  return answer;
}

const hasCurl = await promisify(execFile)('curl', ['--version']).then(
  () => true,
  () => false,
);

describe('with GATEWAY_AUTH=open', () => {
  test("the seed's request is answered without a token", async () => {
    const answer = await seedRequest('localhost');
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ choices: [{ message: { content: 'Hello' } }] });
    expect(room.provider.requests.at(-1)?.body.toString()).toBe(
      body.replace('openrouter/google/gemini-flash-1.5', 'google/gemini-flash-1.5'),
    );
  });

  test.runIf(hasCurl)("the seed's curl works to the letter", async () => {
    const { stdout } = await promisify(execFile)('curl', [
      '--no-progress-meter',
      `http://localhost:${room.keyward.port}/api/v1/llm/chat/completions`,
      '-H',
      'Content-Type: application/json',
      '-d',
      body,
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ choices: [{ message: { content: 'Hello' } }] });
  });

  test('a token that is presented all the same neither helps nor harms, and stays here', async () => {
    const response = await room.keyward.chat(undefined, {
      headers: { authorization: 'Bearer whatever-0123456789' },
    });
    expect(response.status).toBe(200);
    expect(room.provider.requests.at(-1)?.rawHeaders.join()).not.toContain('whatever');
  });

  test.each(['localhost', '127.0.0.1', '[::1]', '10.0.0.7', 'keyward', 'keyward.internal', 'box.local'])(
    'the private name %s is answered',
    async (host) => {
      expect((await seedRequest(host)).status).toBe(200);
    },
  );

  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '8.8.8.8'])(
    'a page under the public name %s gets nothing',
    async (host) => {
      const before = room.provider.requests.length;
      const { status, body: text } = await seedRequest(host);
      expect(status).toBe(403);
      expect(JSON.parse(text)).toMatchObject({
        error: { code: 'host_not_allowed', type: 'permission_error' },
      });
      expect(room.provider.requests).toHaveLength(before);
    },
  );

  test('a foreign page cannot post without being asked first, since only JSON is taken', async () => {
    const response = await room.keyward.chat(body, { headers: { 'content-type': 'text/plain' } });
    expect(response.status).toBe(415);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });
});

test.each(['0.0.0.0', '::', '8.8.8.8', 'gateway.example'])(
  'with GATEWAY_AUTH=open a start on HOST=%s is refused in one line',
  (host) => {
    const start = () => loadConfig({ GATEWAY_AUTH: 'open', HOST: host });
    expect(start).toThrow(UsageError);
    expect(start).toThrow(
      /^[^\n]*GATEWAY_AUTH=open needs a HOST that is a loopback or private address[^\n]*$/,
    );
  },
);
