/** The steps of a rotation that is open: the test of the new key, and each way that leads on, back or out. */
import { z } from 'zod';
import type { ErrorCode } from '../../foundation/errors.ts';
import {
  cancelRotation,
  promoteKey,
  retireOldKey,
  rollBackKey,
  startCanary,
  type RotationAct,
} from '../../keys/rotation/rotation-acts.ts';
import type { RotationMoved } from '../../keys/rotation/move-rotation.ts';
import { testRotation } from '../../keys/rotation/test-rotation.ts';
import { viewRotation } from '../../keys/rotation/view-rotation.ts';
import { plainText } from '../../keys/provider-rules.ts';
import type { Occasion } from '../../audit/audit-event.ts';
import { identityOf, occasionOf } from '../admission.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { settle } from '../applied.ts';
import { whenClientLeaves } from '../client-left.ts';
import type { KeyTestLimits } from '../key-test-limits.ts';
import { keyTestFields, viewKeyTest } from '../key-test-view.ts';
import { reason } from '../query-values.ts';
import { requireProvider } from '../require-provider.ts';
import type { TypedApp } from '../typed-app.ts';
import { preconditionOf } from '../write-headers.ts';
import {
  moved,
  percent,
  rotationIdOf,
  rotationParameters,
  rotations,
  takes,
  waiting,
} from '../rotation-fields.ts';

const force = z
  .boolean()
  .default(false)
  .describe('Go on although the proof does not allow it. Needs a reason; the audit trail says so.');
const stepRefusals = [
  'provider_not_found',
  'rotation_not_found',
  'rotation_refused',
] as const satisfies readonly ErrorCode[];

export function rotationStepRoutes(app: TypedApp, parts: AdminApiParts, limits: KeyTestLimits): void {
  app.post(
    `${rotations}/:id/test`,
    {
      config: {
        access: 'admin',
        takes,
        refusals: [
          ...stepRefusals,
          'provider_not_askable',
          'key_tests_limited',
          'provider_cooling_down',
          'caller_left',
        ],
      },
      schema: {
        operationId: 'testRotation',
        summary: 'Ask the provider about the new key',
        description:
          'Spends no tokens, unless `spend` asks for one call of one token: only that, or a canary, proves that the key may do what callers want.',
        tags: ['rotations'],
        params: rotationParameters,
        querystring: waiting,
        body: z
          .strictObject({
            spend: z.boolean().default(false).describe('Also make a chat of one token, which is spent.'),
            model: plainText(200)
              .optional()
              .describe('For that call; the first active one of the provider where absent.'),
            reason,
          })
          .nullable(),
        response: { 200: moved.extend({ test: z.object(keyTestFields) }).describe('What was said.') },
      },
    },
    async (request, reply) => {
      const { slug } = request.params;
      await requireProvider(parts, slug);
      const occasion = occasionOf(request, request.body?.reason);
      const { rotation, revision, result } = await testRotation(
        parts,
        occasion,
        slug,
        rotationIdOf(request.params),
        {
          spend: request.body?.spend,
          model: request.body?.model,
          signal: whenClientLeaves(reply),
          admit: (asked) => limits.admit(identityOf(request).subject, asked),
          ...(await preconditionOf(request, parts.database)),
        },
      );
      return {
        rotation: await viewRotation(parts, slug, rotation),
        test: viewKeyTest(result),
        ...(await settle(parts, revision, request.query.wait)),
      };
    },
  );

  const step = (
    name: string,
    words: { readonly operationId: string; readonly summary: string; readonly description: string },
    act: (occasion: Occasion, slug: string, options: StepOptions) => Promise<RotationMoved>,
    { isForcible }: { readonly isForcible: boolean },
  ): void => {
    const body = z.strictObject({
      ...(isForcible && { force }),
      ...(name === 'canary' && { percent }),
      reason,
    }) as unknown as z.ZodType<StepBody>;
    app.post(
      `${rotations}/:id/${name}`,
      {
        config: {
          access: 'admin',
          takes,
          refusals: isForcible ? [...stepRefusals, 'key_unproven', 'reason_required'] : stepRefusals,
        },
        schema: {
          ...words,
          tags: ['rotations'],
          params: rotationParameters,
          querystring: waiting,
          body: body.nullable(),
          response: { 200: moved.describe('The step is taken.') },
        },
      },
      async (request) => {
        const { slug } = request.params;
        await requireProvider(parts, slug);
        const said: StepBody = request.body ?? {};
        // What this instance has counted so far is part of the proof.
        await parts.rotations.flush();
        const { rotation, revision } = await act(occasionOf(request, said.reason), slug, {
          id: rotationIdOf(request.params),
          force: said.force,
          percent: said.percent,
          ...(await preconditionOf(request, parts.database)),
        });
        return {
          rotation: await viewRotation(parts, slug, rotation),
          ...(await settle(parts, revision, request.query.wait)),
        };
      },
    );
  };

  step(
    'canary',
    {
      operationId: 'startCanary',
      summary: 'Let the new key serve a share of the calls',
      description:
        'A call that is refused with the new key is answered with the old one, and the canary ends. Called again it changes the share.',
    },
    async (occasion, slug, options) => startCanary(parts, occasion, slug, options),
    { isForcible: true },
  );
  step(
    'promote',
    {
      operationId: 'promoteKey',
      summary: 'Make the new key the stored one',
      description:
        'Only a key that was accepted, and with which a call was answered. The old key stays as the fallback: a call that is refused with the new key is answered with it, and what is proven dead is rolled back.',
    },
    async (occasion, slug, options) => promoteKey(parts, occasion, slug, options),
    { isForcible: true },
  );
  step(
    'rollback',
    {
      operationId: 'rollBackKey',
      summary: 'Make the old key the stored one again',
      description:
        'At any time before the old key is retired; before the promotion the new key is just given up. Where no key would serve afterwards, since the old one cannot be read or there was none, it takes force.',
    },
    async (occasion, slug, options) => rollBackKey(parts, occasion, slug, options),
    { isForcible: true },
  );
  step(
    'retire',
    {
      operationId: 'retireOldKey',
      summary: 'End the soak: the old key is the fallback no more',
      description:
        'Revoke it at the provider then; where Keyward made it and has the management credential, it does so itself.',
    },
    async (occasion, slug, options) => retireOldKey(parts, occasion, slug, options),
    { isForcible: true },
  );
  step(
    'cancel',
    {
      operationId: 'cancelRotation',
      summary: 'Give the new key up before it serves all calls',
      description: 'The stored key goes on as before.',
    },
    async (occasion, slug, options) => cancelRotation(parts, occasion, slug, options),
    { isForcible: false },
  );
}

interface StepOptions extends RotationAct {
  readonly force: boolean | undefined;
  readonly percent: number | undefined;
}

interface StepBody {
  readonly force?: boolean | undefined;
  readonly percent?: number | undefined;
  readonly reason?: string | undefined;
}
