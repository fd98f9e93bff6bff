/** Health and metrics, for monitors: no token, no secrets. */
import type { AdminApiParts } from '../admin-api-parts.ts';
import { readyReport } from '../health.ts';
import type { TypedApp } from '../typed-app.ts';

export function healthRoutes(app: TypedApp, parts: AdminApiParts): void {
  const config = { access: 'public' } as const;
  app.get('/health/live', { config }, () => ({ status: 'live' }));
  app.get('/health/ready', { config }, (_request, reply) => {
    const { httpStatus, report } = readyReport(parts);
    return reply.code(httpStatus).send(report);
  });
  app.get('/metrics', { config }, async (_request, reply) =>
    reply.type(parts.registry.contentType).send(await parts.registry.metrics()),
  );
}
