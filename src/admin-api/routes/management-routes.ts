/** Keys that a provider makes and revokes by API: the credential for it, the comparison with the ledger, and when it is due. */
import { z } from 'zod';
import { KeywardError } from '../../foundation/errors.ts';
import { Secret } from '../../foundation/secret.ts';
import { baseUrl, plainText } from '../../keys/provider-rules.ts';
import { enterManagement } from '../../keys/rotation/enter-management.ts';
import { readManagement, removeManagement } from '../../keys/rotation/management-store.ts';
import {
  findSchedule,
  mostScheduledDays,
  removeSchedule,
  setSchedule,
} from '../../keys/rotation/schedule-store.ts';
import { sweepProvider, type SweepReport } from '../../keys/rotation/sweep-keys.ts';
import { viewManagement, viewSchedule } from '../../keys/rotation/view-automation.ts';
import { occasionOf } from '../admission.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { reason, slugParameter } from '../query-values.ts';
import { requireProvider } from '../require-provider.ts';
import type { TypedApp } from '../typed-app.ts';

const names = z.array(z.string());
const sweepView = z
  .object({
    revoked: names.describe('Keys that were revoked now.'),
    waiting: names.describe('Keys that will be when their grace is over and every server has left them.'),
    missing: names.describe('Serving keys that the provider does not know.'),
    unknown: names.describe('Keys there that Keyward did not make. They are not touched.'),
    unfindable: names.describe('Names under which a key may live that cannot be found by API.'),
    failures: names,
  })
  .meta({ id: 'KeySweep' });

const managementView = z
  .object({
    automation: z
      .enum(['full', 'revoke_only', 'guided'])
      .describe('What can be done by API: make and revoke keys, revoke them, or nothing.'),
    needs: z.string().nullable().describe('Which credential it takes, and where a person makes it.'),
    parameters_needed: z.record(z.string(), z.string()),
    credential: z
      .object({
        mask: z.string(),
        fingerprint: z.string(),
        base_url: z.string().nullable(),
        parameters: z.record(z.string(), z.string()),
        created_by: z.string(),
        created_at: z.iso.datetime(),
      })
      .nullable(),
    swept_at: z.iso.datetime().nullable(),
    last_sweep: sweepView.nullable(),
  })
  .describe('What Keyward can do with the keys at the provider.');

const minutes = z.int().min(0).max(1_439);
const days = z.int().min(1).max(mostScheduledDays).nullable();
const window = z
  .strictObject({
    from: minutes.describe('Minutes after midnight, UTC.'),
    to: minutes.describe('Before `from`: on the next day.'),
  })
  .nullable();

const scheduleView = z
  .object({
    every_days: days,
    before_expiry_days: days,
    jitter_minutes: z.int(),
    window,
    next_at: z.iso.datetime().nullable().describe('Null: not reckoned yet, or nothing is due ever.'),
    stopped_because: z
      .string()
      .nullable()
      .describe('The one failure after which it stopped. Set it again to go on.'),
    changed_by: z.string(),
    changed_at: z.iso.datetime(),
  })
  .describe('When the key is rotated without being asked.');

const removed = z.object({ removed: z.boolean() });

