/** GET /api/v1/admin/audit-logs: who did what, newest first. */
import { z } from 'zod';
import { auditActions, outcomes, type RecordedEvent } from '../../audit/audit-event.ts';
import { listAuditEvents } from '../../audit/read-events.ts';
import { plainText } from '../../keys/provider-rules.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { decodeCursor, pageFields, pageFieldsOf, pageParameters } from '../pagination.ts';
import type { TypedApp } from '../typed-app.ts';

const values = z.record(z.string(), z.unknown()).nullable();

const auditEvent = z
  .object({
    sequence: z.int().describe('Place in the chain.'),
    occurred_at: z.iso.datetime(),
    actor: z.object({
      kind: z.string(),
      id: z.string().nullable(),
      name: z.string(),
      role: z.string().nullable(),
      address: z.string().nullable(),
      user_agent: z.string().nullable(),
    }),
    action: z.string(),
    target: z.object({ kind: z.string(), id: z.string() }),
    outcome: z.enum(outcomes),
    reason: z.string().nullable().describe('In the words of the actor.'),
    request_id: z.string().nullable(),
    before: values.describe('Keys stand here as fingerprints.'),
    after: values,
    previous_hash: z.string(),
    hash: z.string().describe('To prove the chain: keyward audit verify.'),
  })
  .meta({ id: 'AuditEvent' });

const time = z.iso
  .datetime('must be a time like 2026-01-31T12:00:00Z')
  .transform((text) => new Date(text))
  .meta({ type: 'string', format: 'date-time' });

const filters = z.strictObject({
  ...pageParameters,
  action: z
    .enum([...auditActions, ...new Set(auditActions.map((action) => action.split('.')[0] ?? action))])
    .optional()
    .describe('An action, or its first word for all of its kind.'),
  actor: plainText(300).optional().describe("A part of the actor's name, or the kind of actor."),
  target: plainText(300).optional().describe('`provider:openrouter`, or what stands after the colon.'),
  outcome: z.enum(outcomes).optional(),
  since: time.optional().describe('From this time on.'),
  until: time.optional().describe('Before this time.'),
});

export function auditRoutes(app: TypedApp, parts: AdminApiParts): void {
  app.get(
    '/api/v1/admin/audit-logs',
    {
      config: { access: 'viewer', refusals: ['cursor_invalid'] },
      schema: {
        operationId: 'listAuditEvents',
        summary: 'The audit trail, newest first',
        description: 'Whether the chain is whole, keyward audit verify proves.',
        tags: ['audit'],
        querystring: filters,
        response: { 200: z.object({ data: z.array(auditEvent), ...pageFields }).describe('One page.') },
      },
    },
    async (request) => {
      const { cursor, limit, ...filter } = request.query;
      const place = decodeCursor(cursor, z.tuple([z.int().positive()]));
      const { events, nextCursor } = await listAuditEvents(parts.database.kysely, {
        filters: filter,
        cursor: place?.[0],
        limit,
      });
      return {
        data: events.map((event) => viewEvent(event)),
        ...pageFieldsOf(nextCursor === null ? null : [nextCursor]),
      };
    },
  );
}

function viewEvent(event: RecordedEvent): z.output<typeof auditEvent> {
  const { before, after } = event;
  return { ...event, before: before && { ...before }, after: after && { ...after } };
}
