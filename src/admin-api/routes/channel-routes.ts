/** Channels: where alerts are sent. Their settings go in and never come out but masked. */
import { z } from 'zod';
import {
  changeChannel,
  createChannel,
  deleteChannel,
  findChannel,
  longestChannelName,
  readChannels,
  type AlertChannel,
  type ChannelFields,
} from '../../alerts/channel-store.ts';
import { channelKinds, settingsFields } from '../../alerts/channel-settings.ts';
import { listDeliveries } from '../../alerts/delivery-store.ts';
import { refuseSecrets, shownName } from '../../alerts/refuse-secrets.ts';
import { channelRules } from '../../alerts/routing.ts';
import { testChannel } from '../../alerts/test-channel.ts';
import { viewChannel, viewDelivery } from '../../alerts/view-alert.ts';
import { refuseUnknownProviders } from '../../keys/list-providers.ts';
import { refuseForeignRing } from '../../keys/foreign-ring.ts';
import { KeywardError } from '../../foundation/errors.ts';
import { plainText } from '../../keys/provider-rules.ts';
import { occasionOf } from '../admission.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { channelView, deliveryView, quietHours } from '../alert-view.ts';
import { knownSecretsOf } from '../known-secrets-of.ts';
import { reason, rowParameter } from '../query-values.ts';
import type { TypedApp } from '../typed-app.ts';
import { revisionIn } from '../write-headers.ts';

const channels = '/api/v1/admin/alert-channels';
const tags = ['alerts'];
const mostDeliveries = 50;

const channelParameter = rowParameter('a channel');

const name = plainText(longestChannelName).min(1, 'must not be empty');
const settings = settingsFields
  .optional()
  .describe('What the kind takes, as a whole: they are not read back. No answer ever holds what is secret.');
const fields = {
  settings,
  rules: channelRules.optional(),
  quiet_hours: quietHours.optional(),
  is_active: z.boolean().optional(),
  reason,
};
const newChannel = z.strictObject({ name, kind: z.enum(channelKinds), ...fields }).meta({
  examples: [{ name: 'on call', kind: 'slack', settings: { url: 'https://hooks.slack.com/services/…' } }],
});
const changedChannel = z.strictObject({ name: name.optional(), ...fields });

export function channelRoutes(app: TypedApp, parts: AdminApiParts): void {
  readRoutes(app, parts);
  writeRoutes(app, parts);
  testRoute(app, parts);
}

