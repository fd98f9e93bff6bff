/**
 * Single sign-on: to the identity provider, and back with a session. People see these answers in a browser,
 * so a refusal is a page to them and JSON to programs.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { SingleSignOn } from '../../auth/single-sign-on.ts';
import { signInCallbackPath } from '../../foundation/setting-types.ts';
import { KeywardError, type ErrorEnvelope } from '../../foundation/errors.ts';
import { actorOf, occasionOf } from '../admission.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import {
  clearSignInCookie,
  sessionCookieOf,
  setSessionCookie,
  setSignInCookie,
  signInCookieOf,
} from '../session-cookie.ts';
import type { TypedApp } from '../typed-app.ts';

/** A path of this server: nobody is sent elsewhere from here. */
const returnPath = z
  .string()
  .max(1_000)
  .refine((path) => /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(path), 'must be a path of this server')
  .default('/');

const tags = ['sessions'];

const callbackRefusals = [
  'sign_on_off',
  'sign_in_invalid',
  'sign_in_denied',
  'sign_in_without_role',
  'sign_on_failed',
  'sign_on_unreachable',
  'too_many_attempts',
  'database_unavailable',
  'audit_unavailable',
] as const;

export function signOnRoutes(app: TypedApp, parts: AdminApiParts): void {
  app.get(
    '/api/v1/admin/session/oidc/start',
    {
      config: { access: 'public', refusals: ['sign_on_off', 'sign_on_failed', 'sign_on_unreachable'] },
      onSend: asPage,
      schema: {
        operationId: 'startSingleSignOn',
        summary: 'To the identity provider; for browsers',
        tags,
        querystring: z.object({
          return_to: returnPath.describe('Where to go after signing in: a path of this server.'),
        }),
      },
    },
    async (request, reply) => {
      const { redirectTo, sealed } = await signOnOf(parts).begin(request.query.return_to);
      setSignInCookie(request, reply, sealed);
      return reply.redirect(redirectTo, 303);
    },
  );
  app.get(
    signInCallbackPath,
    {
      config: { access: 'public', refusals: callbackRefusals },
      onSend: asPage,
      schema: {
        operationId: 'finishSingleSignOn',
        summary: 'Back from the identity provider: begins a session',
        tags,
      },
    },
    async (request, reply) => finish(parts, request, reply),
  );
}

async function finish(
  parts: AdminApiParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const signOn = signOnOf(parts);
  // Whatever comes of it, this sign-in is over.
  clearSignInCookie(request, reply);
  const { search: query } = new URL(request.url, parts.config.signOn?.redirectUrl);
  const { subject, name, role, returnTo } = await signOn.finish(query, signInCookieOf(request));
  if (role === null) {
    request.actor = actorOf({ kind: 'anonymous', id: subject, name, role }, request);
    throw new KeywardError('sign_in_without_role', {
      message: `You have no role here. An administrator can give you one: it is looked for in the claim ${parts.config.signOn?.rolesClaim}.`,
    });
  }
  request.actor = actorOf({ kind: 'session', id: null, name, role }, request);
  const { secret } = await parts.auth.sessions.start(
    occasionOf(request),
    { method: 'oidc', tokenId: null, subject: `oidc:${subject}`, name, role, expiresAt: null },
    sessionCookieOf(request),
  );
  setSessionCookie(request, reply, secret);
  return reply.redirect(returnTo, 303);
}

function signOnOf({ auth }: AdminApiParts): SingleSignOn {
  if (auth.signOn === undefined) throw new KeywardError('sign_on_off');
  return auth.signOn;
}

/** Turns the error of an answer into a page for whoever asks for one. */
async function asPage(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
  const wantsPage = request.headers.accept?.includes('text/html') === true;
  if (reply.statusCode < 400 || !wantsPage || typeof payload !== 'string') return payload;
  const { error } = JSON.parse(payload) as ErrorEnvelope;
  void reply.type('text/html; charset=utf-8').removeHeader('content-length');
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Keyward: not signed in</title></head>
<body><h1>Not signed in</h1><p>${escaped(error.message)}</p><p>Code: ${error.code}</p><p><a href="/">Back</a></p></body>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
