/**
 * Decides whether a request carries a good token. Looks the hash of what was presented up among the
 * hashes of the good ones: the time it takes tells nothing about any token, since nobody can steer a hash.
 */
import type { Clock } from '../foundation/clock.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { Secret } from '../foundation/secret.ts';
import { hashOf, hashToken } from './token.ts';

/** Until when a token is good, in milliseconds since 1970, by its hash; Infinity for one that does not expire. */
export type GoodTokens = ReadonlyMap<string, number>;

/** Adds a token from the environment to those of the database; it does not expire. */
export function withBootstrapToken(stored: GoodTokens, token: Secret | undefined): GoodTokens {
  return token === undefined ? stored : new Map([...stored, [hashOf(token), Infinity]]);
}

/**
 * Checks an Authorization header (RFC 6750, "Bearer").
 * @throws KeywardError token_missing or token_invalid, both 401
 */
export function authenticate(authorization: string | undefined, good: GoodTokens, clock: Clock): void {
  const goodUntil = good.get(hashToken(bearerToken(authorization)));
  if (goodUntil === undefined || (goodUntil !== Infinity && goodUntil <= clock.now().getTime()))
    throw new KeywardError('token_invalid');
}

/**
 * The token of an Authorization header.
 * @throws KeywardError token_missing; token_invalid where the header is no "Bearer" and one token
 */
export function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined || authorization.trim() === '') throw new KeywardError('token_missing');
  const token = /^bearer +(\S+)$/i.exec(authorization.trim())?.[1];
  if (token === undefined) throw new KeywardError('token_invalid');
  return token;
}
