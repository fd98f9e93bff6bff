/** Tokens of administrators and callers: list, make, limit, revoke. A new token is in the answer that made it, and nowhere else. */
import { z } from 'zod';
import { refuseSecrets, shownName } from '../../alerts/refuse-secrets.ts';
import { pageOfTokens, tokenSorts, type TokenSort } from '../../auth/list-tokens.ts';
import { changeLimits, showLimits } from '../../auth/token-limits.ts';
import {
  createToken,
  longestTokenName,
  revokeToken,
  stateOf,
  type StoredToken,
} from '../../auth/token-store.ts';
import type { Clock } from '../../foundation/clock.ts';
import { KeywardError } from '../../foundation/errors.ts';
import { plainLine } from '../../foundation/visible-text.ts';
import { limitFields, limitNames, limitsIn, refuseUnknownProviders } from '../../keys/limit-token.ts';
import { plainText } from '../../keys/provider-rules.ts';
import { occasionOf } from '../admission.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { settle, waitParameter, writtenFields } from '../applied.ts';
import {
  orderOf,
  pageFields,
  pageParameters,
  rowNumber,
  sortParameter,
  sortedPageFields,
} from '../pagination.ts';
import { knownSecretsOf } from '../known-secrets-of.ts';
import { reason, rowParameter } from '../query-values.ts';
import type { TypedApp } from '../typed-app.ts';

const kind = z.enum(['admin', 'gateway']);
const role = z.enum(['admin', 'viewer']);
const state = z.enum(['good', 'expired', 'revoked']);

const shownLimits = z.object({
  owner: z.string().nullable().describe('The user whose token it is.'),
  allowed_providers: z.array(z.string()).nullable().describe('Null: all.'),
  allowed_models: z.array(z.string()).nullable().describe('Null: all.'),
  requests_per_minute: z.int().nullable().describe('Null: no limit.'),
  tokens_per_minute: z.int().nullable().describe('Null: no limit.'),
  daily_budget_usd: z.number().nullable().describe('Null: no limit.'),
  monthly_budget_usd: z.number().nullable().describe('Null: no limit.'),
});

const token = z.object({
  id: z.int(),
  kind: kind.describe('admin: for this API; gateway: for callers of models.'),
  name: z.string(),
  role: role.nullable().describe('Of an admin token.'),
  prefix: z.string().describe('Its first characters, to recognise it by.'),
  state,
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  last_used_at: z.iso.datetime().nullable().describe('To about a minute; of admin tokens only.'),
  revoked_at: z.iso.datetime().nullable(),
  ...shownLimits.shape,
});

const newToken = (clock: Clock) =>
  z
    .strictObject({
      kind: kind.default('gateway').describe('admin: for this API; gateway: for callers of models.'),
      name: z
        .string()
        .min(1, 'must not be empty')
        .max(longestTokenName, `must have at most ${longestTokenName} characters`)
        .regex(plainLine, 'must not hold control characters or such that turn the direction of text'),
      role: role.optional().describe('Of an admin token; admin where it is left out.'),
      expires_at: z.iso
        .datetime({ offset: true, error: 'must be a time such as 2027-01-31T12:00:00Z' })
        .refine((time) => new Date(time) > clock.now(), 'must lie in the future')
        .optional()
        .describe('Left out: until it is revoked.'),
      ...limitFields,
      reason: z.string().max(500).optional().describe('Why, in your words; it goes into the audit trail.'),
    })
    .refine((made) => made.kind === 'admin' || made.role === undefined, {
      path: ['role'],
      error: 'must be left out for a gateway token',
    })
    .superRefine((made, context) => {
      const named = limitNames.find((name) => made[name] !== undefined && made[name] !== null);
      if (made.kind === 'admin' && named !== undefined)
        context.addIssue({ code: 'custom', path: [named], message: 'must be left out for an admin token' });
    });

/** The others are numbers. */
const textSorts: readonly TokenSort[] = ['name'];

const listParameters = z.strictObject({
  ...pageParameters,
  kind: kind.optional().describe('Only tokens of this kind.'),
  state: state.optional().describe('Only tokens in this state.'),
  q: plainText(100).optional().describe('Part of the name.'),
  sort: sortParameter(tokenSorts, 'id'),
});

const tags = ['tokens'];

export function tokenRoutes(app: TypedApp, parts: AdminApiParts): void {
  listRoute(app, parts);
  createRoute(app, parts);
  limitRoute(app, parts);
  revokeRoute(app, parts);
}

