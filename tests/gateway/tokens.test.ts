import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createToken, revokeToken } from '../../src/auth/token-store.ts';
import { occasionOfTests } from '../support/audited.ts';
import { gatewayAndProvider, providerKey } from '../support/gateway-and-provider.ts';
import { adminToken, gatewayToken } from '../support/running-keyward.ts';
import { openConnection } from '../support/raw-http.ts';

const room = gatewayAndProvider();

const withToken = async (authorization: string) =>
  room.keyward.chat(undefined, { headers: { authorization } });

/** What a 401 says, in the shape of the OpenAI API. */
async function refusalOf(
  response: Response,
): Promise<{ status: number; asksFor: string | null; body: unknown }> {
  return {
    status: response.status,
    asksFor: response.headers.get('www-authenticate'),
    body: await response.json(),
  };
}

const refusal = (code: 'token_missing' | 'token_invalid') => ({
  status: 401,
  asksFor: 'Bearer',
  body: { error: { message: expect.any(String) as string, type: 'authentication_error', param: null, code } },
});

describe('a caller', () => {
  test('without a token is refused', async () => {
    const before = room.provider.requests.length;
    const response = await fetch(room.keyward.chatUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"model":"openrouter/m"}',
    });
    expect(await refusalOf(response)).toEqual(refusal('token_missing'));
    expect(room.provider.requests).toHaveLength(before);
  });

  test.each([
    ['a wrong one', 'Bearer wrong-token-0123456789'],
    ['the admin token', `Bearer ${adminToken}`],
    ["the provider's own key", `Bearer ${providerKey}`],
    ['a good one and more', `Bearer ${gatewayToken}x`],
    ['the beginning of a good one', `Bearer ${gatewayToken.slice(0, -1)}`],
    ['a good one in other letters', `Bearer ${gatewayToken.toUpperCase()}`],
    ['the hash of a good one', `Bearer ${createHash('sha256').update(gatewayToken).digest('hex')}`],
    ['a good one under another scheme', `Basic ${gatewayToken}`],
    ['a good one without a scheme', gatewayToken],
    ['two', `Bearer ${gatewayToken} ${gatewayToken}`],
    ['a scheme alone', 'Bearer'],
    ['something endless', `Bearer ${'x'.repeat(8000)}`],
  ])('with %s is refused', async (_what, authorization) => {
    expect(await refusalOf(await withToken(authorization))).toEqual(refusal('token_invalid'));
  });

  test('with a good token is served, whatever the letters of the scheme', async () => {
    expect((await withToken(`bearer ${gatewayToken}`)).status).toBe(200);
    expect((await withToken(`BEARER  ${gatewayToken}`)).status).toBe(200);
  });

  test('with a token made while the server runs is served, and refused once it is revoked', async () => {
    const { audit } = room.keyward.server.installation;
    const { id, token } = await createToken(audit, occasionOfTests, { kind: 'gateway', name: 'test' });
    await room.keyward.caughtUp();
    const asked = async () => withToken(`Bearer ${token.reveal()}`);
    expect((await asked()).status).toBe(200);
    await revokeToken(audit, occasionOfTests, id);
    await room.keyward.caughtUp();
    expect(await refusalOf(await asked())).toEqual(refusal('token_invalid'));
  });

  test('is refused before its body has arrived', async () => {
    const connection = await openConnection(room.keyward.port);
    await connection.send(
      'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n',
    );
    expect((await connection.answer()).status).toBe(401);
    connection.close();
  });

  test('that is refused leaves its token in no log', async () => {
    await withToken('Bearer wrong-token-9876543210');
    expect(room.keyward.logLines.join('')).not.toMatch(/wrong-token/);
  });
});
