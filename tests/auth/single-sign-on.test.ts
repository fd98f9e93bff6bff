/** What the provider says of itself is asked for when it is needed, kept for a while, and believed only if it fits. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SingleSignOn } from '../../src/auth/single-sign-on.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { KeywardError } from '../../src/foundation/errors.ts';
import { startIdentityProvider, type IdentityProvider } from '../support/identity-provider.ts';
import { manualClock, type ManualClock } from '../support/manual-clock.ts';

const redirectUrl = 'https://keyward.example.com/api/v1/admin/session/oidc/callback';
const ring = KeyRing.parse(generateEncryptionKey());
let clock: ManualClock;
const leftovers: (() => Promise<void>)[] = [];
beforeEach(() => {
  clock = manualClock();
});
afterEach(async () => {
  for (const end of leftovers.splice(0)) await end();
});

function signOnAt(issuer: string): SingleSignOn {
  const { signOn } = loadConfig({
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: 'keyward',
    OIDC_REDIRECT_URL: redirectUrl,
  });
  if (signOn === undefined) throw new Error('single sign-on is off');
  return new SingleSignOn({ config: signOn, ring, clock });
}

async function provider(): Promise<IdentityProvider> {
  const started = await startIdentityProvider({ redirectUrl });
  leftovers.push(async () => started.close());
  return started;
}

/** Something that is no identity provider, at the address of one. */
async function impostor(answer: RequestListener): Promise<string> {
  const http: Server = createServer(answer);
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  leftovers.push(async () => {
    http.closeAllConnections();
    http.close();
    await once(http, 'close');
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

const codeOf = async (begun: Promise<unknown>): Promise<string> =>
  begun.then(
    () => 'begun',
    (error: unknown) => (error instanceof KeywardError ? error.code : String(error)),
  );

describe('a sign-in', () => {
  it('goes to the provider with all that makes it one of a kind', async () => {
    const { issuer } = await provider();
    const signOn = signOnAt(issuer);
    const [one, other] = [await signOn.begin('/'), await signOn.begin('/')];
    const { origin, pathname, searchParams } = new URL(one.redirectTo);
    expect([origin, pathname]).toEqual([issuer, '/auth']);
    expect(Object.fromEntries(searchParams)).toEqual({
      client_id: 'keyward',
      response_type: 'code',
      redirect_uri: redirectUrl,
      scope: 'openid profile email',
      state: expect.stringMatching(/^[\w-]{43}$/) as string,
      nonce: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge_method: 'S256',
    });
    for (const name of ['state', 'nonce', 'code_challenge'])
      expect(new URL(other.redirectTo).searchParams.get(name)).not.toBe(searchParams.get(name));
  });

  it('needs the provider once an hour, however many begin', async () => {
    const started = await provider();
    const signOn = signOnAt(started.issuer);
    const discoveries = (): number => started.requestsTo('/.well-known/openid-configuration');
    await Promise.all(Array.from({ length: 5 }, async () => signOn.begin('/')));
    expect(discoveries()).toBe(1);
    clock.pass(60 * 60_000 - 1);
    await signOn.begin('/');
    expect(discoveries()).toBe(1);
    clock.pass(1);
    await signOn.begin('/');
    expect(discoveries()).toBe(2);
  });

  it('is never begun before somebody asks for it', async () => {
    const started = await provider();
    signOnAt(started.issuer);
    expect(started.requestsTo('/.well-known/openid-configuration')).toBe(0);
  });
});

describe('a provider', () => {
  it('that is not there is unreachable', async () => {
    const started = await startIdentityProvider({ redirectUrl });
    await started.close();
    expect(await codeOf(signOnAt(started.issuer).begin('/'))).toBe('sign_on_unreachable');
  });

  it.each<[string, RequestListener]>([
    [
      'answers with a page',
      (_, response) => response.setHeader('content-type', 'text/html').end('<h1>Sign in</h1>'),
    ],
    ['answers with an error', (_, response) => response.writeHead(500).end()],
    [
      'answers with something else',
      (_, response) => response.setHeader('content-type', 'application/json').end('[]'),
    ],
    ['sends elsewhere', (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    [
      'says that it is another issuer',
      (_, response) =>
        response.setHeader('content-type', 'application/json').end(
          JSON.stringify({
            issuer: 'https://evil.example',
            authorization_endpoint: 'https://evil.example/auth',
          }),
        ),
    ],
  ])('that %s is not believed', async (_what, answer) => {
    expect(await codeOf(signOnAt(await impostor(answer)).begin('/'))).toBe('sign_on_failed');
  });

  it('that failed once is asked again', async () => {
    let isUp = false;
    const issuer: string = await impostor((_, response) => {
      if (!isUp) response.writeHead(500).end();
      else
        response
          .setHeader('content-type', 'application/json')
          .end(JSON.stringify({ issuer, authorization_endpoint: `${issuer}/auth` }));
    });
    const signOn = signOnAt(issuer);
    expect(await codeOf(signOn.begin('/'))).toBe('sign_on_failed');
    isUp = true;
    expect(await codeOf(signOn.begin('/'))).toBe('begun');
  });
});

describe('an ID token', () => {
  const keyPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

  /** ES256 (RFC 7515, RFC 7518). */
  function signed(claims: object, key: KeyObject): string {
    const parts = [{ alg: 'ES256', kid: 'one' }, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    const text = parts.join('.');
    const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  }

  /** A provider that publishes one key and signs with another, or with the same. */
  async function outcome(published: KeyObject, signing: KeyObject, changes: object = {}): Promise<string> {
    let nonce = '';
    const issuer: string = await impostor((request, response) => {
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: issuer, sub: '1', aud: 'keyward', iat: now, exp: now + 60, nonce, ...changes };
      const answers: Readonly<Record<string, object>> = {
        '/.well-known/openid-configuration': {
          issuer,
          authorization_endpoint: `${issuer}/auth`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/jwks`,
          id_token_signing_alg_values_supported: ['ES256'],
        },
        '/jwks': { keys: [{ ...published.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' }] },
        '/token': { access_token: 'opaque', token_type: 'Bearer', id_token: signed(claims, signing) },
      };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answers[request.url ?? '']));
    });
    const signOn = signOnAt(issuer);
    const { redirectTo, sealed } = await signOn.begin('/');
    const { searchParams } = new URL(redirectTo);
    nonce = searchParams.get('nonce') ?? '';
    return codeOf(signOn.finish(`?code=x&state=${searchParams.get('state')}`, sealed));
  }

  it('that the provider signed is believed', async () => {
    const { publicKey, privateKey } = keyPair();
    expect(await outcome(publicKey, privateKey)).toBe('begun');
  });

  it('that somebody else signed is not', async () => {
    expect(await outcome(keyPair().publicKey, keyPair().privateKey)).toBe('sign_in_invalid');
  });

  it.each([
    ['for somebody else', { aud: 'another-client' }],
    ['of another issuer', { iss: 'https://evil.example' }],
    ['that has expired', { exp: 1_000_000_000 }],
    ['for another sign-in', { nonce: 'another' }],
    ['without a nonce', { nonce: undefined }],
  ])('%s is not, signed as it is', async (_what, changes) => {
    const { publicKey, privateKey } = keyPair();
    expect(await outcome(publicKey, privateKey, changes)).toBe('sign_in_invalid');
  });
});
