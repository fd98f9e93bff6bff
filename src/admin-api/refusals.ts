/**
 * Completes the schema of every route with what it may answer beside success: the codes that it states
 * itself, and those that follow from what it takes and whom it is for. So the document cannot forget one.
 */
import type { FastifyInstance, RouteOptions } from 'fastify';
import { z } from 'zod';
import { errorCatalogue, type ErrorCode } from '../foundation/errors.ts';
import type { RouteAccess } from './admission.ts';
import { writeHeaders, type WriteHeader } from './write-headers.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The codes that the route gives by itself. */
    refusals?: readonly ErrorCode[];
    /** The headers of writes that the route understands; others of them are refused. */
    takes?: readonly WriteHeader[];
  }
}

/** Call before the routes are registered. Routes without a schema are left out of the document. */
export function completeSchemas(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    if (route.schema === undefined || route.schema.hide === true) return;
    const access = route.config?.access ?? 'admin';
    const takes = route.config?.takes ?? [];
    const headers = takes.length === 0 ? undefined : writeHeaders(takes);
    const codes = [...(route.config?.refusals ?? []), ...impliedCodes(route, access, takes)];
    route.schema = {
      ...route.schema,
      ...(headers === undefined ? {} : { headers }),
      response: { ...(route.schema.response as object), ...errorAnswers(codes) },
      ...securityOf(access, route.method),
    };
  });
}

function impliedCodes(
  { schema, method }: RouteOptions,
  access: RouteAccess,
  takes: readonly WriteHeader[],
): ErrorCode[] {
  const isRead = method === 'GET' || method === 'HEAD';
  return [
    'malformed_request',
    'duplicate_header',
    'host_not_allowed',
    'internal_error',
    ...(schema?.querystring === undefined ? [] : (['parameter_invalid', 'parameter_unknown'] as const)),
    ...(schema?.params === undefined ? [] : (['parameter_invalid'] as const)),
    ...(schema?.body === undefined ? [] : bodyCodes),
    ...(isRead ? [] : (['header_invalid'] as const)),
    ...(takes.includes('If-Match') ? (['revision_mismatch'] as const) : []),
    ...(takes.includes('Idempotency-Key')
      ? (['idempotency_mismatch', 'idempotency_in_progress', 'idempotency_answer_lost'] as const)
      : []),
    ...(access === 'public' ? [] : admissionCodes),
    ...(access === 'admin' ? (['role_insufficient'] as const) : []),
    ...(access === 'public' || isRead ? [] : (['audit_unavailable'] as const)),
  ];
}

const bodyCodes = [
  'invalid_json',
  'empty_body',
  'body_not_object',
  'body_aborted',
  'duplicate_field',
  'field_invalid',
  'field_unknown',
  'body_too_large',
  'unsupported_media_type',
] as const satisfies readonly ErrorCode[];

const admissionCodes = [
  'token_missing',
  'token_invalid',
  'session_invalid',
  'csrf_refused',
  'too_many_attempts',
  'database_unavailable',
] as const satisfies readonly ErrorCode[];

/** One answer a status, which names its codes and what each says. */
function errorAnswers(codes: readonly ErrorCode[]): Record<number, z.ZodType> {
  const known = [...new Set(codes)].toSorted();
  const byStatus = Object.groupBy(known, (code) => errorCatalogue[code].status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, group = []]) => [Number(status), errorAnswer(group)]),
  );
}

function errorAnswer(codes: readonly ErrorCode[]): z.ZodType {
  const oneOfThese = z.looseObject({
    error: z.looseObject({ code: z.enum(codes as [ErrorCode, ...ErrorCode[]]) }),
  });
  return z
    .intersection(errorView, oneOfThese)
    .describe(codes.map((code) => `\`${code}\`: ${errorCatalogue[code].message}`).join('\n'));
}

const errorView = z
  .object({
    error: z.object({
      message: z.string().describe('What went wrong, in a sentence for a person.'),
      type: z.string(),
      param: z.string().nullable().describe('The field, parameter or header at fault.'),
      code: z.string().describe('What went wrong, for a program.'),
    }),
  })
  .meta({ id: 'Error' });

/** As the document names the ways to sign in; see openapi.ts. */
function securityOf(access: RouteAccess, method: RouteOptions['method']): object {
  if (access === 'public') return { security: [] };
  const session = method === 'GET' || method === 'HEAD' ? { session: [] } : { session: [], csrf: [] };
  return { security: [{ token: [] }, session], 'x-keyward-role': access };
}