function readRoutes(app: TypedApp, parts: AdminApiParts): void {
  const { kysely } = parts.database;
  app.get(
    channels,
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listAlertChannels',
        summary: 'All channels of alerts',
        tags,
        querystring: z.strictObject({}),
        response: { 200: z.object({ data: z.array(channelView) }).describe('All of them.') },
      },
    },
    async () => ({ data: (await readChannels(kysely)).map((channel) => shown(channel, parts)) }),
  );

  app.get(
    `${channels}/:id`,
    {
      config: { access: 'viewer', refusals: ['channel_not_found'] },
      schema: {
        operationId: 'getAlertChannel',
        summary: 'One channel, with what was sent there',
        tags,
        params: channelParameter,
        querystring: z.strictObject({}),
        response: {
          200: z
            .object({
              channel: channelView,
              deliveries: z.array(deliveryView).describe('The newest first, 50 at most.'),
            })
            .describe('The channel.'),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const channel = await findChannel(kysely, { id });
      if (channel === undefined) throw new KeywardError('channel_not_found');
      void reply.header('etag', `"${channel.revision}"`);
      const deliveries = await listDeliveries(kysely, { channelId: id }, mostDeliveries);
      return { channel: shown(channel, parts), deliveries: deliveries.map(viewDelivery) };
    },
  );
}

function writeRoutes(app: TypedApp, parts: AdminApiParts): void {
  const { changes, clock, config } = parts;
  const acts = { audit: changes.audit, ring: changes.ring, clock, config };
  const written = z.object({ channel: channelView });

  app.post(
    channels,
    {
      config: {
        access: 'admin',
        takes: ['Idempotency-Key'],
        refusals: ['channel_exists', 'field_invalid', 'encryption_key_foreign'],
      },
      schema: {
        operationId: 'createAlertChannel',
        summary: 'Add a channel of alerts',
        description:
          'Its address falls under the same rules as that of a provider: https, no cloud metadata, private networks only with `allow_private_network`.',
        tags,
        body: newChannel,
        response: { 201: written.clone().describe('Made.') },
      },
    },
    async (request, reply) => {
      const { kind, name: called, reason: why } = request.body;
      const made = { ...fieldsIn(request.body), name: called, kind };
      await refuseSecrets(knownSecretsOf(parts), shownName(called));
      await refuseNewProviders(parts, made.rules?.providers, []);
      await refuseForeignRing(parts.database, changes.ring);
      const channel = await createChannel(acts, occasionOf(request, why), made);
      return reply.code(201).send({ channel: shown(channel, parts) });
    },
  );

  app.patch(
    `${channels}/:id`,
    {
      config: {
        access: 'admin',
        takes: ['If-Match', 'Idempotency-Key'],
        refusals: ['channel_not_found', 'channel_exists', 'field_invalid', 'encryption_key_foreign'],
      },
      schema: {
        operationId: 'changeAlertChannel',
        summary: 'Change a channel; what is not named stays',
        tags,
        params: channelParameter,
        body: changedChannel,
        response: { 200: written.clone().describe('Changed.') },
      },
    },
    async (request) => {
      const change = { ...fieldsIn(request.body), ifRevision: revisionIn(request) };
      const occasion = occasionOf(request, request.body.reason);
      await refuseSecrets(knownSecretsOf(parts), shownName(change.name));
      const before = await findChannel(parts.database.kysely, { id: request.params.id });
      await refuseNewProviders(parts, change.rules?.providers, before?.rules.providers ?? []);
      if (change.settings !== undefined) await refuseForeignRing(parts.database, changes.ring);
      return { channel: shown(await changeChannel(acts, occasion, request.params.id, change), parts) };
    },
  );

  app.delete(
    `${channels}/:id`,
    {
      config: {
        access: 'admin',
        takes: ['If-Match', 'Idempotency-Key'],
        refusals: ['channel_not_found'],
      },
      schema: {
        operationId: 'deleteAlertChannel',
        summary: 'Delete a channel, and what is known of its deliveries',
        tags,
        params: channelParameter,
        body: z.strictObject({ reason }).nullable(),
        response: { 200: z.object({ id: z.int(), deleted: z.literal(true) }).describe('Deleted.') },
      },
    },
    async (request) => {
      const { id } = request.params;
      const occasion = occasionOf(request, request.body?.reason);
      await deleteChannel(acts, occasion, id, { ifRevision: revisionIn(request) });
      return { id, deleted: true as const };
    },
  );
}

function testRoute(app: TypedApp, parts: AdminApiParts): void {
  app.post(
    `${channels}/:id/test`,
    {
      config: {
        access: 'admin',
        takes: ['Idempotency-Key'],
        refusals: ['channel_not_found', 'channel_unreadable'],
      },
      schema: {
        operationId: 'testAlertChannel',
        summary: 'Send a test message over a channel, now and once',
        tags,
        params: channelParameter,
        body: z.strictObject({ reason }).nullable(),
        response: {
          200: z
            .object({ delivery: deliveryView })
            .describe('How it went: `delivered`, or `failed` with the reason in `last_error`.'),
        },
      },
    },
    async (request) => {
      const occasion = occasionOf(request, request.body?.reason);
      return { delivery: viewDelivery(await testChannel(parts.deliveries, occasion, request.params.id)) };
    },
  );
}

/** One that stands there and was deleted since may stay. */
async function refuseNewProviders(
  { database }: AdminApiParts,
  slugs: readonly string[] | undefined,
  before: readonly string[],
): Promise<void> {
  const entered = (slugs ?? []).filter((slug) => !before.includes(slug));
  await refuseUnknownProviders(database.kysely, entered, 'rules.providers');
}

function fieldsIn(body: z.output<typeof changedChannel>): ChannelFields {
  const { name: called, settings: sent, rules, quiet_hours: quiet, is_active: isActive } = body;
  return { name: called, settings: sent, rules, quiet, isActive };
}

function shown(channel: AlertChannel, { changes }: AdminApiParts): z.output<typeof channelView> {
  return structuredClone(viewChannel(channel, changes.ring));
}
