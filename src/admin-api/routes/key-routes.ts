/** The key of one provider: set, remove, test, and tell how it stands. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Secret } from '../../foundation/secret.ts';
import { removeStoredKey } from '../../keys/remove-stored-key.ts';
import { setKeyExpiry } from '../../keys/key-expiry.ts';
import { setKey } from '../../keys/set-key.ts';
import { testCandidate, testServingKey } from '../../keys/test-provider-key.ts';
import { keySource } from '../../keys/provider-rules.ts';
import { identityOf, occasionOf } from '../admission.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { settle, waitParameter, writtenFields } from '../applied.ts';
import { whenClientLeaves } from '../client-left.ts';
import { readKeyStatus, keyStatusView } from '../key-status.ts';
import type { KeyTestLimits } from '../key-test-limits.ts';
import { keyTestFields, verdict, viewKeyTest } from '../key-test-view.ts';
import { keyEnd, reason, slugParameter } from '../query-values.ts';
import { noProvider, requireProvider } from '../require-provider.ts';
import type { TypedApp } from '../typed-app.ts';
import { preconditionOf } from '../write-headers.ts';

const warnings = z.array(z.string()).describe('What is worth knowing and stopped nothing.');

const setKeyBody = z
  .strictObject({
    api_key: z.string().describe('The key. No answer ever holds it.'),
    source: keySource
      .optional()
      .describe('Where the key is to be found from now on. By default database, unless it is hybrid.'),
    reason,
    skip_test: z.boolean().default(false).describe('Store the key without asking the provider.'),
    expires_at: keyEnd.optional().describe('When the key ends, where the provider does not say.'),
  })
  .meta({ examples: [{ api_key: 'paste-the-key-here', reason: 'quarterly rotation' }] });

const keySet = z
  .object({
    provider: z.string(),
    source: z.string(),
    mask: z.string(),
    fingerprint: z.string(),
    verdict: verdict.nullable().describe('What the provider said; null where it was not asked.'),
    message: z.string(),
    advice: z.string(),
    tested_at: z.iso.datetime().nullable(),
    warnings,
    ...writtenFields,
  })
  .describe('Stored.')
  .meta({
    examples: [
      {
        provider: 'openrouter',
        source: 'database',
        mask: 'sk-or-v…9f3a',
        fingerprint: 'fp_0a1b2c3d4e5f',
        verdict: 'valid',
        message: 'OpenRouter accepted the key.',
        advice: 'Nothing to do.',
        tested_at: '2026-01-31T12:00:00.000Z',
        warnings: [],
        revision: 42,
        applied: null,
      },
    ],
  });

const keyRemoved = z
  .object({
    provider: z.string(),
    removed: z.boolean().describe('False: no key was stored.'),
    source: z.string(),
    warnings,
    ...writtenFields,
  })
  .describe('No key is stored any more.');

const keyTested = z
  .object({
    ...keyTestFields,
    provider: z.string(),
    source: z.enum(['database', 'environment', 'candidate']).describe('Where the tested key came from.'),
    mask: z.string(),
    fingerprint: z.string(),
    warnings,
    revision: z.int().describe('A new one where the result changes what serves.'),
  })
  .describe('What the provider said of the key.')
  .meta({
    examples: [
      {
        is_valid: true,
        response_time_ms: 245,
        tested_at: '2026-01-31T12:00:00.000Z',
        verdict: 'valid',
        message: 'OpenRouter accepted the key.',
        advice: 'Nothing to do.',
        code: null,
        http_status: 200,
        models_available: null,
        limit_usd: 100,
        limit_reset: 'monthly',
        remaining_usd: 74.5,
        usage_usd: 25.5,
        expires_at: null,
        key_name: 'production',
        organisation: null,
        permissions: null,
        provider: 'openrouter',
        source: 'database',
        mask: 'sk-or-v…9f3a',
        fingerprint: 'fp_0a1b2c3d4e5f',
        warnings: [],
        revision: 42,
      },
    ],
  });

const waiting = z.strictObject({ wait: waitParameter });

export function keyRoutes(app: TypedApp, parts: AdminApiParts, limits: KeyTestLimits): void {
  const provider = '/api/v1/admin/providers/:slug';

  app.post(
    `${provider}/set-key`,
    {
      config: {
        access: 'admin',
        takes: ['If-Match', 'Idempotency-Key'],
        refusals: [
          'provider_not_found',
          'key_refused',
          'key_proven_dead',
          'encryption_key_foreign',
          'key_tests_limited',
          'provider_cooling_down',
          'caller_left',
        ],
      },
      schema: {
        operationId: 'setKey',
        summary: 'Store a key, after asking the provider whether it lives',
        description:
          'A key that the provider proves dead is not stored. An answer that is no proof lets it in, and is told. Input that cannot be a key, such as a mask or an admin key, is refused; an unusual shape only warns.',
        tags: ['keys'],
        params: slugParameter,
        querystring: waiting,
        body: setKeyBody,
        response: { 200: keySet },
      },
    },
    async (request, reply) => {
      const { slug } = request.params;
      const { api_key: text, source, reason: why, skip_test: skipTest, expires_at: ends } = request.body;
      const row = await requireProvider(parts, slug);
      const { found, revision, test, ...set } = await setKey(parts, occasionOf(request, why), row, {
        key: new Secret(text),
        source,
        skipTest,
        expiresAt: ends === undefined ? undefined : new Date(ends),
        ...(await preconditionOf(request, parts.database)),
        ...asking(request, reply, limits),
      });
      if (!found) throw noProvider(slug);
      return {
        provider: slug,
        source: set.source,
        mask: set.mask,
        fingerprint: set.fingerprint,
        verdict: test?.verdict ?? null,
        message: test?.message ?? 'The key was stored without a test.',
        advice: test?.advice ?? 'Test it: POST test-key.',
        tested_at: test?.testedAt.toISOString() ?? null,
        warnings: [...set.warnings],
        ...(await settle(parts, revision, request.query.wait)),
      };
    },
  );

  app.put(
    `${provider}/key-expiry`,
    {
      config: {
        access: 'admin',
        takes: ['If-Match', 'Idempotency-Key'],
        refusals: ['provider_not_found', 'key_not_found'],
      },
      schema: {
        operationId: 'setKeyExpiry',
        summary: 'Say when the stored key ends, where its provider does not',
        description:
          'It warns before that, and a schedule may go by it. What the provider says of the key itself goes before.',
        tags: ['keys'],
        params: slugParameter,
        querystring: waiting,
        body: z.strictObject({
          expires_at: keyEnd.nullable().describe('Null: it is not known to end.'),
          reason,
        }),
        response: {
          200: z
            .object({
              provider: z.string(),
              mask: z.string().nullable(),
              fingerprint: z.string().nullable(),
              expires_at: z.iso.datetime().nullable(),
              ...writtenFields,
            })
            .describe('Noted.'),
        },
      },
    },
    async (request) => {
      const { slug } = request.params;
      const { expires_at: ends, reason: why } = request.body;
      await requireProvider(parts, slug);
      const expiresAt = ends === null ? null : new Date(ends);
      const { revision, ...of } = await setKeyExpiry(parts, occasionOf(request, why), slug, {
        expiresAt,
        ...(await preconditionOf(request, parts.database)),
      });
      return {
        provider: slug,
        ...of,
        expires_at: expiresAt?.toISOString() ?? null,
        ...(await settle(parts, revision, request.query.wait)),
      };
    },
  );

  app.delete(
    `${provider}/remove-key`,
    {
      config: {
        access: 'admin',
        takes: ['If-Match', 'Idempotency-Key'],
        refusals: ['provider_not_found'],
      },
      schema: {
        operationId: 'removeKey',
        summary: 'Remove the stored key',
        description: 'The source stays as it is: with hybrid the key of the environment serves from now on.',
        tags: ['keys'],
        params: slugParameter,
        querystring: waiting,
        body: z.strictObject({ reason }).nullable(),
        response: { 200: keyRemoved },
      },
    },
    async (request) => {
      const { slug } = request.params;
      const row = await requireProvider(parts, slug);
      const precondition = await preconditionOf(request, parts.database);
      const occasion = occasionOf(request, request.body?.reason);
      const done = await removeStoredKey(parts, occasion, row, precondition);
      if (!done.found) throw noProvider(slug);
      const settled = await settle(parts, done.revision, request.query.wait);
      const { removed } = done;
      return {
        provider: slug,
        removed,
        source: row.api_key_source,
        warnings: [...done.warnings],
        ...settled,
      };
    },
  );

  app.post(
    `${provider}/test-key`,
    {
      config: {
        access: 'admin',
        takes: ['Idempotency-Key'],
        refusals: [
          'provider_not_found',
          'key_refused',
          'key_not_found',
          'provider_not_askable',
          'key_tests_limited',
          'provider_cooling_down',
          'caller_left',
        ],
      },
      schema: {
        operationId: 'testKey',
        summary: 'Ask the provider whether a key lives; spends no tokens',
        description:
          'Tests the key that serves, or the one in `api_key`, which is not stored. 10 tests a minute for each administrator, 2 s between tests at one provider, 10 s for each.',
        tags: ['keys'],
        params: slugParameter,
        body: z
          .strictObject({
            api_key: z.string().optional().describe('A candidate; absent: the key that serves.'),
            reason,
          })
          .nullable(),
        response: { 200: keyTested },
      },
    },
    async (request, reply) => {
      const row = await requireProvider(parts, request.params.slug);
      const occasion = occasionOf(request, request.body?.reason);
      const candidate = request.body?.api_key;
      const options = asking(request, reply, limits);
      const tested =
        candidate === undefined
          ? await testServingKey(parts, occasion, row, options)
          : await testCandidate(parts, occasion, row, new Secret(candidate), options);
      return {
        ...viewKeyTest(tested.result),
        provider: row.provider_slug,
        source: tested.source,
        mask: tested.mask,
        fingerprint: tested.fingerprint,
        warnings: [...tested.warnings],
        revision: tested.revision,
      };
    },
  );

  app.get(
    `${provider}/key-status`,
    {
      config: { access: 'viewer', refusals: ['provider_not_found'] },
      schema: {
        operationId: 'getKeyStatus',
        summary: 'What is stored, what serves and why, on every instance',
        tags: ['keys'],
        params: slugParameter,
        querystring: z.strictObject({}),
        response: { 200: keyStatusView },
      },
    },
    async (request) => readKeyStatus(parts, await requireProvider(parts, request.params.slug)),
  );
}

/** A test is admitted at the moment when the provider would be asked, and ends when the caller leaves. */
function asking(request: FastifyRequest, reply: FastifyReply, limits: KeyTestLimits) {
  const { subject } = identityOf(request);
  return {
    signal: whenClientLeaves(reply),
    admit: async (slug: string) => limits.admit(subject, slug),
  };
}