export function managementRoutes(app: TypedApp, parts: AdminApiParts): void {
  const { kysely } = parts.database;
  const management = '/api/v1/admin/providers/:slug/key-management';
  const schedule = '/api/v1/admin/providers/:slug/rotation-schedule';
  const takes = ['Idempotency-Key'] as const;

  app.get(
    management,
    {
      config: { access: 'viewer', refusals: ['provider_not_found'] },
      schema: {
        operationId: 'getKeyManagement',
        summary: 'What Keyward can do with the keys at a provider',
        tags: ['rotations'],
        params: slugParameter,
        querystring: z.strictObject({}),
        response: { 200: managementView },
      },
    },
    async (request) => {
      const row = await requireProvider(parts, request.params.slug);
      const view = viewManagement(row.provider_slug, await readManagement(kysely, row.id));
      return { ...view, last_sweep: view.last_sweep && copyOf(view.last_sweep) };
    },
  );

  app.put(
    management,
    {
      config: {
        access: 'admin',
        takes,
        refusals: [
          'provider_not_found',
          'management_unavailable',
          'encryption_key_foreign',
          'key_unproven',
          'reason_required',
        ],
      },
      schema: {
        operationId: 'setKeyManagement',
        summary: 'Store the credential that makes and revokes keys',
        description:
          'The provider is asked for the list of its keys first; what it refuses is stored by force only. It is kept apart from the keys that serve, encrypted and bound to its own purpose, and never sent with a call of a caller.',
        tags: ['rotations'],
        params: slugParameter,
        body: z.strictObject({
          credential: z.string().min(8).max(1_000).describe('No answer ever holds it.'),
          base_url: baseUrl
            .optional()
            .describe('Where the management API is; absent: where the provider has it.'),
          parameters: z
            .record(z.string().regex(/^[a-z]{1,40}$/, 'must have names of small letters'), plainText(200))
            .optional(),
          force: z
            .boolean()
            .default(false)
            .describe('Store it although the provider refuses it. Needs a reason.'),
          reason,
        }),
        response: {
          200: z
            .object({ stored: z.boolean(), said: z.string().describe('What the provider said, in words.') })
            .describe('Stored.'),
        },
      },
    },
    async (request) => {
      const { slug } = request.params;
      const { credential, base_url, parameters, force, reason: why } = request.body;
      await requireProvider(parts, slug);
      const said = await enterManagement(parts, occasionOf(request, why), slug, {
        force,
        credential: new Secret(credential.trim()),
        baseUrl: base_url,
        parameters,
      });
      return { stored: true, said };
    },
  );

  app.delete(
    management,
    {
      config: {
        access: 'admin',
        takes,
        refusals: ['provider_not_found', 'management_in_use', 'reason_required'],
      },
      schema: {
        operationId: 'removeKeyManagement',
        summary: 'Remove the credential that makes and revokes keys',
        description:
          'Refused while keys that Keyward made live at the provider: without the credential nothing revokes them but a person.',
        tags: ['rotations'],
        params: slugParameter,
        body: z
          .strictObject({
            force: z
              .boolean()
              .default(false)
              .describe('Go on although made keys live there. Needs a reason; the audit trail says so.'),
            reason,
          })
          .nullable(),
        response: {
          200: removed
            .extend({ left: names.describe('Made keys that a person has to revoke at the provider.') })
            .describe('False: none was stored.'),
        },
      },
    },
    async (request) => {
      const { slug } = request.params;
      await requireProvider(parts, slug);
      const { force, reason: why } = request.body ?? {};
      const done = await removeManagement(parts, occasionOf(request, why), slug, { force });
      return { removed: done.removed, left: [...done.left] };
    },
  );

  app.post(
    `${management}/sweep`,
    {
      config: {
        access: 'admin',
        takes,
        refusals: ['provider_not_found', 'management_unavailable', 'management_failed'],
      },
      schema: {
        operationId: 'sweepKeys',
        summary: 'Hold the keys at the provider against the ledger now',
        description:
          'Revokes what Keyward made and no server uses any more, once its grace is over. Keys that it did not make are reported and not touched. Runs by itself every five minutes.',
        tags: ['rotations'],
        params: slugParameter,
        body: z
          .strictObject({
            grace_seconds: z
              .int()
              .min(0)
              .max(604_800)
              .default(300)
              .describe('How long a retired key is left alone.'),
            reason,
          })
          .nullable(),
        response: { 200: sweepView.describe('What was found.') },
      },
    },
    async (request) => {
      const row = await requireProvider(parts, request.params.slug);
      const occasion = occasionOf(request, request.body?.reason);
      const graceSeconds = request.body?.grace_seconds ?? 300;
      const report = await sweepProvider(parts, occasion, row, { graceSeconds, isAsked: true });
      if (report === null)
        throw new KeywardError('management_unavailable', { message: 'No management credential is stored.' });
      return copyOf(report);
    },
  );

  app.get(
    schedule,
    {
      config: { access: 'viewer', refusals: ['provider_not_found', 'schedule_not_found'] },
      schema: {
        operationId: 'getRotationSchedule',
        summary: 'When the key of a provider is rotated without being asked',
        tags: ['rotations'],
        params: slugParameter,
        querystring: z.strictObject({}),
        response: { 200: scheduleView },
      },
    },
    async (request) => {
      const row = await requireProvider(parts, request.params.slug);
      const found = await findSchedule(kysely, row.id);
      if (found === undefined) throw new KeywardError('schedule_not_found');
      return viewSchedule(found);
    },
  );

  app.put(
    schedule,
    {
      config: { access: 'admin', takes, refusals: ['provider_not_found', 'management_unavailable'] },
      schema: {
        operationId: 'setRotationSchedule',
        summary: 'Say when the key of a provider is rotated without being asked',
        description: 'After one failure the schedule stops and says why; set it again to go on.',
        tags: ['rotations'],
        params: slugParameter,
        body: z.strictObject({
          every_days: days.default(null),
          before_expiry_days: days.default(null),
          jitter_minutes: z.int().min(0).max(10_080).default(60),
          window: window.default(null),
          reason,
        }),
        response: { 200: scheduleView },
      },
    },
    async (request) => {
      const { slug } = request.params;
      await requireProvider(parts, slug);
      const body = request.body;
      return viewSchedule(
        await setSchedule(parts, occasionOf(request, body.reason), slug, {
          everyDays: body.every_days,
          beforeExpiryDays: body.before_expiry_days,
          jitterMinutes: body.jitter_minutes,
          window: body.window,
        }),
      );
    },
  );

  app.delete(
    schedule,
    {
      config: { access: 'admin', takes, refusals: ['provider_not_found'] },
      schema: {
        operationId: 'removeRotationSchedule',
        summary: 'Rotate the key of a provider only when asked',
        tags: ['rotations'],
        params: slugParameter,
        body: z.strictObject({ reason }).nullable(),
        response: { 200: removed.describe('False: there was none.') },
      },
    },
    async (request) => {
      const { slug } = request.params;
      await requireProvider(parts, slug);
      return { removed: await removeSchedule(parts, occasionOf(request, request.body?.reason), slug) };
    },
  );
}

/** What a schema describes can be written to. */
function copyOf(report: SweepReport): z.output<typeof sweepView> {
  return structuredClone(report) as z.output<typeof sweepView>;
}
