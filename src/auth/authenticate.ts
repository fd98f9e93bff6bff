/**
 * Decides whether a request carries a good token. Looks the hash of what was presented up among the
 * hashes of the good ones: the time it takes tells nothing about any token.
 */
import { KeywardError } from '../foundation/errors.ts';
import type { Secret } from '../foundation/secret.ts';
import { hashToken } from './token.ts';

/** Hashes of the tokens that are good at this moment. */
export type GoodTokens = ReadonlySet<string>;

/** Adds a token from the environment to those of the database. */
export function withBootstrapToken(stored: Set<string>, token: Secret | undefined): GoodTokens {
  return token === undefined ? stored : new Set([...stored, hashToken(token.reveal())]);
}

/**
 * Checks an Authorization header (RFC 6750, "Bearer").
 * @throws KeywardError token_missing or token_invalid, both 401
 */
export function authenticate(authorization: string | undefined, good: GoodTokens): void {
  if (authorization === undefined || authorization.trim() === '') throw new KeywardError('token_missing');
  const match = /^bearer +(\S+)$/i.exec(authorization.trim());
  if (match?.[1] === undefined || !good.has(hashToken(match[1]))) throw new KeywardError('token_invalid');
}
