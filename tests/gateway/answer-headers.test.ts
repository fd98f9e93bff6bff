import { describe, expect, test } from 'vitest';
import { gatewayAndProvider, providerKey } from '../support/gateway-and-provider.ts';
import { openConnection } from '../support/raw-http.ts';
import { gatewayToken } from '../support/running-keyward.ts';
import { refusals } from '../support/stand-in-behaviour.ts';

const room = gatewayAndProvider();

const explained = async () => {
  const { headers, status } = await room.keyward.chat();
  return { status, ...Object.fromEntries([...headers].filter(([name]) => name.startsWith('x-keyward-'))) };
};

const explanation = (attempts = 1) => ({
  'x-keyward-provider': 'openrouter',
  'x-keyward-key-source': 'environment',
  'x-keyward-key-fingerprint': room.keyward.snapshot.providers.get('openrouter')?.resolution.key?.fingerprint,
  'x-keyward-revision': String(room.keyward.snapshot.revision),
  'x-keyward-attempts': String(attempts),
  'x-keyward-overhead-ms': expect.stringMatching(/^\d+\.\d{3}$/) as string,
});

const idOf = async (given?: string, body?: string) =>
  (
    await room.keyward.chat(body, { headers: given === undefined ? {} : { 'x-request-id': given } })
  ).headers.get('x-request-id');

describe('every answer of a provider explains its key', () => {
  test('when it is good', async () => {
    expect(await explained()).toEqual({ status: 200, ...explanation() });
    expect(explanation()['x-keyward-key-fingerprint']).toMatch(/^fp_[0-9a-f]{12}$/);
  });

  test('when it is an error of the provider', async () => {
    room.provider.behave({ answer: refusals.serverError });
    expect(await explained()).toEqual({ status: 500, ...explanation(2) });
  });

  test('when it is an error in the place of an answer', async () => {
    room.provider.behave({ insteadOfHeaders: 'reset' });
    expect(await explained()).toEqual({ status: 502, ...explanation(2) });
  });

  test('whatever the provider itself says of it', async () => {
    room.provider.behave({ headers: { 'X-Keyward-Provider': 'forged', 'x-keyward-fallback': 'forged' } });
    expect(await explained()).toEqual({ status: 200, ...explanation() });
  });

  test('with an overhead that is small and no more than the whole', async () => {
    const began = performance.now();
    const { headers } = await room.keyward.chat();
    expect(Number(headers.get('x-keyward-overhead-ms'))).toBeLessThan(performance.now() - began);
  });
});

describe('the request id', () => {
  test('of the caller is kept', async () => {
    expect(await idOf('my-id:1')).toBe('my-id:1');
  });

  test('is made where it is missing or bad, a new one each time', async () => {
    const ids = [await idOf(), await idOf('a b'), await idOf('x'.repeat(200))];
    expect(ids).toEqual(ids.map(() => expect.stringMatching(/^[0-9a-f-]{36}$/) as string));
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('stands on refusals too', async () => {
    expect(await idOf('my-id:2', '{')).toBe('my-id:2');
  });

  test("of the provider has a name of its own and does not take the caller's place", async () => {
    room.provider.behave({ headers: { 'x-request-id': 'req_provider' } });
    const { headers } = await room.keyward.chat(undefined, { headers: { 'x-request-id': 'mine' } });
    expect([headers.get('x-request-id'), headers.get('x-provider-request-id')]).toEqual([
      'mine',
      'req_provider',
    ]);
  });
});

describe('headers that cross', () => {
  test('towards the provider: what identifies the caller stays here, on the wire too', async () => {
    await room.keyward.chat(undefined, {
      headers: {
        cookie: 'session=caller',
        'OpenAI-Organization': 'org-caller',
        'OpenAI-Project': 'proj-caller',
        'x-api-key': 'caller',
        'x-forwarded-for': '192.0.2.1',
        'user-agent': 'caller/1',
        'OpenAI-Beta': 'assistants=v2',
      },
    });
    const { rawHeaders, headers } = await room.provider.waitForRequest(room.provider.requests.length);
    expect(rawHeaders.join('\n')).not.toMatch(/caller|192\.0\.2\.1/);
    expect(rawHeaders.join('\n')).not.toContain(gatewayToken);
    expect(headers).toMatchObject({ 'openai-beta': 'assistants=v2', 'accept-encoding': 'identity' });
  });

  test('towards the caller: limits get through, cookies do not', async () => {
    room.provider.behave({
      headers: { 'x-ratelimit-remaining-requests': '3', 'set-cookie': '__cf=1', server: 'edge' },
    });
    const { headers } = await room.keyward.chat();
    expect(headers.get('x-ratelimit-remaining-requests')).toBe('3');
    expect([headers.get('set-cookie'), headers.get('server')]).toEqual([null, null]);
  });

  test("a provider's header beyond ASCII arrives as it was sent", async () => {
    room.provider.behave({ headers: { 'x-note': 'caf\u00e9' } });
    const direct = await fetch(`${room.provider.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${providerKey}` },
      body: '{"model":"m"}',
    });
    const relayed = await room.keyward.chat();
    expect(relayed.status).toBe(200);
    expect(relayed.headers.get('x-note')).toBe(direct.headers.get('x-note'));
  });

  test('an answer says its length or its chunks, never both', async () => {
    const connection = await openConnection(room.keyward.port);
    const body = JSON.stringify({ model: 'openrouter/m', messages: [], stream: true });
    await connection.send(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${gatewayToken}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    const { headers } = await connection.answer();
    expect(headers['transfer-encoding']).toBe('chunked');
    expect(headers['content-length']).toBeUndefined();
    connection.close();
  });
});
