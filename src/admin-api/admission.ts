/**
 * Who may use which route: every route says whom it is for, and nobody gets past that before anything else
 * of the request is looked at.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Actor, Occasion } from '../audit/audit-event.ts';
import { KeywardError } from '../foundation/errors.ts';

/** `public`: anybody; `viewer`: who may look; `admin`: who may change. */
export type RouteAccess = 'public' | 'viewer' | 'admin';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: RouteAccess;
  }
  interface FastifyRequest {
    /** Set on every route that is not public. */
    actor: Actor | null;
  }
}

/** Recognises who sends a request; throws the KeywardError that refuses it. */
export type Recognise = (request: FastifyRequest) => Promise<Actor>;

/** A route that forgets to say whom it is for is for administrators only. */
export function guardRoutes(app: FastifyInstance, recognise: Recognise): void {
  app.decorateRequest('actor', null);
  app.addHook('onRequest', async (request) => {
    const access = request.routeOptions.config.access ?? 'admin';
    if (access === 'public' || request.is404) return;
    const actor = await recognise(request);
    if (access === 'admin' && actor.role !== 'admin') throw new KeywardError('role_insufficient');
    request.actor = actor;
  });
}

/** What the changes of this request are recorded with. */
export function occasionOf(request: FastifyRequest, reason: string | null = null): Occasion {
  if (request.actor === null) throw new Error('a public route changes nothing');
  return { actor: request.actor, requestId: request.id, reason };
}
