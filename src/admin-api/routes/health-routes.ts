/** Health and metrics, for monitors: no token, no secrets. */
import { z } from 'zod';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { readyReport } from '../health.ts';
import type { TypedApp } from '../typed-app.ts';

const checkStatus = z.enum(['ok', 'degraded']);

const ready = z
  .object({
    status: z.enum(['ready', 'degraded', 'stopping']),
    checks: z.object({
      database: z.object({ status: checkStatus, message: z.string() }),
      revision: z.object({ status: checkStatus, revision: z.int(), read_at: z.iso.datetime() }),
      audit: z.object({ status: checkStatus, message: z.string() }),
      encryption_key: z.object({ status: checkStatus, message: z.string() }),
      providers: z.object({
        status: checkStatus,
        set_aside: z.record(z.string(), z.string()).describe('Why, by slug.'),
        remarks: z
          .record(z.string(), z.string())
          .describe('What serves and should still be looked at, by slug.'),
      }),
    }),
  })
  .meta({ id: 'Ready' });

export function healthRoutes(app: TypedApp, parts: AdminApiParts): void {
  const config = { access: 'public' } as const;
  const tags = ['system'];
  app.get(
    '/health/live',
    {
      config,
      schema: {
        operationId: 'getLive',
        summary: 'Whether the process answers',
        tags,
        response: { 200: z.object({ status: z.literal('live') }).describe('It does.') },
      },
    },
    () => ({ status: 'live' as const }),
  );
  app.get(
    '/health/ready',
    {
      config,
      schema: {
        operationId: 'getReady',
        summary: 'Whether the instance serves, and what is degraded',
        tags,
        response: {
          200: ready.clone().describe('It serves.'),
          503: ready.clone().describe('It is stopping.'),
        },
      },
    },
    async (_request, reply) => {
      const { httpStatus, report } = readyReport(parts);
      return reply.code(httpStatus === 200 ? 200 : 503).send(report);
    },
  );
  app.get(
    '/metrics',
    {
      config,
      schema: {
        operationId: 'getMetrics',
        summary: 'Metrics in the text format of Prometheus',
        tags,
        response: {
          200: { description: 'Metrics.', content: { 'text/plain': { schema: z.string() } } },
        },
      },
    },
    async (_request, reply) =>
      reply
        .type(parts.registry.contentType)
        .serializer((metrics: string) => metrics)
        .send(await parts.registry.metrics()),
  );
}
