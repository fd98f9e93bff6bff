/**
 * The headers by which a write says when it may happen: If-Match, so that nobody's change is overwritten
 * unseen, and Idempotency-Key, so that a repeated request is not done twice. One that a route does not
 * understand is refused, since ignoring it would break its promise.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { readRevision } from '../database/revision.ts';
import type { Database } from '../database/database.ts';
import { KeywardError } from '../foundation/errors.ts';

export type WriteHeader = 'If-Match' | 'Idempotency-Key';

const headerSchemas = {
  'If-Match': z
    .string()
    .regex(
      /^(?:\*|"\d{1,15}"|\d{1,15})$/,
      'must be a revision in quotation marks, as ETag and "revision" give it, or *; weak ones (W/) are refused',
    )
    .optional()
    .describe('The change happens only if what it changes has not changed since this revision.'),
  'Idempotency-Key': z
    .string()
    .regex(/^[\x20-\x7e]{1,200}$/, 'must be 1 to 200 printable ASCII characters')
    .optional()
    .describe(
      'Chosen by you, new for each write: a repeated request with it gets the first answer again, for 24 hours.',
    ),
} as const satisfies Record<WriteHeader, z.ZodType>;

/** All other headers pass through as they are. */
export function writeHeaders(takes: readonly WriteHeader[]): z.ZodType {
  return z.looseObject(Object.fromEntries(takes.map((name) => [name.toLowerCase(), headerSchemas[name]])));
}

/** Refuses the headers of writes at routes that do not understand them. */
export function refuseOtherWriteHeaders(app: FastifyInstance): void {
  app.addHook('preValidation', async (request) => {
    if (request.method === 'GET' || request.method === 'HEAD' || request.is404) return;
    const takes = request.routeOptions.config.takes ?? [];
    for (const name of Object.keys(headerSchemas) as WriteHeader[]) {
      if (takes.includes(name) || request.headers[name.toLowerCase()] === undefined) continue;
      throw new KeywardError('header_invalid', {
        message: `This address does not understand ${name}. Nothing was changed.`,
        param: name,
      });
    }
  });
}

/**
 * The precondition of a write (RFC 9110, 13.1.1). `*` asks that the provider exists, which every write does.
 * @throws KeywardError revision_mismatch (412) for a revision that has not been yet
 */
export async function preconditionOf(
  request: FastifyRequest,
  { kysely }: Database,
): Promise<{ ifRevision: number | undefined }> {
  const ifRevision = revisionIn(request);
  if (ifRevision === undefined) return { ifRevision };
  const current = await readRevision(kysely);
  if (ifRevision <= current) return { ifRevision };
  throw new KeywardError('revision_mismatch', {
    message: `There has been no revision ${ifRevision} yet: the last one is ${current}. Nothing was changed.`,
    param: 'If-Match',
  });
}

/** The revision in If-Match, of whatever counts its own; undefined where the header asks for none. */
export function revisionIn({ headers }: FastifyRequest): number | undefined {
  const header = headers['if-match'];
  return header === undefined || header === '*' ? undefined : Number(header.replaceAll('"', ''));
}
