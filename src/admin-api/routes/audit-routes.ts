/** Who did what: in pages, one event, the whole as a file, and whether all of it is as it was written. */
import { dayOf } from '../../foundation/day.ts';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { auditActions, outcomes, type RecordedEvent } from '../../audit/audit-event.ts';
import { exportText } from '../../audit/export-events.ts';
import { findAuditEvent, listAuditEvents, streamAuditEvents } from '../../audit/read-events.ts';
import { KeywardError } from '../../foundation/errors.ts';
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
    hash: z.string().describe('Over the hash before it and this event; see docs/audit.md.'),
  })
  .meta({ id: 'AuditEvent' });

const time = z.iso
  .datetime('must be a time like 2026-01-31T12:00:00Z')
  .transform((text) => new Date(text))
  .meta({ type: 'string', format: 'date-time' });

const filters = {
  action: z
    .enum([...auditActions, ...new Set(auditActions.map((action) => action.split('.')[0] ?? action))])
    .optional()
    .describe('An action, or its first word for all of its kind.'),
  actor: plainText(300).optional().describe("A part of the actor's name, or the kind of actor."),
  target: plainText(300).optional().describe('`provider:openrouter`, or what stands after the colon.'),
  outcome: z.enum(outcomes).optional(),
  since: time.optional().describe('From this time on.'),
  until: time.optional().describe('Before this time.'),
};

const logs = '/api/v1/admin/audit-logs';
const tags = ['audit'];

export function auditRoutes(app: TypedApp, parts: AdminApiParts): void {
  listRoutes(app, parts);
  exportRoute(app, parts);
}

function listRoutes(app: TypedApp, parts: AdminApiParts): void {
  const { kysely } = parts.database;
  app.get(
    logs,
    {
      config: { access: 'viewer', refusals: ['cursor_invalid'] },
      schema: {
        operationId: 'listAuditEvents',
        summary: 'The audit trail, newest first',
        description: 'Whether the chain is whole, `GET /api/v1/admin/audit-logs/verify` proves.',
        tags,
        querystring: z.strictObject({ ...pageParameters, ...filters }),
        response: { 200: z.object({ data: z.array(auditEvent), ...pageFields }).describe('One page.') },
      },
    },
    async (request) => {
      const { cursor, limit, ...filter } = request.query;
      const place = decodeCursor(cursor, z.tuple([z.int().positive()]));
      const { events, nextCursor } = await listAuditEvents(kysely, {
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

  app.get(
    `${logs}/:sequence`,
    {
      config: { access: 'viewer', refusals: ['audit_event_not_found'] },
      schema: {
        operationId: 'getAuditEvent',
        summary: 'One event of the audit trail',
        tags,
        params: z.object({
          sequence: z.string().regex(/^\d{1,18}$/, 'must be the number of an event'),
        }),
        querystring: z.strictObject({}),
        response: { 200: auditEvent.describe('The event.') },
      },
    },
    async (request) => {
      const event = await findAuditEvent(kysely, request.params.sequence);
      if (event === undefined) throw new KeywardError('audit_event_not_found');
      return viewEvent(event);
    },
  );
}

const contentTypes = {
  csv: 'text/csv; charset=utf-8',
  jsonl: 'application/x-ndjson; charset=utf-8',
} as const;

function exportRoute(app: TypedApp, { database, clock }: AdminApiParts): void {
  app.get(
    `${logs}/export`,
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'exportAuditEvents',
        summary: 'The audit trail as a file, oldest first',
        description:
          'All events that the filters let through, as `keyward audit export` writes them. A file that was broken off is told by its connection: it ends without the last chunk.',
        tags,
        querystring: z.strictObject({
          format: z.enum(['csv', 'jsonl']).describe('CSV (RFC 4180), or one JSON object a line.'),
          ...filters,
        }),
        response: {
          200: {
            description: 'The file.',
            content: {
              'text/csv': { schema: z.string() },
              'application/x-ndjson': { schema: z.string() },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const { format, ...filter } = request.query;
      const pieces = exportText(streamAuditEvents(database.kysely, filter), format);
      void reply
        .type(contentTypes[format])
        .header(
          'content-disposition',
          `attachment; filename="keyward-audit-${dayOf(clock.now())}.${format}"`,
        );
      if (request.method === 'HEAD') return reply.send('');
      // Where the database does not answer that is still told as an error, and not as a file that breaks off.
      const first = await pieces.next();
      return reply.send(Readable.from(startedWith(first, pieces)) as never);
    },
  );
}

async function* startedWith(
  first: IteratorResult<string, void>,
  rest: AsyncGenerator<string, void, void>,
): AsyncGenerator<string, void, void> {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}

function viewEvent(event: RecordedEvent): z.output<typeof auditEvent> {
  const { before, after } = event;
  return { ...event, before: before && { ...before }, after: after && { ...after } };
}
