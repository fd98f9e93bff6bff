/** The reason in a body reaches no route with a secret of the installation in it. */
import type { FastifyInstance } from 'fastify';
import { scrubReason } from '../alerts/scrub-reason.ts';
import { knownSecretsOf } from './known-secrets-of.ts';
import type { AdminApiParts } from './admin-api-parts.ts';

/** After the hook of repeats, which compares bodies as they were sent. */
export function cleanReasons(app: FastifyInstance, parts: AdminApiParts): void {
  app.addHook('preHandler', async ({ body, actor }) => {
    if (actor === null || !holdsReason(body)) return;
    body.reason = await scrubReason(knownSecretsOf(parts), body.reason);
  });
}

function holdsReason(body: unknown): body is { reason: string } {
  return typeof body === 'object' && body !== null && 'reason' in body && typeof body.reason === 'string';
}
