/** Sessions of the page: sign in with a token, who am I, sign out here and everywhere; all sessions, for administrators. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AdminIdentity } from '../../auth/admin-identity.ts';
import { sessionSorts, type SessionSort } from '../../auth/list-sessions.ts';
import { KeywardError } from '../../foundation/errors.ts';
import { plainText } from '../../keys/provider-rules.ts';
import { actorOf, identityOf, occasionOf } from '../admission.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { addressOf } from '../client-address.ts';
import { orderOf, pageFields, pageParameters, sortParameter, sortedPageFields } from '../pagination.ts';
import { refuseForeignPage } from '../same-page.ts';
import { clearSessionCookie, sessionCookieOf, setSessionCookie } from '../session-cookie.ts';
import type { TypedApp } from '../typed-app.ts';

const role = z.enum(['admin', 'viewer']);
const method = z.enum(['token', 'oidc']);

const whoAmI = z.object({
  kind: z.enum(['admin_token', 'bootstrap_token', 'session']).describe('What was presented.'),
  id: z.string().nullable().describe('Number of the token, or id of the session.'),
  name: z.string(),
  role,
  expires_at: z.iso.datetime().nullable().describe('When the token or the session ends at the latest.'),
  session: z
    .object({
      method: method.describe('How the person signed in.'),
      csrf_token: z.string().describe('For the header x-csrf-token of every request that changes something.'),
      started_at: z.iso.datetime(),
      idle_timeout_seconds: z.int().describe('After this long without a request it ends.'),
    })
    .nullable()
    .describe('Null where a token was presented.'),
});

const session = z.object({
  id: z.uuid(),
  method,
  name: z.string(),
  role,
  address: z.string().nullable().describe('Where the person signed in from.'),
  user_agent: z.string().nullable(),
  started_at: z.iso.datetime(),
  last_seen_at: z.iso.datetime().describe('To about a minute.'),
  expires_at: z.iso.datetime(),
});

/** The others are numbers. */
const textSorts: readonly SessionSort[] = ['name'];

const listParameters = z.strictObject({
  ...pageParameters,
  method: method.optional().describe('Only sessions that were begun in this way.'),
  role: role.optional().describe('Only sessions of this role.'),
  q: plainText(100).optional().describe('Part of the name or of the address.'),
  sort: sortParameter(sessionSorts, '-started_at'),
});

const tags = ['sessions'];

const signInRefusals = [
  'token_missing',
  'token_invalid',
  'too_many_attempts',
  'csrf_refused',
  'database_unavailable',
  'audit_unavailable',
] as const;

export function sessionRoutes(app: TypedApp, parts: AdminApiParts): void {
  ownSession(app, parts);
  allSessions(app, parts);
}

function ownSession(app: TypedApp, parts: AdminApiParts): void {
  const { auth, config } = parts;
  app.get(
    '/api/v1/admin/session/methods',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'getSignInMethods',
        summary: 'How one can sign in here',
        tags,
        response: {
          200: z
            .object({
              methods: z.array(method),
              has_session: z
                .boolean()
                .describe(
                  'The browser sent the cookie of a session. Whether it still holds, GET session says.',
                ),
            })
            .describe('The ways to sign in.'),
        },
      },
    },
    (request) => ({
      methods: auth.signOn === undefined ? ['token' as const] : ['token' as const, 'oidc' as const],
      has_session: sessionCookieOf(request) !== undefined,
    }),
  );
  app.post(
    '/api/v1/admin/session',
    {
      config: { access: 'public', refusals: signInRefusals },
      schema: {
        operationId: 'signIn',
        summary: 'Sign in with an admin token: begins a session, which its cookie carries',
        tags,
        body: z.strictObject({ token: z.string().min(1).max(500).describe('An admin token.') }),
        response: { 201: whoAmI.describe('Signed in; the cookie is set.') },
      },
    },
    async (request, reply) => {
      refuseForeignPage(request, config.publicOrigin);
      const presented = await auth.access.byToken(request.body.token, addressOf(request));
      request.actor = actorOf(presented, request);
      const { secret, identity } = await auth.sessions.start(
        occasionOf(request),
        {
          method: 'token',
          tokenId: presented.id === null ? null : Number(presented.id),
          subject: presented.subject,
          name: presented.name,
          role: presented.role,
          expiresAt: presented.expiresAt,
        },
        sessionCookieOf(request),
      );
      setSessionCookie(request, reply, secret);
      return reply.code(201).send(describe(identity, parts));
    },
  );
  app.get(
    '/api/v1/admin/session',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getSession',
        summary: 'Who you are here, and what your requests must carry',
        tags,
        response: { 200: whoAmI.describe('Who asks.') },
      },
    },
    (request) => describe(identityOf(request), parts),
  );
  app.delete(
    '/api/v1/admin/session',
    {
      config: { access: 'viewer', takes: ['Idempotency-Key'], refusals: ['session_not_found'] },
      schema: {
        operationId: 'signOut',
        summary: 'Sign out: ends this session',
        tags,
        response: { 204: z.undefined().describe('Ended.') },
      },
    },
    async (request, reply) => {
      const { id } = ownSessionOf(request);
      await auth.sessions.end(occasionOf(request), id);
      clearSessionCookie(request, reply);
      return reply.code(204).send();
    },
  );
}

