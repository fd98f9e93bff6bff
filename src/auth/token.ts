/**
 * What a token looks like and how it is recognised: random text with a prefix that names its kind, of
 * which only the hash is ever kept.
 */
import { hash, randomBytes } from 'node:crypto';
import { Secret } from '../foundation/secret.ts';

export type TokenKind = 'admin' | 'gateway';

const prefixes: Record<TokenKind, string> = { admin: 'kwa_', gateway: 'kwg_' };

/** A new token with 256 random bits: `kwg_` or `kwa_` and 43 characters of base64url. */
export function generateToken(kind: TokenKind): Secret {
  return new Secret(prefixes[kind] + randomBytes(32).toString('base64url'));
}

/** SHA-256 in hex. A token has too much entropy to be guessed from its hash, so no salt and no slow hash. */
export function hashToken(token: string): string {
  return hash('sha256', token, 'hex');
}
