/**
 * Single sign-on by OpenID Connect: authorization code with PKCE, state and nonce. Who comes back is believed
 * only with the state that this browser left with, and with an ID token signed by the provider.
 */
import * as oidc from 'openid-client';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Clock } from '../foundation/clock.ts';
import type { SignOnConfig } from '../foundation/config-administrators.ts';
import { codeOf, KeywardError, messageOf } from '../foundation/errors.ts';
import { readClaim, roleIn, type Claims } from './role-claim.ts';
import { sameText } from './session-secret.ts';
import { openSignIn, sealSignIn } from './sign-in-state.ts';
import type { AdminRole } from './token.ts';

export interface SingleSignOnParts {
  readonly config: SignOnConfig;
  readonly ring: KeyRing;
  readonly clock: Clock;
}

export interface SignedOn {
  /** Identifies the person at the provider. */
  readonly subject: string;
  readonly name: string;
  /** Null for somebody who has no role here. */
  readonly role: AdminRole | null;
  /** Where the person wanted to go. */
  readonly returnTo: string;
}

const answerTimeoutS = 10;
/** How long what the provider says of itself is good. */
const discoveryMs = 60 * 60_000;

export class SingleSignOn {
  readonly #parts: SingleSignOnParts;
  #discovered: { readonly atMs: number; readonly provider: Promise<oidc.Configuration> } | undefined;

  constructor(parts: SingleSignOnParts) {
    this.#parts = parts;
  }

  /**
   * @param returnTo a path on this server
   * @returns where to send the browser, and what it must bring back in a cookie
   * @throws KeywardError sign_on_unreachable (503) or sign_on_failed (502)
   */
  async begin(returnTo: string): Promise<{ redirectTo: string; sealed: string }> {
    const { config, ring, clock } = this.#parts;
    const provider = await this.#discover();
    const [state, nonce, codeVerifier] = [
      oidc.randomState(),
      oidc.randomNonce(),
      oidc.randomPKCECodeVerifier(),
    ];
    const redirectTo = oidc.buildAuthorizationUrl(provider, {
      redirect_uri: config.redirectUrl,
      scope: config.scopes,
      code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
    return {
      redirectTo: redirectTo.href,
      sealed: sealSignIn(ring, { state, nonce, codeVerifier, returnTo }, clock.now()),
    };
  }

  /**
   * @param query of the address that the provider sent the browser to, with or without `?`
   * @param sealed the cookie that came with it
   * @throws KeywardError sign_in_invalid (400), sign_in_denied (403), sign_on_failed (502), sign_on_unreachable (503)
   */
  async finish(query: string, sealed: string | undefined): Promise<SignedOn> {
    const { config, ring, clock } = this.#parts;
    const begun = sealed === undefined ? undefined : openSignIn(ring, sealed, clock.now());
    const returned = new URLSearchParams(query);
    if (begun === undefined || !sameText(returned.get('state') ?? '', begun.state))
      throw new KeywardError('sign_in_invalid');
    const provider = await this.#discover();
    const url = new URL(config.redirectUrl);
    url.search = returned.toString();
    const { id, further } = await this.#exchange(provider, url, begun);
    const claim = await firstClaim([id, ...further], config.rolesClaim);
    return {
      subject: id.sub,
      name: nameOf(id),
      role: roleIn(claim, config),
      returnTo: begun.returnTo,
    };
  }

  async #exchange(
    provider: oidc.Configuration,
    url: URL,
    { state, nonce, codeVerifier }: { state: string; nonce: string; codeVerifier: string },
  ): Promise<{ id: Claims & { readonly sub: string }; further: ClaimSource[] }> {
    try {
      const tokens = await oidc.authorizationCodeGrant(provider, url, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: codeVerifier,
        idTokenExpected: true,
      });
      const id = tokens.claims();
      if (id === undefined) throw new Error('there is no ID token');
      return {
        id,
        further: [
          claimsOfAccessToken(tokens.access_token, id.iss, id.sub),
          async () => this.#userInfo(provider, tokens.access_token, id.sub),
        ],
      };
    } catch (error) {
      throw refusalOf(error);
    }
  }

