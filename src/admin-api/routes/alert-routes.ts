/** Alerts: what is wrong and was, what was sent of it, and who sees to it. */
import { z } from 'zod';
import type { Occasion } from '../../audit/audit-event.ts';
import { acknowledgeAlert, mostSnoozeDays, resolveAlert, snoozeAlert } from '../../alerts/alert-acts.ts';
import type { StoredAlert } from '../../alerts/alert-store.ts';
import { severities } from '../../alerts/condition.ts';
import { listDeliveries } from '../../alerts/delivery-store.ts';
import { listActs } from '../../alerts/list-acts.ts';
import { findAlert, listAlerts } from '../../alerts/list-alerts.ts';
import { viewAlert, viewDelivery } from '../../alerts/view-alert.ts';
import { KeywardError } from '../../foundation/errors.ts';
import { plainText } from '../../keys/provider-rules.ts';
import { occasionOf } from '../admission.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { alertActsView, alertView, deliveryView } from '../alert-view.ts';
import { decodeCursor, pageFields, pageFieldsOf, pageParameters } from '../pagination.ts';
import { reason } from '../query-values.ts';
import type { TypedApp } from '../typed-app.ts';

const alerts = '/api/v1/admin/alerts';
const tags = ['alerts'];
const mostDeliveries = 100;

const alertParameter = z.object({
  id: z.string().regex(/^\d{1,18}$/, 'must be the number of an alert'),
});

const listParameters = z.strictObject({
  ...pageParameters,
  state: z
    .enum(['open', 'resolved'])
    .optional()
    .describe('open: also those that somebody sees to, or put off.'),
  severity: z.enum(severities).optional(),
  kind: plainText(50).optional(),
  provider: plainText(100).optional().describe('Slug: only alerts of this provider.'),
});

export function alertRoutes(app: TypedApp, parts: AdminApiParts): void {
  const { kysely } = parts.database;
  const { clock } = parts;

  app.get(
    alerts,
    {
      config: { access: 'viewer', refusals: ['cursor_invalid'] },
      schema: {
        operationId: 'listAlerts',
        summary: 'All alerts, newest first',
        tags,
        querystring: listParameters,
        response: { 200: z.object({ data: z.array(alertView), ...pageFields }).describe('One page.') },
      },
    },
    async ({ query }) => {
      const { cursor, limit, ...filter } = query;
      const place = decodeCursor(cursor, z.tuple([z.string().regex(/^\d{1,18}$/)]));
      const page = await listAlerts(kysely, { filter, before: place?.[0] ?? null, limit });
      return {
        data: page.alerts.map((alert) => shown(alert, clock.now())),
        ...pageFieldsOf(page.next === null ? null : [page.next]),
      };
    },
  );

  app.get(
    `${alerts}/:id`,
    {
      config: { access: 'viewer', refusals: ['alert_not_found'] },
      schema: {
        operationId: 'getAlert',
        summary: 'One alert, with what was sent of it and what people did with it',
        tags,
        params: alertParameter,
        querystring: z.strictObject({}),
        response: {
          200: z
            .object({
              alert: alertView,
              deliveries: z.array(deliveryView).describe('The newest first, 100 at most.'),
              acts: alertActsView,
            })
            .describe('The alert.'),
        },
      },
    },
    async (request) => {
      const { id } = request.params;
      const alert = await findAlert(kysely, id);
      if (alert === undefined) throw new KeywardError('alert_not_found');
      const deliveries = await listDeliveries(kysely, { alertId: id }, mostDeliveries);
      const acts = await listActs(kysely, id);
      return { alert: shown(alert, clock.now()), deliveries: deliveries.map(viewDelivery), acts };
    },
  );

  actRoutes(app, parts);
}

function actRoutes(app: TypedApp, parts: AdminApiParts): void {
  const acts = { audit: parts.changes.audit, clock: parts.clock };
  const until = z.iso
    .datetime({ offset: true, error: 'must be a time such as 2027-01-31T12:00:00Z' })
    .describe(`Must lie in the future, ${mostSnoozeDays} days at most. Then a reminder follows.`);

  const route = <Body extends z.ZodType>(
    act: string,
    words: { readonly operationId: string; readonly summary: string; readonly description: string },
    body: Body,
    run: (occasion: Occasion, id: string, body: z.output<Body>) => Promise<StoredAlert>,
  ): void => {
    app.post(
      `${alerts}/:id/${act}`,
      {
        config: {
          access: 'admin',
          takes: ['Idempotency-Key'],
          refusals: ['alert_not_found', 'alert_resolved'],
        },
        schema: {
          ...words,
          tags,
          params: alertParameter,
          body,
          response: { 200: z.object({ alert: alertView }).describe('Done.') },
        },
      },
      async (request) => {
        const sent = request.body as z.output<Body>;
        const { reason: why } = (sent ?? {}) as { reason?: string | undefined };
        const alert = await run(occasionOf(request, why), request.params.id, sent);
        return { alert: shown(alert, parts.clock.now()) };
      },
    );
  };

  const onlyReason = z.strictObject({ reason }).nullable();
  route(
    'acknowledge',
    {
      operationId: 'acknowledgeAlert',
      summary: 'See to an alert: no more reminders while it is open',
      description: 'Its end is told all the same, and so is that it becomes worse or comes back.',
    },
    onlyReason,
    async (occasion, id) => acknowledgeAlert(acts, occasion, id),
  );
  route(
    'snooze',
    {
      operationId: 'snoozeAlert',
      summary: 'Put an alert off: nobody is told of it until then',
      description: 'The snooze ends by itself; where the cause is still there, a reminder follows.',
    },
    z.strictObject({ until, reason }),
    async (occasion, id, body) => snoozeAlert(acts, occasion, id, new Date(body.until)),
  );
  route(
    'resolve',
    {
      operationId: 'resolveAlert',
      summary: 'Declare an alert over',
      description:
        'Alerts end by themselves when their cause is gone. Where it is still there, the next look opens this one again: put it off instead.',
    },
    onlyReason,
    async (occasion, id) => resolveAlert(acts, occasion, id),
  );
}

function shown(alert: StoredAlert, now: Date): z.output<typeof alertView> {
  return structuredClone(viewAlert(alert, now)) as z.output<typeof alertView>;
}
