/**
 * The secret of a session, which its cookie carries: 256 random bits. Only its hash is stored; the CSRF
 * token is made of it, so that whoever knows the token does not know the cookie.
 */
import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Secret } from '../foundation/secret.ts';

const shape = /^[\w-]{43}$/;

export function newSessionSecret(): Secret {
  return new Secret(randomBytes(32).toString('base64url'));
}

/** Whether a cookie can be one of ours at all. */
export function looksLikeSessionSecret(text: string): boolean {
  return shape.test(text);
}

/**
 * SHA-256 in hex; 256 random bits need no salt.
 * @param boundTo the hash of the token that the session must end with: under another token it is another hash
 */
export function sessionHash(secret: Secret, boundTo?: string): string {
  return hash('sha256', secret.reveal() + (boundTo === undefined ? '' : `.${boundTo}`), 'hex');
}

/** HMAC-SHA256 (RFC 2104) under the session's secret, in base64url. */
export function csrfTokenOf(secret: Secret): string {
  return createHmac('sha256', secret.reveal()).update('keyward csrf token').digest('base64url');
}

/** In a time that tells nothing of where two texts differ. */
export function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
