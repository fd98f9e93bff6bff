/**
 * The way in for administrators and their monitors: health, metrics and the admin API, on Fastify. Every
 * error leaves in the same envelope as the gateway's.
 */
import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Actor } from '../audit/audit-event.ts';
import { authenticate, type GoodTokens } from '../auth/authenticate.ts';
import { errorEnvelope, KeywardError } from '../foundation/errors.ts';
import type { Logger } from '../foundation/logger.ts';
import type { AdminApiParts } from './admin-api-parts.ts';
import { guardRoutes } from './admission.ts';
import { healthRoutes } from './routes/health-routes.ts';
import { statusRoutes } from './routes/status-routes.ts';

/** Builds the app without listening: server.ts hands it the requests that are not the gateway's. */
export async function createAdminApi(parts: AdminApiParts): Promise<FastifyInstance> {
  const app = fastify({ logger: false, genReqId: () => randomUUID() }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((failure, _request, reply) => sendFailure(parts.log, failure, reply));
  app.setNotFoundHandler((_request, reply) =>
    sendFailure(parts.log, new KeywardError('route_not_found', { message: whatIsHere }), reply),
  );
  guardRoutes(app, async (request) => recognise(parts, request));
  healthRoutes(app, parts);
  statusRoutes(app, parts);
  await app.ready();
  return app;
}

const whatIsHere =
  'There is nothing at this address. Callers: POST /api/v1/llm/chat/completions. Health: GET /health/ready. Metrics: GET /metrics.';

async function recognise(parts: AdminApiParts, request: FastifyRequest): Promise<Actor> {
  let good: GoodTokens;
  try {
    good = await parts.adminTokens();
  } catch (error) {
    // An unreachable database says nothing about the token, so it must not end in a 401.
    throw new KeywardError('database_unavailable', { cause: error });
  }
  authenticate(request.headers.authorization, good);
  return {
    kind: 'admin_token',
    id: null,
    name: 'admin',
    role: 'admin',
    address: request.ip,
    userAgent: request.headers['user-agent'] ?? null,
  };
}

function sendFailure(log: Logger, failure: unknown, reply: FastifyReply): FastifyReply {
  const error = toKeywardError(failure);
  if (error.status >= 500) log.error({ err: failure }, 'an admin request failed');
  if (error.status === 401) void reply.header('www-authenticate', 'Bearer');
  return reply.code(error.status).send(errorEnvelope(error));
}

/** Fastify refuses malformed requests by itself, with a status of its own. */
function toKeywardError(failure: unknown): KeywardError {
  if (failure instanceof KeywardError) return failure;
  const httpStatus = (failure as { statusCode?: number }).statusCode ?? 500;
  return new KeywardError(httpStatus >= 400 && httpStatus < 500 ? 'malformed_request' : 'internal_error', {
    cause: failure,
  });
}
