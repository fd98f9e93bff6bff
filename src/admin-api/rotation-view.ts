/** How a rotation and the versions of a key look to an administrator. */
import { z } from 'zod';
import { verdicts } from '../providers/verdict.ts';
import { rotationSteps } from '../keys/rotation/rotation-machine.ts';
import type { RotationView, VersionView } from '../keys/rotation/view-rotation.ts';

const time = z.iso.datetime().nullable();

export const versionView = z
  .object({
    id: z.string(),
    state: z
      .enum(['pending', 'active', 'previous', 'retired', 'revoked'])
      .describe(
        'pending: does not serve yet, or for a share. active: the stored key. previous: the fallback of the active one. retired: serves no more. revoked: is dead at the provider.',
      ),
    fingerprint: z.string().nullable(),
    mask: z.string().nullable(),
    origin: z.enum(['found', 'entered', 'minted']),
    minted_name: z.string().nullable().describe('What the key is called at its provider.'),
    created_by: z.string().nullable(),
    reason: z.string().nullable(),
    last_verdict: z.enum(verdicts).nullable(),
    last_tested_at: time,
    generated_at: time.describe('When the provider last answered a call with it, as proof; null: not yet.'),
    expires_at: time,
    created_at: z.iso.datetime(),
    promoted_at: time,
    retired_at: time,
    revoked_at: time,
    remark: z.string().nullable().describe('What stands in the way of its revocation.'),
  })
  .meta({ id: 'KeyVersion' }) satisfies z.ZodType<VersionView>;

const counts = z
  .object({
    calls: z.int(),
    errors: z.int(),
    refusals: z.int().describe('The provider refused the key; each is an error too.'),
    error_rate: z.number().nullable(),
  })
  .meta({ id: 'KeyTraffic' });

export const rotationView = z
  .object({
    id: z.string(),
    provider: z.string(),
    step: z.enum(rotationSteps),
    is_open: z.boolean(),
    is_automatic: z.boolean(),
    explanation: z.string().nullable().describe('Why it stands where it stands.'),
    next: z.array(z.string()).describe('The steps that may come next without force.'),
    new_key: versionView,
    old_key: versionView.nullable(),
    no_way_back: z
      .string()
      .nullable()
      .describe(
        'While it is open: why a rollback would leave the provider without a key; null: it would not.',
      ),
    source_before: z.string(),
    canary_percent: z.number(),
    soak_seconds: z.int(),
    soak_is_over: z.boolean(),
    traffic: z
      .object({ new: counts, old: counts })
      .describe('What both keys have served since the canary began, on all instances together.'),
    is_forced: z.boolean(),
    started_by: z.string(),
    reason: z.string().nullable(),
    started_at: z.iso.datetime(),
    step_since: z.iso.datetime(),
    promoted_at: time,
    ended_at: time,
  })
  .meta({ id: 'Rotation' }) satisfies z.ZodType<RotationView>;
