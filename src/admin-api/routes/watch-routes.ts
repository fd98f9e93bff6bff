/** The health of the keys, their daily tests, and the policy of their age. */
import { dayOf } from '../../foundation/day.ts';
import { z } from 'zod';
import { refuseSecrets, shownPolicy } from '../../alerts/refuse-secrets.ts';
import { KeywardError } from '../../foundation/errors.ts';
import { askForTests } from '../../keys/health/ask-tests.ts';
import { listDailyTests } from '../../keys/health/daily-tests.ts';
import { mostTestsInMonth } from '../../keys/health/daily-due.ts';
import { changePolicy, readPolicy } from '../../keys/health/policy-store.ts';
import { readHealth } from '../../keys/health/read-health.ts';
import {
  viewDailyTest,
  viewHealthReport,
  viewPolicy,
  viewProviderHealth,
} from '../../keys/health/view-health.ts';
import { plainText } from '../../keys/provider-rules.ts';
import { identityOf, occasionOf } from '../admission.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { settle, waitParameter, writtenFields } from '../applied.ts';
import { dailyTestView, healthReportView, policyView, providerHealthView } from '../health-view.ts';
import { knownSecretsOf } from '../known-secrets-of.ts';
import type { KeyTestLimits } from '../key-test-limits.ts';
import { reason, slugParameter } from '../query-values.ts';
import { requireProvider } from '../require-provider.ts';
import type { TypedApp } from '../typed-app.ts';
import { preconditionOf } from '../write-headers.ts';

const dayLimit = z.int().min(1).max(3_650);
const policyTakes = ['If-Match', 'Idempotency-Key'] as const;
const policyWritten = z.object({ policy: policyView, ...writtenFields });
const waiting = z.strictObject({ wait: waitParameter });

export function watchRoutes(app: TypedApp, parts: AdminApiParts, limits: KeyTestLimits): void {
  healthOfKeys(app, parts);
  dailyTests(app, parts, limits);
  policies(app, parts);
}

function healthOfKeys(app: TypedApp, parts: AdminApiParts): void {
  app.get(
    '/api/v1/admin/health',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getHealth',
        summary: 'How the keys stand: health, age, dates, and what is coming',
        description: 'By the environment of the instance that answers. Nobody is asked.',
        tags: ['health'],
        querystring: z.strictObject({}),
        response: { 200: healthReportView.describe('How the keys stand.') },
      },
    },
    async () => viewHealthReport(await readHealth(parts)),
  );

  app.get(
    '/api/v1/admin/providers/:slug/health',
    {
      config: { access: 'viewer', refusals: ['provider_not_found'] },
      schema: {
        operationId: 'getProviderHealth',
        summary: 'How the key of a provider stands',
        tags: ['health'],
        params: slugParameter,
        querystring: z.strictObject({}),
        response: { 200: providerHealthView.describe('How the key stands.') },
      },
    },
    async (request) => {
      const { provider_slug: slug } = await requireProvider(parts, request.params.slug);
      const { providers } = await readHealth(parts, { slug });
      const [found] = providers;
      if (found === undefined) {
        throw new KeywardError('provider_not_found', {
          message: `${slug} is not active: nothing watches its key.`,
        });
      }
      return viewProviderHealth(found);
    },
  );
}

function dailyTests(app: TypedApp, parts: AdminApiParts, limits: KeyTestLimits): void {
  const tests = '/api/v1/admin/health/tests';
  const list = z.object({ data: z.array(dailyTestView) });

  app.get(
    tests,
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listDailyTests',
        summary: 'The daily tests of today, or since a day: waiting, running, done or missed',
        tags: ['health'],
        querystring: z.strictObject({
          since: z.iso
            .date('must be a day such as 2026-03-29')
            .optional()
            .describe('The first day, in UTC; at most 90 days are kept. Today where absent.'),
        }),
        response: { 200: list.describe('Oldest day first, by provider.') },
      },
    },
    async (request) => {
      const { since = dayOf(parts.clock.now()) } = request.query;
      const found = await listDailyTests(parts.database.kysely, since);
      return { data: found.map((one) => viewDailyTest(one)) };
    },
  );

  app.post(
    `${tests}/run`,
    {
      config: {
        access: 'admin',
        takes: ['Idempotency-Key'],
        refusals: ['provider_not_found', 'key_tests_limited'],
      },
      schema: {
        operationId: 'runDailyTests',
        summary: 'Run the daily tests now, also those that are done today',
        description:
          'Answers at once: an instance runs them within seconds, and `GET /api/v1/admin/health/tests` shows how far they are. Spends no tokens. Counts as one of the 10 tests a minute.',
        tags: ['health'],
        body: z
          .strictObject({
            providers: z
              .array(plainText(100).min(1))
              .min(1)
              .max(1_000)
              .optional()
              .describe('Slugs; absent: all active providers that a key serves.'),
            reason,
          })
          .nullable(),
        response: { 200: list.describe('The tests of today.') },
      },
    },
    async (request) => {
      const { kysely } = parts.database;
      const occasion = occasionOf(request, request.body?.reason);
      const asked = request.body?.providers;
      for (const slug of asked ?? []) await requireProvider(parts, slug);
      await limits.admitOf(identityOf(request).subject);
      const { providers } = await readHealth(parts);
      const served = providers.flatMap(({ slug, fingerprint }) => (fingerprint === null ? [] : [slug]));
      await askForTests(parts, occasion, asked ?? served);
      parts.watch.wake();
      const found = await listDailyTests(kysely, dayOf(parts.clock.now()));
      return { data: found.map((one) => viewDailyTest(one)) };
    },
  );
}