  async #userInfo(provider: oidc.Configuration, accessToken: string, subject: string): Promise<Claims> {
    if (provider.serverMetadata().userinfo_endpoint === undefined) return {};
    try {
      return await oidc.fetchUserInfo(provider, accessToken, subject);
    } catch (error) {
      throw refusalOf(error);
    }
  }

  async #discover(): Promise<oidc.Configuration> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#discovered === undefined || nowMs - this.#discovered.atMs >= discoveryMs) {
      const provider = discover(this.#parts.config);
      this.#discovered = { atMs: nowMs, provider };
      provider.catch(() => {
        if (this.#discovered?.provider === provider) this.#discovered = undefined;
      });
    }
    return this.#discovered.provider;
  }
}

/** @throws KeywardError sign_on_unreachable or sign_on_failed */
async function discover({ issuer, clientId, clientSecret }: SignOnConfig): Promise<oidc.Configuration> {
  const url = new URL(issuer);
  try {
    return await oidc.discovery(
      url,
      clientId,
      undefined,
      clientSecret === undefined ? oidc.None() : secretAsAccepted(clientSecret.reveal()),
      {
        timeout: answerTimeoutS,
        execute: [
          oidc.enableNonRepudiationChecks,
          // The configuration lets http through for loopback only.
          ...(url.protocol === 'http:' ? [oidc.allowInsecureRequests] : []),
        ],
      },
    );
  } catch (error) {
    const refusal = refusalOf(error);
    throw refusal.code === 'sign_on_unreachable'
      ? refusal
      : new KeywardError('sign_on_failed', { cause: refusal.cause });
  }
}

/** In the body, unless the provider says that it takes it in a header only. */
function secretAsAccepted(clientSecret: string): oidc.ClientAuth {
  const [inBody, inHeader] = [oidc.ClientSecretPost(clientSecret), oidc.ClientSecretBasic(clientSecret)];
  return (server, client, body, headers) => {
    const accepted = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const method = accepted.includes('client_secret_post') ? inBody : inHeader;
    return method(server, client, body, headers);
  };
}

type ClaimSource = Claims | (() => Promise<Claims>);

/** The first source that has the claim counts alone; the later ones are not even asked. */
async function firstClaim(sources: readonly ClaimSource[], path: string): Promise<unknown> {
  for (const source of sources) {
    const claim = readClaim(typeof source === 'function' ? await source() : source, path);
    if (claim !== undefined) return claim;
  }
  return undefined;
}

/**
 * What an access token says where it is a JWT: Keycloak puts roles there and not into the ID token. It came
 * with the ID token, straight from the provider and over TLS, so it is believed as that (OpenID Connect Core
 * 3.1.3.7).
 */
function claimsOfAccessToken(accessToken: string, issuer: string, subject: string): Claims {
  try {
    const payload = Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString();
    const claims = JSON.parse(payload) as Claims;
    return claims['iss'] === issuer && claims['sub'] === subject ? claims : {};
  } catch {
    return {};
  }
}

/** A name that people cannot give themselves comes before one that they can. */
function nameOf(id: Claims & { readonly sub: string }): string {
  const names = [id['preferred_username'], id['email'], id['name']];
  return names.find((name): name is string => typeof name === 'string' && name !== '') ?? id.sub;
}

/** Faults of what came back with the browser, rather than of the provider. */
const faultsOfTheReturn: ReadonlySet<string> = new Set([
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
]);

/** What a fault of the exchange is to the person who signs in; what happened goes to the log. */
function refusalOf(error: unknown): KeywardError {
  const cause = inFull(error);
  if (error instanceof oidc.AuthorizationResponseError) {
    const why = /^[a-z_]{1,50}$/.test(error.error) ? ` It says: ${error.error}.` : '';
    return new KeywardError('sign_in_denied', {
      message: `The identity provider refused the sign-in.${why}`,
      cause,
    });
  }
  if (error instanceof oidc.ResponseBodyError && error.error === 'invalid_grant')
    return new KeywardError('sign_in_invalid', { cause });
  if (codeOf(error) === 'OAUTH_TIMEOUT' || (error instanceof TypeError && codeOf(error.cause) !== ''))
    return new KeywardError('sign_on_unreachable', { cause });
  if (faultsOfTheReturn.has(codeOf(error))) return new KeywardError('sign_in_invalid', { cause });
  return new KeywardError('sign_on_failed', { cause });
}

/** The messages of an error and of its causes; their other fields may hold codes and tokens. */
function inFull(error: unknown): string {
  if (error instanceof oidc.ResponseBodyError)
    return `${error.error}: ${error.error_description ?? error.status}`;
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${inFull(error.cause)}` : '';
  return `${messageOf(error)}${cause}`;
}