function listRoute(app: TypedApp, { database, clock }: AdminApiParts): void {
  app.get(
    '/api/v1/admin/tokens',
    {
      config: { access: 'viewer', refusals: ['cursor_invalid'] },
      schema: {
        operationId: 'listTokens',
        summary: 'All tokens, page by page, the expired and revoked ones too',
        tags,
        querystring: listParameters,
        response: { 200: z.object({ data: z.array(token), ...pageFields }).describe('One page.') },
      },
    },
    async ({ query }) => {
      const { rows, next } = await pageOfTokens(database.kysely, {
        filter: { kind: query.kind, state: query.state, text: query.q },
        now: clock.now(),
        ...orderOf(query, textSorts, rowNumber),
      });
      return { data: rows.map((one) => viewOf(one, clock)), ...sortedPageFields(query.sort, next) };
    },
  );
}

function createRoute(app: TypedApp, parts: AdminApiParts): void {
  const { changes, clock } = parts;
  app.post(
    '/api/v1/admin/tokens',
    {
      config: { access: 'admin', takes: ['Idempotency-Key'] },
      schema: {
        operationId: 'createToken',
        summary: 'Make a token; it is shown this once',
        description:
          'A repetition with the same `Idempotency-Key` shows it once more, to the one who made it and for 24 hours: until then the answer is kept encrypted.',
        tags,
        querystring: z.strictObject({ wait: waitParameter }),
        body: newToken(clock),
        response: {
          201: token
            .extend({
              token: z.string().describe('The token itself. It cannot be read again.'),
              ...writtenFields,
            })
            .describe('Made. It is shown this once.'),
        },
      },
    },
    async (request, reply) => {
      const { kind, name, role, reason, expires_at: expiresAt } = request.body;
      await refuseSecrets(knownSecretsOf(parts), shownName(name));
      const limits = limitsIn(request.body);
      await refuseUnknownProviders(parts.database.kysely, limits);
      const made = await createToken(changes.audit, occasionOf(request, reason), {
        kind,
        name,
        ...(role !== undefined && { role }),
        expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
        limits,
      });
      const settled = await settle(parts, made.revision, request.query.wait);
      return reply.code(201).send({ ...viewOf(made, clock), token: made.token.reveal(), ...settled });
    },
  );
}

const tokenParameter = rowParameter('a token');

function limitRoute(app: TypedApp, parts: AdminApiParts): void {
  app.patch(
    '/api/v1/admin/tokens/:id',
    {
      config: { access: 'admin', takes: ['Idempotency-Key'], refusals: ['token_not_found'] },
      schema: {
        operationId: 'limitToken',
        summary: 'Change whose a gateway token is and what it may use',
        description: 'What is left out stays as it is; null takes a limit away.',
        tags,
        params: tokenParameter,
        querystring: z.strictObject({ wait: waitParameter }),
        body: z.strictObject({ ...limitFields, reason }),
        response: {
          200: z
            .object({ id: z.int(), ...shownLimits.shape, ...writtenFields })
            .describe('The limits that it has now.'),
        },
      },
    },
    async (request) => {
      const { id } = request.params;
      const changes = limitsIn(request.body);
      await refuseUnknownProviders(parts.database.kysely, changes);
      const occasion = occasionOf(request, request.body.reason);
      const { limits, revision } = await changeLimits(parts.changes.audit, occasion, id, changes);
      return { id, ...showLimits(limits), ...(await settle(parts, revision, request.query.wait)) };
    },
  );
}

function revokeRoute(app: TypedApp, parts: AdminApiParts): void {
  app.delete(
    '/api/v1/admin/tokens/:id',
    {
      config: { access: 'admin', takes: ['Idempotency-Key'], refusals: ['token_not_found'] },
      schema: {
        operationId: 'revokeToken',
        summary: 'Revoke a token, and with it the sessions that were begun with it',
        tags,
        params: tokenParameter,
        querystring: z.strictObject({ wait: waitParameter }),
        response: { 200: z.object({ id: z.int(), ...writtenFields }).describe('Revoked.') },
      },
    },
    async (request) => {
      const { id } = request.params;
      const { found, revision } = await revokeToken(parts.changes.audit, occasionOf(request), id);
      if (!found) throw new KeywardError('token_not_found');
      return { id, ...(await settle(parts, revision, request.query.wait)) };
    },
  );
}

function viewOf(stored: StoredToken, clock: Clock): z.output<typeof token> {
  return {
    id: stored.id,
    kind: stored.kind,
    name: stored.name,
    role: stored.role,
    prefix: stored.prefix,
    state: stateOf(stored, clock.now()),
    created_at: stored.createdAt.toISOString(),
    expires_at: stored.expiresAt?.toISOString() ?? null,
    last_used_at: stored.lastUsedAt?.toISOString() ?? null,
    revoked_at: stored.revokedAt?.toISOString() ?? null,
    ...showLimits(stored.limits),
  };
}