function policies(app: TypedApp, parts: AdminApiParts): void {
  const policy = '/api/v1/admin/providers/:slug/key-policy';

  app.get(
    policy,
    {
      config: { access: 'viewer', refusals: ['provider_not_found'] },
      schema: {
        operationId: 'getKeyPolicy',
        summary: 'How old the key of a provider may grow, and whose it is',
        tags: ['health'],
        params: slugParameter,
        querystring: z.strictObject({}),
        response: { 200: policyView.describe('The policy.') },
      },
    },
    async (request) => {
      const row = await requireProvider(parts, request.params.slug);
      return viewPolicy(await readPolicy(parts.database.kysely, row.id));
    },
  );

  app.put(
    policy,
    {
      config: {
        access: 'admin',
        takes: policyTakes,
        refusals: ['provider_not_found', 'field_invalid'],
      },
      schema: {
        operationId: 'setKeyPolicy',
        summary: 'Say how old the key of a provider may grow, and whose it is',
        description:
          'What is absent stays as it is; null is the default, or nobody. Of days that are not named those follow that would be out of order.',
        tags: ['health'],
        params: slugParameter,
        querystring: waiting,
        body: z
          .strictObject({
            ageing_days: dayLimit.nullable().optional().describe('75 where nobody said.'),
            due_days: dayLimit.nullable().optional().describe('90 where nobody said.'),
            overdue_days: dayLimit.nullable().optional().describe('120 where nobody said.'),
            owner: plainText(300).nullable().optional().describe('A person or a team, in words.'),
            probe: z
              .strictObject({
                model: plainText(300).min(1).optional().describe('As the provider knows it.'),
                monthly_calls: z
                  .int()
                  .min(1)
                  .max(mostTestsInMonth)
                  .optional()
                  .describe(
                    'No more of these calls are made in a month, over all instances; 31 where nobody said.',
                  ),
              })
              .nullable()
              .optional()
              .describe('The daily test also makes a chat of one token, which is spent; null: it does not.'),
            reason,
          })
          .meta({ examples: [{ due_days: 60, owner: 'the platform team' }] }),
        response: { 200: policyWritten.describe('Set.') },
      },
    },
    async (request) => {
      const { slug } = request.params;
      const body = request.body;
      await requireProvider(parts, slug);
      await refuseSecrets(knownSecretsOf(parts), shownPolicy(body.owner, body.probe?.model));
      const { policy: written, revision } = await changePolicy(
        parts,
        occasionOf(request, body.reason),
        slug,
        {
          ageingDays: body.ageing_days,
          dueDays: body.due_days,
          overdueDays: body.overdue_days,
          owner: body.owner,
          probe: body.probe && { model: body.probe.model, monthlyCalls: body.probe.monthly_calls },
          ...(await preconditionOf(request, parts.database)),
        },
      );
      return { policy: viewPolicy(written), ...(await settle(parts, revision, request.query.wait)) };
    },
  );

  app.post(
    `${policy}/snooze`,
    {
      config: {
        access: 'admin',
        takes: policyTakes,
        refusals: ['provider_not_found', 'reason_required'],
      },
      schema: {
        operationId: 'snoozeKeyAge',
        summary: 'Let the age of a key warn nobody for some days',
        description: 'Its end and a cut-off warn all the same: they stop callers. Needs a reason.',
        tags: ['health'],
        params: slugParameter,
        querystring: waiting,
        body: z.strictObject({
          days: z.int().min(0).max(365).describe('From now on; 0: it warns again.'),
          reason,
        }),
        response: { 200: policyWritten.describe('Snoozed.') },
      },
    },
    async (request) => {
      const { slug } = request.params;
      const { days: snoozeDays, reason: why } = request.body;
      await requireProvider(parts, slug);
      const { policy: written, revision } = await changePolicy(parts, occasionOf(request, why), slug, {
        snoozeDays,
        ...(await preconditionOf(request, parts.database)),
      });
      return { policy: viewPolicy(written), ...(await settle(parts, revision, request.query.wait)) };
    },
  );
}
