/** Tests of many keys, their history, and the dry run that explains which key would serve. */
import { z } from 'zod';
import { explainUnder, servingKeyOf } from '../../keys/explain-key.ts';
import { listKeyTests, type RecordedTest } from '../../keys/key-test-history.ts';
import { readProviders } from '../../keys/provider-store.ts';
import { testAllKeys, type ProviderTested } from '../../keys/test-all-keys.ts';
import { keySource } from '../../keys/provider-rules.ts';
import { verdicts } from '../../providers/verdict.ts';
import { identityOf, occasionOf } from '../admission.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { whenClientLeaves } from '../client-left.ts';
import type { KeyTestLimits } from '../key-test-limits.ts';
import { keyTestFields, viewKeyTest } from '../key-test-view.ts';
import { decodeCursor, pageFields, pageFieldsOf, pageParameters } from '../pagination.ts';
import { viewUpstream } from '../../keys/upstream-address.ts';
import { servesView, upstreamView, viewServes } from '../provider-view.ts';
import { reason, slugParameter } from '../query-values.ts';
import { requireProvider } from '../require-provider.ts';
import type { TypedApp } from '../typed-app.ts';

const recordedTest = z
  .object({
    id: z.string(),
    fingerprint: z.string().describe('The key that was tested.'),
    source: z.enum(['database', 'environment', 'candidate']),
    verdict: z.string(),
    code: z.string().nullable(),
    message: z.string(),
    advice: z.string(),
    http_status: z.int().nullable(),
    response_time_ms: z.int(),
    asked_by: z.string(),
    tested_at: z.iso.datetime(),
  })
  .meta({ id: 'RecordedTest' });

const testOfProvider = z.object({
  provider: z.string(),
  outcome: z
    .enum(['tested', 'skipped', 'pending'])
    .describe('`skipped`: there is nothing to ask, or not now; `pending`: the time was up.'),
  reason: z.string().nullable().describe('Why it was not tested.'),
  source: z.enum(['database', 'environment']).nullable(),
  fingerprint: z.string().nullable(),
  result: z.object(keyTestFields).nullable(),
});

const explanation = z
  .object({
    provider: z.string(),
    is_active: z.boolean(),
    assumed: z.object({
      source: z.string().nullable(),
      stored_key: z.string().nullable(),
      environment: z.string().nullable(),
    }),
    serves: servesView.extend({
      mask: z.string().nullable(),
      is_assumed: z.boolean().describe('The key exists only by assumption, so it has no fingerprint.'),
      problem: z.string().nullable().describe('A key that should serve and cannot be used.'),
    }),
    environment_variable: z.string(),
    upstream: upstreamView,
  })
  .describe('What would serve, and why. Nothing was changed and nobody was asked.');

const assumptions = z.strictObject({
  source: keySource.optional().describe('As if this were the source.'),
  stored_key: z
    .enum(['present', 'absent', 'unreadable', 'dead'])
    .optional()
    .describe('As if a key were stored, none, one that does not decrypt, or one proven dead.'),
  environment: z
    .enum(['present', 'absent'])
    .optional()
    .describe('As if the variable of the environment were set, or not.'),
});

