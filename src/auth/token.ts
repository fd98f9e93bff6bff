/**
 * What a token looks like and how it is recognised: random text with a prefix that names its kind, of
 * which only the hash is ever kept.
 */
import { hash, randomBytes } from 'node:crypto';
import { Secret } from '../foundation/secret.ts';

export type TokenKind = 'admin' | 'gateway';

/** What an administrator may do: admin changes, viewer looks. */
export type AdminRole = 'admin' | 'viewer';

const prefixes: Record<TokenKind, string> = { admin: 'kwa_', gateway: 'kwg_' };
const generatedShape = /^kw[ag]_[\w-]{43}$/;
const shownCharacters = 10;

/** A new token with 256 random bits: `kwg_` or `kwa_` and 43 characters of base64url. */
export function generateToken(kind: TokenKind): Secret {
  return new Secret(prefixes[kind] + randomBytes(32).toString('base64url'));
}

/** At least 16 bytes in hex, as `openssl rand -hex` gives them: no person thinks of that. */
const hexShape = /^[0-9a-f]{32,}$/i;
const fewestDifferent = 8;

/**
 * Whether nobody could guess it, were it a good one: one of generateToken, or random bytes in hex. Told by
 * the text alone, so that it says nothing of the tokens that there are.
 */
export function looksUnguessable(token: string): boolean {
  return generatedShape.test(token) || (hexShape.test(token) && new Set(token).size >= fewestDifferent);
}

/** Whether it is made like a token of ours, or is one of those that were chosen. */
export function isToken(secret: Secret, chosen: readonly (Secret | undefined)[]): boolean {
  const text = secret.reveal();
  return generatedShape.test(text) || chosen.some((token) => token?.reveal() === text);
}

/** SHA-256 in hex. A token has too much entropy to be guessed from its hash, so no salt and no slow hash. */
export function hashToken(token: string): string {
  return hash('sha256', token, 'hex');
}

/** The same of a token that is still a secret. */
export function hashOf(token: Secret): string {
  return hashToken(token.reveal());
}

/** The beginning, which a person recognises it by and which tells nothing of the rest. */
export function beginningOf(token: string): string {
  return token.slice(0, shownCharacters);
}
