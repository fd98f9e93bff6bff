/** The rotation of a provider's key: begin it, and look at it. Its steps are in rotation-step-routes.ts. */
import { z } from 'zod';
import { Secret } from '../../foundation/secret.ts';
import { findRotation, listKeyVersions, listRotations } from '../../keys/rotation/rotation-store.ts';
import { mintRotation } from '../../keys/rotation/mint-rotation.ts';
import { startRotation } from '../../keys/rotation/start-rotation.ts';
import { viewRotation, viewVersion } from '../../keys/rotation/view-rotation.ts';
import { KeywardError } from '../../foundation/errors.ts';
import { occasionOf } from '../admission.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { settle } from '../applied.ts';
import { decodeCursor, pageFields, pageFieldsOf, pageParameters } from '../pagination.ts';
import { keyEnd, reason, slugParameter } from '../query-values.ts';
import { requireProvider } from '../require-provider.ts';
import { rotationView, versionView } from '../rotation-view.ts';
import type { TypedApp } from '../typed-app.ts';
import { preconditionOf } from '../write-headers.ts';
import { moved, percent, rotationParameters, rotations, takes, waiting } from '../rotation-fields.ts';

const seconds = z.int().min(0).max(31_536_000);

const startBody = z
  .strictObject({
    api_key: z
      .string()
      .optional()
      .describe('The new key. No answer ever holds it. Absent: the provider makes one (`mint`).'),
    mint: z
      .boolean()
      .default(false)
      .describe('Let the provider make the key; needs the management credential.'),
    automatic: z
      .boolean()
      .default(false)
      .describe('Keyward takes the further steps by itself, behind the same proofs.'),
    canary_percent: percent,
    canary_seconds: seconds.optional().describe('With `automatic`: how long the new key is tried at least.'),
    canary_min_calls: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe('With `automatic`: how many calls must have been answered with it.'),
    soak_seconds: seconds
      .optional()
      .describe('How long the old key stays as the fallback; a day where absent.'),
    expires_at: keyEnd.optional().describe('When the new key ends, where the provider does not say.'),
    reason,
  })
  .meta({ examples: [{ api_key: 'paste-the-new-key-here', reason: 'quarterly rotation' }] });

export function rotationRoutes(app: TypedApp, parts: AdminApiParts): void {
  const { kysely } = parts.database;

  app.post(
    rotations,
    {
      config: {
        access: 'admin',
        takes,
        refusals: [
          'provider_not_found',
          'key_refused',
          'rotation_open',
          'encryption_key_foreign',
          'management_unavailable',
          'management_failed',
        ],
      },
      schema: {
        operationId: 'startRotation',
        summary: 'Begin a rotation: stage a new key beside the stored one',
        description:
          'The new key is encrypted and bound, and serves nobody yet. One rotation at a time is open for each provider.',
        tags: ['rotations'],
        params: slugParameter,
        querystring: waiting,
        body: startBody,
        response: {
          200: moved.extend({ warnings: z.array(z.string()) }).describe('The new key is staged.'),
        },
      },
    },
    async (request) => {
      const { slug } = request.params;
      const { api_key: text, mint, reason: why, ...body } = request.body;
      await requireProvider(parts, slug);
      const plan = {
        canaryPercent: body.canary_percent,
        canarySeconds: body.canary_seconds,
        canaryMinCalls: body.canary_min_calls,
        soakSeconds: body.soak_seconds,
        expiresAt: body.expires_at === undefined ? undefined : new Date(body.expires_at),
        isAutomatic: body.automatic,
        ...(await preconditionOf(request, parts.database)),
      };
      if (mint === (text !== undefined)) {
        throw new KeywardError('field_invalid', {
          message: 'Send either api_key or mint: true. Nothing was changed.',
          param: 'api_key',
        });
      }
      const occasion = occasionOf(request, why);
      const { rotation, revision, warnings } =
        text === undefined
          ? {
              ...(await mintRotation(parts, occasion, slug, { ...plan, claimedBy: parts.instanceId })),
              warnings: [],
            }
          : await startRotation(parts, occasion, slug, { key: new Secret(text), ...plan });
      return {
        rotation: await viewRotation(parts, slug, rotation),
        warnings: [...warnings],
        ...(await settle(parts, revision, request.query.wait)),
      };
    },
  );

  app.get(
    rotations,
    {
      config: { access: 'viewer', refusals: ['provider_not_found', 'cursor_invalid'] },
      schema: {
        operationId: 'listRotations',
        summary: 'The rotations of a provider, newest first',
        tags: ['rotations'],
        params: slugParameter,
        querystring: z.strictObject({
          ...pageParameters,
          state: z.enum(['open', 'ended', 'all']).default('all').describe('At most one is open.'),
        }),
        response: { 200: z.object({ data: z.array(rotationView), ...pageFields }).describe('One page.') },
      },
    },
    async (request) => {
      const { slug } = request.params;
      const row = await requireProvider(parts, slug);
      const { cursor, limit, state } = request.query;
      const place = decodeCursor(cursor, z.tuple([z.string().regex(/^\d{1,18}$/)]));
      await parts.rotations.flush();
      const { rows, next } = await listRotations(kysely, row.id, {
        before: place?.[0] ?? null,
        limit,
        state,
      });
      const data = [];
      for (const rotation of rows) data.push(await viewRotation(parts, slug, rotation));
      return { data, ...pageFieldsOf(next === null ? null : [next]) };
    },
  );

  app.get(
    `${rotations}/:id`,
    {
      config: { access: 'viewer', refusals: ['provider_not_found', 'rotation_not_found'] },
      schema: {
        operationId: 'getRotation',
        summary: 'Where a rotation stands and why, with what both keys have served',
        tags: ['rotations'],
        params: rotationParameters,
        querystring: z.strictObject({}),
        response: { 200: rotationView.describe('The rotation.') },
      },
    },
    async (request) => {
      const { slug, id } = request.params;
      const row = await requireProvider(parts, slug);
      await parts.rotations.flush();
      const rotation = await findRotation(kysely, row.id, id === 'open' ? 'open' : { id });
      if (rotation === undefined) throw new KeywardError('rotation_not_found');
      return viewRotation(parts, slug, rotation);
    },
  );

  app.get(
    '/api/v1/admin/providers/:slug/key-versions',
    {
      config: { access: 'viewer', refusals: ['provider_not_found'] },
      schema: {
        operationId: 'listKeyVersions',
        summary: 'Every key that a provider has or had, newest first',
        tags: ['rotations'],
        params: slugParameter,
        querystring: z.strictObject({}),
        response: { 200: z.object({ data: z.array(versionView) }).describe('At most a hundred.') },
      },
    },
    async (request) => {
      const row = await requireProvider(parts, request.params.slug);
      const versions = await listKeyVersions(kysely, row.id);
      return { data: versions.map((version) => viewVersion(version)) };
    },
  );
}
