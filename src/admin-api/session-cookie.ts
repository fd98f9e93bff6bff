/**
 * The cookies of sign-in: out of reach of scripts, and over TLS bound to this host alone, so that no
 * neighbouring name can plant one (RFC 6265bis, `__Host-`).
 */
import { fastifyCookie } from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { signInTimeMs } from '../auth/sign-in-state.ts';
import type { Secret } from '../foundation/secret.ts';
import { cameByHttps } from './client-address.ts';

const sessionCookie = 'keyward_session';
const signInCookie = 'keyward_sign_in';

export async function readCookies(app: FastifyInstance): Promise<void> {
  await app.register(fastifyCookie);
}

export function sessionCookieOf(request: FastifyRequest): string | undefined {
  return request.cookies[nameOf(sessionCookie, request)];
}

export function setSessionCookie(request: FastifyRequest, reply: FastifyReply, secret: Secret): void {
  // Until the browser closes: when it ends at the latest is for the server to say.
  void reply.setCookie(nameOf(sessionCookie, request), secret.reveal(), {
    ...attributesOf(request),
    sameSite: 'strict',
  });
}

export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply): void {
  void reply.clearCookie(nameOf(sessionCookie, request), { ...attributesOf(request), sameSite: 'strict' });
}

export function signInCookieOf(request: FastifyRequest): string | undefined {
  return request.cookies[nameOf(signInCookie, request)];
}

/** Lax, since the browser comes back from another site. */
export function setSignInCookie(request: FastifyRequest, reply: FastifyReply, sealed: string): void {
  void reply.setCookie(nameOf(signInCookie, request), sealed, {
    ...attributesOf(request),
    sameSite: 'lax',
    maxAge: signInTimeMs / 1000,
  });
}

export function clearSignInCookie(request: FastifyRequest, reply: FastifyReply): void {
  void reply.clearCookie(nameOf(signInCookie, request), { ...attributesOf(request), sameSite: 'lax' });
}

function nameOf(cookie: string, request: FastifyRequest): string {
  return cameByHttps(request) ? `__Host-${cookie}` : cookie;
}

function attributesOf(request: FastifyRequest): { httpOnly: true; secure: boolean; path: '/' } {
  return { httpOnly: true, secure: cameByHttps(request), path: '/' };
}
