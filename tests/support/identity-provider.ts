/**
 * A real OpenID Connect provider on loopback, with people in it. Instead of a form for name and password it
 * signs in whoever the test says; all else is oidc-provider as it is.
 */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider, type Context } from 'oidc-provider';

export interface Person {
  readonly sub: string;
  readonly preferred_username?: string;
  readonly [claim: string]: unknown;
}

export interface IdentityProviderOptions {
  readonly redirectUrl: string;
  /** A public client where absent. */
  readonly clientSecret?: string;
  /** How the client shows its secret; in the body where absent. */
  readonly clientAuth?: 'client_secret_post' | 'client_secret_basic';
  /** Where the claims of people stand; in the ID token where absent. */
  readonly claimsIn?: 'id_token' | 'userinfo' | 'access_token';
  /** A free one where absent. */
  readonly port?: number;
}

export interface IdentityProvider {
  readonly issuer: string;
  readonly clientId: string;
  /** Who signs in next; null for somebody who gives up. */
  person: Person | null;
  /** Requests to this path, without the query, so far. */
  requestsTo(path: string): number;
  close(): Promise<void>;
}

const clientId = 'keyward';
const ownClaims = ['preferred_username', 'realm_access', 'roles', 'groups'];
const resource = 'urn:keyward:tests';

export async function startIdentityProvider(options: IdentityProviderOptions): Promise<IdentityProvider> {
  const http = createServer();
  http.listen(options.port ?? 0, '127.0.0.1');
  await once(http, 'listening');
  // Another host than 127.0.0.1 to a browser: cookies do not know ports.
  const issuer = `http://localhost:${(http.address() as AddressInfo).port}`;
  const requests: string[] = [];
  const people = new Map<string, Person>();
  const provider = new Provider(issuer, configuration(options, people));
  const handle = provider.callback();
  const state: { person: Person | null } = { person: null };
  http.on('request', (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    requests.push(path);
    if (!path.startsWith('/interaction/')) {
      handle(request, response);
      return;
    }
    const { person } = state;
    if (person !== null) people.set(person.sub, person);
    const result = person === null ? { error: 'access_denied' } : { login: { accountId: person.sub } };
    provider
      .interactionFinished(request, response, result)
      .catch((error: unknown) => response.destroy(error as Error));
  });
  return {
    issuer,
    clientId,
    get person() {
      return state.person;
    },
    set person(person) {
      state.person = person;
    },
    requestsTo: (path) => requests.filter((one) => one === path).length,
    close: async () => close(http),
  };
}

async function close(http: Server): Promise<void> {
  if (!http.listening) return;
  http.closeAllConnections();
  http.close();
  await once(http, 'close');
}

function configuration(
  {
    redirectUrl,
    clientSecret,
    clientAuth = 'client_secret_post',
    claimsIn = 'id_token',
  }: IdentityProviderOptions,
  people: ReadonlyMap<string, Person>,
): Readonly<Record<string, unknown>> {
  const claimsOf = (id: string): Person => people.get(id) ?? { sub: id };
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    clients: [
      {
        client_id: clientId,
        ...(clientSecret === undefined
          ? { token_endpoint_auth_method: 'none' }
          : { client_secret: clientSecret, token_endpoint_auth_method: clientAuth }),
        redirect_uris: [redirectUrl],
        response_types: ['code'],
        grant_types: ['authorization_code'],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    clientAuthMethods: ['none', clientAuth],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }] },
    cookies: { keys: ['a key of the tests'] },
    claims: claimsIn === 'access_token' ? { openid: ['sub'] } : { openid: ['sub'], profile: ownClaims },
    scopes: ['openid', 'profile', 'email'],
    // Not conforming: claims of scopes stand in the ID token too.
    conformIdTokenClaims: claimsIn === 'userinfo',
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: claimsIn === 'access_token',
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: '',
          audience: clientId,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    extraTokenClaims: (_context: Context, token: { accountId?: string }) => {
      const { sub: _, ...claims } = claimsOf(token.accountId ?? '');
      return claims;
    },
    findAccount: (_context: Context, id: string) => ({ accountId: id, claims: () => claimsOf(id) }),
    interactions: { url: (_context: Context, { uid }: { uid: string }) => `/interaction/${uid}` },
    loadExistingGrant: async ({ oidc: { client, session, provider } }: Context) => {
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
    pkce: { required: () => true },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      Grant: 600,
      IdToken: 600,
      Interaction: 600,
      Session: 600,
    },
  };
}
