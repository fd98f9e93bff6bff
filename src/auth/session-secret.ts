/**
 * The secret of a session, which its cookie carries: 256 random bits, and when the session ends at the latest.
 * Only a hash under the encryption key ring is stored, so that who can write to the database cannot make a
 * session, nor lengthen one; the CSRF
 * token is made of it, so that whoever knows the token does not know the cookie.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { KeyRing } from '../crypto/key-ring.ts';
import { Secret } from '../foundation/secret.ts';
import type { AdminRole } from './token.ts';

const shape = /^[\w-]{43}\.([1-9]\d{0,14})$/;

/** @param expiresAt when the session ends at the latest; stands in it in milliseconds since 1970 */
export function newSessionSecret(expiresAt: Date): Secret {
  return new Secret(`${randomBytes(32).toString('base64url')}.${expiresAt.getTime()}`);
}

/** Whether a row's expiry is the one that the session began with. */
export function endsAsBegun(secret: Secret, expiresAt: Date): boolean {
  return shape.exec(secret.reveal())?.[1] === String(expiresAt.getTime());
}

/** Whether a cookie can be one of ours at all. */
export function looksLikeSessionSecret(text: string): boolean {
  return shape.test(text);
}

const purpose = 'keyward session id v1';

export interface SessionBinding {
  /** Of whose row it is: a row whose role is changed is no session any more. */
  readonly role: AdminRole;
  /** The hash of the token that the session must end with: under another token it is another hash. */
  readonly boundTo?: string | undefined;
}

/**
 * HMAC-SHA256 in hex under a key derived from the encryption key.
 * @returns one for each key of the ring, that of the active key first
 */
export function sessionHashes(
  ring: KeyRing,
  secret: Secret,
  { role, boundTo }: SessionBinding,
): [active: string, ...others: string[]] {
  const parts = [secret.reveal(), role, ...(boundTo === undefined ? [] : [boundTo])];
  return ring.keyedHashes(purpose, parts.join('.'));
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