export function keyTestRoutes(app: TypedApp, parts: AdminApiParts, limits: KeyTestLimits): void {
  const { kysely } = parts.database;
  const providers = '/api/v1/admin/providers';

  app.get(
    `${providers}/:slug/tests`,
    {
      config: { access: 'viewer', refusals: ['provider_not_found', 'cursor_invalid'] },
      schema: {
        operationId: 'listKeyTests',
        summary: 'The tests of keys at a provider, newest first',
        tags: ['keys'],
        params: slugParameter,
        querystring: z.strictObject({ ...pageParameters, verdict: z.enum(verdicts).optional() }),
        response: { 200: z.object({ data: z.array(recordedTest), ...pageFields }).describe('One page.') },
      },
    },
    async (request) => {
      const { slug } = request.params;
      const { cursor, limit, verdict } = request.query;
      await requireProvider(parts, slug);
      const place = decodeCursor(cursor, z.tuple([z.string().regex(/^\d{1,18}$/)]));
      const { rows, next } = await listKeyTests(kysely, slug, { before: place?.[0] ?? null, limit, verdict });
      return {
        data: rows.map((row) => viewRecordedTest(row)),
        ...pageFieldsOf(next === null ? null : [next]),
      };
    },
  );

  app.get(
    `${providers}/:slug/resolve`,
    {
      config: { access: 'viewer', refusals: ['provider_not_found'] },
      schema: {
        operationId: 'explainKey',
        summary: 'Which key would serve, and why; also if something were otherwise',
        description: 'A dry run by the environment of the instance that answers.',
        tags: ['keys'],
        params: slugParameter,
        querystring: assumptions,
        response: { 200: explanation },
      },
    },
    async (request) => {
      const row = await requireProvider(parts, request.params.slug);
      const { source, stored_key: storedKey, environment } = request.query;
      const assumed = { source, storedKey, environment };
      const explained = explainUnder(row, parts, assumed);
      return {
        provider: row.provider_slug,
        is_active: row.is_active === true,
        assumed: { source: source ?? null, stored_key: storedKey ?? null, environment: environment ?? null },
        serves: {
          ...viewServes(row, explained),
          mask: row.is_active === true ? servingKeyOf(explained).mask : null,
          is_assumed: row.is_active === true && explained.isAssumed,
          problem: explained.served.resolution.problem,
        },
        environment_variable: parts.config.provider(row.provider_slug).apiKeyName,
        upstream: viewUpstream(explained.served.upstream),
      };
    },
  );

  app.post(
    `${providers}/test-all`,
    {
      config: {
        access: 'admin',
        takes: ['Idempotency-Key'],
        refusals: ['key_tests_limited', 'caller_left'],
      },
      schema: {
        operationId: 'testAllKeys',
        summary: 'Test the keys of all active providers; spends no tokens',
        description:
          'Four at a time, one minute at most: what is `pending` then was not begun. Counts as one of the 10 tests a minute; a provider that was asked within 2 s is skipped.',
        tags: ['keys'],
        body: z.strictObject({ reason }).nullable(),
        response: {
          200: z
            .object({ tested: z.int(), pending: z.int(), data: z.array(testOfProvider) })
            .describe('What each provider said.'),
        },
      },
    },
    async (request, reply) => {
      const occasion = occasionOf(request, request.body?.reason);
      await limits.admitOf(identityOf(request).subject);
      const active = (await readProviders(kysely)).filter((row) => row.is_active === true);
      const outcomes = await testAllKeys(parts, occasion, active, {
        signal: whenClientLeaves(reply),
        admit: async (slug) => limits.admitInRound(slug),
      });
      return {
        tested: outcomes.filter(({ outcome }) => outcome === 'tested').length,
        pending: outcomes.filter(({ outcome }) => outcome === 'pending').length,
        data: outcomes.map((one) => viewOutcome(one)),
      };
    },
  );
}

function viewOutcome(one: ProviderTested): z.output<typeof testOfProvider> {
  if (one.outcome !== 'tested') {
    const { slug, outcome, reason } = one;
    return { provider: slug, outcome, reason, source: null, fingerprint: null, result: null };
  }
  const { source, fingerprint, result } = one.tested;
  return {
    provider: one.slug,
    outcome: 'tested',
    reason: null,
    source: source === 'candidate' ? null : source,
    fingerprint,
    result: viewKeyTest(result),
  };
}

function viewRecordedTest(row: RecordedTest): z.output<typeof recordedTest> {
  return {
    id: row.id,
    fingerprint: row.fingerprint,
    source: row.source,
    verdict: row.verdict,
    code: row.code,
    message: row.message,
    advice: row.advice,
    http_status: row.http_status,
    response_time_ms: row.response_time_ms,
    asked_by: row.asked_by,
    tested_at: row.tested_at.toISOString(),
  };
}
