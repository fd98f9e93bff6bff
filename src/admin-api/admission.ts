/**
 * Who may use which route: every route says whom it is for, and nobody gets past that before anything else
 * of the request is looked at.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Actor, Occasion } from '../audit/audit-event.ts';
import type { AdminIdentity } from '../auth/admin-identity.ts';
import { bearerToken } from '../auth/authenticate.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { AdminApiParts } from './admin-api-parts.ts';
import { addressOf } from './client-address.ts';
import { requireSamePage } from './same-page.ts';
import { clearSessionCookie, sessionCookieOf } from './session-cookie.ts';

/** `public`: anybody; `viewer`: who may look; `admin`: who may change. */
export type RouteAccess = 'public' | 'viewer' | 'admin';

export interface DeclaredRoute {
  readonly method: string;
  /** Its pattern, for example `/api/v1/admin/tokens/:id`. */
  readonly url: string;
  readonly access: RouteAccess;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: RouteAccess;
  }
  interface FastifyRequest {
    /** Set on every route that is not public, and on a public one once somebody has signed in. */
    actor: Actor | null;
    /** Set on every route that is not public. */
    identity: AdminIdentity | null;
  }
  interface FastifyInstance {
    /** Every route that was registered, with whom it is for. */
    readonly declaredRoutes: readonly DeclaredRoute[];
  }
}

/** Call before the routes are registered. A route that forgets to say whom it is for is for administrators only. */
export function guardRoutes(app: FastifyInstance, parts: AdminApiParts): void {
  const declared: DeclaredRoute[] = [];
  app.decorate('declaredRoutes', declared);
  app.addHook('onRoute', ({ method, url, config }) => {
    const methods = [method].flat().filter((one) => one !== 'HEAD');
    declared.push(...methods.map((one) => ({ method: one, url, access: config?.access ?? 'admin' })));
  });
  app.decorateRequest('actor', null);
  app.decorateRequest('identity', null);
  app.addHook('onRequest', async (request, reply) => {
    const access = request.routeOptions.config.access ?? 'admin';
    if (access === 'public' || request.is404) return;
    const identity = await recognise(parts, request, reply);
    request.identity = identity;
    request.actor = actorOf(identity, request);
    if (identity.session !== null && !isRead(request))
      requireSamePage(request, identity.session.csrfToken, parts.config.publicOrigin);
    if (access === 'admin' && identity.role !== 'admin') throw new KeywardError('role_insufficient');
  });
}

/** A token that is presented counts, whatever cookie comes with it. */
async function recognise(
  { auth }: AdminApiParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<AdminIdentity> {
  const { authorization } = request.headers;
  const cookie = sessionCookieOf(request);
  if (authorization !== undefined || cookie === undefined)
    return auth.access.byToken(bearerToken(authorization), addressOf(request));
  const identity = await auth.sessions.find(cookie);
  if (identity !== undefined) return identity;
  clearSessionCookie(request, reply);
  throw new KeywardError('session_invalid');
}

function isRead({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Whoever was recognised, at the place where the request came from. */
export function actorOf(
  { kind, id, name, role }: Pick<Actor, 'kind' | 'id' | 'name' | 'role'>,
  request: FastifyRequest,
): Actor {
  return {
    kind,
    id,
    name,
    role,
    address: addressOf(request),
    userAgent: request.headers['user-agent'] ?? null,
  };
}

/** What the changes of this request are recorded with. */
export function occasionOf(request: FastifyRequest, reason: string | null = null): Occasion {
  if (request.actor === null) throw new Error('a public route changes nothing');
  return { actor: request.actor, requestId: request.id, reason };
}

/** Who sent a request to a route that is not public. */
export function identityOf(request: FastifyRequest): AdminIdentity {
  if (request.identity === null) throw new Error('a public route knows nobody');
  return request.identity;
}
