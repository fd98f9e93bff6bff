/**
 * The way in for administrators and their monitors: health, metrics and the admin API, on Fastify. Every
 * error leaves in the same envelope as the gateway's.
 */
import { randomUUID } from 'node:crypto';
import fastify, { type FastifyReply, type FastifyRequest, type FastifyServerOptions } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { anonymous } from '../auth/refusal-recorder.ts';
import { errorEnvelope, KeywardError } from '../foundation/errors.ts';
import type { AdminApiParts } from './admin-api-parts.ts';
import { actorOf, guardRoutes } from './admission.ts';
import { allowedMethods } from './allowed-methods.ts';
import { hostCheck } from './check-host.ts';
import { layConventions } from './conventions.ts';
import { KeyTestLimits } from './key-test-limits.ts';
import { refuseDuplicateHeaders } from './refuse-duplicate-headers.ts';
import { maxAdminBodyBytes, toKeywardError } from './request-faults.ts';
import { alertRoutes } from './routes/alert-routes.ts';
import { aliasRoutes } from './routes/alias-routes.ts';
import { auditProofRoutes } from './routes/audit-proof-routes.ts';
import { auditRoutes } from './routes/audit-routes.ts';
import { channelRoutes } from './routes/channel-routes.ts';
import { documentRoutes } from './routes/document-routes.ts';
import { encryptionRoutes } from './routes/encryption-routes.ts';
import { eventRoutes } from './routes/event-routes.ts';
import { healthRoutes } from './routes/health-routes.ts';
import { keyRoutes } from './routes/key-routes.ts';
import { keyTestRoutes } from './routes/key-test-routes.ts';
import { managementRoutes } from './routes/management-routes.ts';
import { pageRoutes } from './routes/page-routes.ts';
import { providerRoutes } from './routes/provider-routes.ts';
import { rotationRoutes } from './routes/rotation-routes.ts';
import { rotationStepRoutes } from './routes/rotation-step-routes.ts';
import { sessionRoutes } from './routes/session-routes.ts';
import { signOnRoutes } from './routes/sign-on-routes.ts';
import { statusRoutes } from './routes/status-routes.ts';
import { systemRoutes } from './routes/system-routes.ts';
import { usageRoutes } from './routes/usage-routes.ts';
import { tokenRoutes } from './routes/token-routes.ts';
import { userKeyRoutes } from './routes/user-key-routes.ts';
import { watchRoutes } from './routes/watch-routes.ts';
import { sealMalformed, sendSecurityHeaders } from './security-headers.ts';
import { readCookies } from './session-cookie.ts';
import type { TypedApp } from './typed-app.ts';

/**
 * Handed over at the making and not set afterwards, so that Fastify does not read compilers of its own, which
 * takes longer than all the rest of the app. Its types know only those.
 */
const zodCompilers = {
  buildValidator: () => validatorCompiler,
  buildSerializer: () => serializerCompiler,
} as unknown as NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>;

/** Builds the app without listening: rooms.ts hands it the requests that are not the gateway's. */
export async function createAdminApi(parts: AdminApiParts): Promise<TypedApp> {
  const { trustedProxies } = parts.config;
  const app = fastify({
    logger: false,
    genReqId: () => randomUUID(),
    bodyLimit: maxAdminBodyBytes,
    // As long as a head may be: the schema of the route says what is too long.
    routerOptions: { maxParamLength: 16_384 },
    schemaController: { compilersFactory: zodCompilers },
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    frameworkErrors: (failure, request, reply) => {
      void sendFailure(parts, failure, request, sealMalformed(reply));
    },
  }).withTypeProvider<ZodTypeProvider>();
  app.setErrorHandler((failure, request, reply) => sendFailure(parts, failure, request, reply));
  app.setNotFoundHandler((request, reply) => {
    if (answersPage(request, reply)) return reply;
    const path = request.url.split('?', 1)[0] ?? '';
    if (path === '/api/docs/' && ['GET', 'HEAD'].includes(request.method))
      return reply.redirect('/api/docs', 302);
    const allowed = allowedMethods(app.declaredRoutes, path);
    // A file of the page that is not there has a route, and is no less missing.
    if (allowed.length === 0 || allowed.includes(request.method))
      return sendFailure(parts, new KeywardError('route_not_found', { message: whatIsHere }), request, reply);
    void reply.header('allow', allowed.join(', '));
    return sendFailure(parts, new KeywardError('method_not_allowed'), request, reply);
  });
  await sendSecurityHeaders(app);
  const checkHost = hostCheck(parts.config);
  app.addHook('onRequest', async ({ raw }) => checkHost(raw));
  refuseDuplicateHeaders(app);
  await readCookies(app);
  guardRoutes(app, parts);
  await layConventions(app, parts);
  const limits = new KeyTestLimits(parts.database.kysely, parts.clock);
  const answersPage = await pageRoutes(app);
  documentRoutes(app);
  healthRoutes(app, parts);
  statusRoutes(app, parts);
  eventRoutes(app, parts);
  systemRoutes(app, parts);
  usageRoutes(app, parts);
  encryptionRoutes(app, parts);
  sessionRoutes(app, parts);
  signOnRoutes(app, parts);
  tokenRoutes(app, parts);
  userKeyRoutes(app, parts);
  aliasRoutes(app, parts);
  providerRoutes(app, parts);
  keyRoutes(app, parts, limits);
  keyTestRoutes(app, parts, limits);
  rotationRoutes(app, parts);
  rotationStepRoutes(app, parts, limits);
  managementRoutes(app, parts);
  watchRoutes(app, parts, limits);
  alertRoutes(app, parts);
  channelRoutes(app, parts);
  auditRoutes(app, parts);
  auditProofRoutes(app, parts);
  await app.ready();
  return app;
}

const whatIsHere =
  'There is nothing at this address. Callers: POST /api/v1/llm/chat/completions. Administrators: /api/docs. Health: GET /health/ready. Metrics: GET /metrics.';

function sendFailure(
  { log, auth }: AdminApiParts,
  failure: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const error = toKeywardError(failure);
  // The log tells the causes of an error by itself where they are errors too.
  const why = typeof error.cause === 'string' ? { cause: error.cause } : {};
  if (error.status >= 500) log.error({ err: failure, ...why }, 'an admin request failed');
  else if (typeof error.cause === 'string')
    log.info({ code: error.code, ...why }, 'an admin request was refused');
  if (refusals.has(error.status)) {
    const { method, id, routeOptions } = request;
    const actor = request.actor ?? actorOf(anonymous, request);
    const route = `${method} ${routeOptions.url ?? 'unknown'}`;
    auth.refusals.record({ actor, requestId: id, route, status: error.status, code: error.code });
  }
  if (error.status === 401) void reply.header('www-authenticate', 'Bearer');
  if (error.retryAfterSeconds !== null) void reply.header('retry-after', error.retryAfterSeconds);
  // Past the schema of the route: an error that it forgot to declare is still sent as it is.
  return reply
    .code(error.status)
    .type('application/json; charset=utf-8')
    .serializer((text: string) => text)
    .send(JSON.stringify(errorEnvelope(error)));
}

/** What is said to somebody who may not, or may not now. */
const refusals: ReadonlySet<number> = new Set([401, 403, 429]);