function allSessions(app: TypedApp, { auth }: AdminApiParts): void {
  app.get(
    '/api/v1/admin/sessions',
    {
      config: { access: 'viewer', refusals: ['cursor_invalid'] },
      schema: {
        operationId: 'listSessions',
        summary: 'All sessions that hold, page by page, newest first',
        tags,
        querystring: listParameters,
        response: { 200: z.object({ data: z.array(session), ...pageFields }).describe('One page.') },
      },
    },
    async ({ query }) => {
      const { rows, next } = await auth.sessions.list({
        filter: { method: query.method, role: query.role, text: query.q },
        ...orderOf(query, textSorts, z.uuid()),
      });
      return {
        data: rows.map((one) => ({
          id: one.publicId,
          method: one.method,
          name: one.name,
          role: one.role,
          address: one.address,
          user_agent: one.userAgent,
          started_at: one.createdAt.toISOString(),
          last_seen_at: one.lastSeenAt.toISOString(),
          expires_at: one.expiresAt.toISOString(),
        })),
        ...sortedPageFields(query.sort, next),
      };
    },
  );
  app.delete(
    '/api/v1/admin/sessions',
    {
      config: { access: 'viewer', takes: ['Idempotency-Key'], refusals: ['session_not_found'] },
      schema: {
        operationId: 'signOutEverywhere',
        summary: 'Sign out everywhere: ends all sessions of whoever asks',
        tags,
        response: {
          200: z
            .object({ ended: z.int().describe('How many sessions there were.') })
            .describe('Signed out everywhere.'),
        },
      },
    },
    async (request, reply) => {
      const { subject } = identityOf(request);
      const ended = await auth.sessions.endAllOf(occasionOf(request), subject);
      clearSessionCookie(request, reply);
      return { ended };
    },
  );
  app.delete(
    '/api/v1/admin/sessions/:id',
    {
      config: { access: 'admin', takes: ['Idempotency-Key'], refusals: ['session_not_found'] },
      schema: {
        operationId: 'endSession',
        summary: 'End a session, whosever it is',
        tags,
        params: z.object({ id: z.uuid('must be the id of a session') }),
        response: { 204: z.undefined().describe('Ended.') },
      },
    },
    async (request, reply) => {
      if (!(await auth.sessions.end(occasionOf(request), request.params.id)))
        throw new KeywardError('session_not_found');
      return reply.code(204).send();
    },
  );
}

function ownSessionOf(request: FastifyRequest): { id: string } {
  const { id, session } = identityOf(request);
  if (id !== null && session !== null) return { id };
  throw new KeywardError('session_not_found', {
    message: 'This request came with a token and not with a session: there is nothing to sign out of.',
  });
}

function describe(
  { kind, id, name, role, expiresAt, session }: AdminIdentity,
  { config }: AdminApiParts,
): z.output<typeof whoAmI> {
  return {
    kind,
    id,
    name,
    role,
    expires_at: expiresAt?.toISOString() ?? null,
    session: session && {
      method: session.method,
      csrf_token: session.csrfToken,
      started_at: session.createdAt.toISOString(),
      idle_timeout_seconds: config.session.idleTimeoutMs / 1000,
    },
  };
}
