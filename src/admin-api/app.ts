/**
 * The way in for administrators and their monitors: health, metrics and the admin API, on Fastify. Every
 * error leaves in the same envelope as the gateway's.
 */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Registry } from 'prom-client';
import { authenticate, type GoodTokens } from '../auth/authenticate.ts';
import type { Database } from '../database/database.ts';
import type { Clock } from '../foundation/clock.ts';
import { errorEnvelope, KeywardError } from '../foundation/errors.ts';
import type { Logger } from '../foundation/logger.ts';
import { version } from '../foundation/version.ts';
import { listLiveInstances } from '../keys/instances.ts';
import { readyReport, type HealthParts } from './health.ts';

export interface AdminApiParts extends HealthParts {
  readonly database: Database;
  readonly instanceId: string;
  readonly startedAt: Date;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly adminTokens: () => Promise<GoodTokens>;
  readonly log: Logger;
}

/** Builds the app without listening: server.ts hands it the requests that are not the gateway's. */
export async function createAdminApi(parts: AdminApiParts): Promise<FastifyInstance> {
  const app = fastify({ logger: false });
  app.setErrorHandler((failure, _request, reply) => sendFailure(parts.log, failure, reply));
  app.setNotFoundHandler((_request, reply) =>
    sendFailure(parts.log, new KeywardError('route_not_found', { message: whatIsHere }), reply),
  );
  app.get('/health/live', () => ({ status: 'live' }));
  app.get('/health/ready', (_request, reply) => {
    const { httpStatus, report } = readyReport(parts);
    return reply.code(httpStatus).send(report);
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(parts.registry.contentType).send(await parts.registry.metrics()),
  );
  app.get('/api/v1/admin/status', { preHandler: async (request) => requireAdmin(parts, request) }, async () =>
    status(parts),
  );
  await app.ready();
  return app;
}

const whatIsHere =
  'There is nothing at this address. Callers: POST /api/v1/llm/chat/completions. Health: GET /health/ready. Metrics: GET /metrics.';

async function requireAdmin(parts: AdminApiParts, request: FastifyRequest): Promise<void> {
  let good: GoodTokens;
  try {
    good = await parts.adminTokens();
  } catch (error) {
    // An unreachable database says nothing about the token, so it must not end in a 401.
    throw new KeywardError('database_unavailable', { cause: error });
  }
  authenticate(request.headers.authorization, good);
}

async function status(parts: AdminApiParts): Promise<object> {
  const instances = await listLiveInstances(parts.database.kysely);
  const snapshot = parts.keeper.current();
  return {
    version,
    instance_id: parts.instanceId,
    uptime_seconds: Math.round((parts.clock.now().getTime() - parts.startedAt.getTime()) / 1000),
    revision: snapshot.revision,
    database: { kind: parts.database.kind, description: parts.database.description },
    encryption_ring: { active_key_id: parts.keyRing.ring.activeKeyId, key_ids: parts.keyRing.ring.keyIds },
    instances: instances.map((instance) => ({
      id: instance.id,
      host: instance.host,
      pid: instance.pid,
      version: instance.version,
      revision: instance.revision,
      started_at: instance.startedAt.toISOString(),
      seen_at: instance.seenAt.toISOString(),
    })),
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
