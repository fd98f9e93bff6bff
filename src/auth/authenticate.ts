/**
 * Decides whether a request carries a good token. Looks the hash of what was presented up among the
 * hashes of the good ones: the time it takes tells nothing about any token, since nobody can steer a hash.
 */
import type { Clock } from '../foundation/clock.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { Secret } from '../foundation/secret.ts';
import { hashOf, hashToken } from './token.ts';

/** Who calls, and what they may: the token that was presented, without the token. */
export interface Caller {
  /** keyward_tokens.id; 0 for the token of the environment, and where no token is asked for. */
  readonly tokenId: number;
  readonly name: string;
  readonly limits: TokenLimits | null;
}

/** A row of keyward_token_limits; null: no limit. */
export interface TokenLimits {
  /** The user whose token it is, as user_api_keys.user_id names them. */
  readonly owner: string | null;
  readonly allowedProviders: readonly string[] | null;
  /** As provider/model, with * for any text. */
  readonly allowedModels: readonly string[] | null;
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly dailyBudgetUsd: number | null;
  readonly monthlyBudgetUsd: number | null;
}

interface GoodToken {
  /** In milliseconds since 1970; Infinity where it does not expire. */
  readonly untilMs: number;
  readonly caller: Caller;
}

/** By the hash of the token. */
export type GoodTokens = ReadonlyMap<string, GoodToken>;

export const environmentCaller: Caller = { tokenId: 0, name: 'KEYWARD_GATEWAY_TOKEN', limits: null };
export const openCaller: Caller = { tokenId: 0, name: 'anybody', limits: null };

/** Adds a token from the environment to those of the database; it does not expire. */
export function withBootstrapToken(stored: GoodTokens, token: Secret | undefined): GoodTokens {
  if (token === undefined) return stored;
  return new Map([...stored, [hashOf(token), { untilMs: Infinity, caller: environmentCaller }]]);
}

/**
 * Checks an Authorization header (RFC 6750, "Bearer").
 * @throws KeywardError token_missing or token_invalid, both 401
 */
export function authenticate(authorization: string | undefined, good: GoodTokens, clock: Clock): Caller {
  const found = good.get(hashToken(bearerToken(authorization)));
  if (found === undefined || (found.untilMs !== Infinity && found.untilMs <= clock.now().getTime()))
    throw new KeywardError('token_invalid');
  return found.caller;
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
