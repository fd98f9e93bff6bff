/** GET /api/v1/admin/usage: requests, tokens and cost by day, provider, model, token and key; …/hours: the last 24 hours. */
import { dayMs, dayOf } from '../../foundation/day.ts';
import { z } from 'zod';
import { KeywardError } from '../../foundation/errors.ts';
import { readUsage, usageGroups, type UsageGroup } from '../../usage/read-usage.ts';
import { readHours, toldHours } from '../../usage/usage-hours.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import type { TypedApp } from '../typed-app.ts';

const sum = z.object({
  day: z.string().nullable().describe('In UTC, as 2026-01-31; null where it is not asked for.'),
  provider: z.string().nullable(),
  model: z.string().nullable().describe('As the provider knows it; empty where the requests name none.'),
  token_id: z
    .int()
    .nullable()
    .describe(
      'The token of the caller; 0 for the one of the environment, and null where it is not asked for.',
    ),
  token_name: z.string().nullable(),
  key_fingerprint: z.string().nullable().describe('Identifies the provider key that served.'),
  requests: z.int(),
  errors: z.int().describe('Those of them that were answered with 400 or above, or broke off.'),
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  cached_tokens: z.int().describe('Of the prompts, those that the providers had cached.'),
  cost_usd: z.number().describe('Of the requests whose price is known.'),
  unpriced: z.int().describe('Requests that used tokens of a model whose price is not known.'),
  average_latency_ms: z.int(),
});

const usage = z.object({ from: z.string(), to: z.string(), usage: z.array(sum) });

const perHour = z.array(z.int()).length(toldHours);

const usageByHour = z.object({
  hours: z
    .array(z.iso.datetime())
    .length(toldHours)
    .describe('The beginnings of the last 24 hours, the oldest first; the last one goes on.'),
  providers: z
    .array(
      z.object({
        provider: z.string(),
        requests: perHour.describe('Answered requests, one number for each hour.'),
        errors: perHour.clone().describe('Those of them that were answered with 400 or above, or broke off.'),
      }),
    )
    .describe('By slug; a provider that was asked nothing is missing, and a deleted one too.'),
});

const longestDays = 400;

export function usageRoutes(app: TypedApp, { database, clock }: AdminApiParts): void {
  app.get(
    '/api/v1/admin/usage',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getUsage',
        summary: 'What was used: requests, tokens and cost, summed as you ask',
        tags: ['usage'],
        querystring: z.strictObject({
          from: z.iso.date().optional().describe('The first day, in UTC; thirty days back where absent.'),
          to: z.iso.date().optional().describe('The last day, in UTC; today where absent.'),
          by: z
            .string()
            .regex(/^[a-z]+(?:,[a-z]+)*$/)
            .default('day')
            .describe('What is told apart, separated by commas: day, provider, model, token, key.'),
          provider: z.string().max(100).optional().describe('Of this provider alone.'),
          token_id: z
            .string()
            .regex(/^\d{1,9}$/)
            .optional()
            .describe('Of this token alone; 0 for the one of the environment.'),
        }),
        response: { 200: usage.describe('The sums.') },
      },
    },
    async ({ query }) => {
      const { from, to } = daysOf(query, clock.now());
      const rows = await readUsage(database.kysely, {
        from,
        to,
        by: groupsIn(query.by),
        provider: query.provider,
        tokenId: query.token_id === undefined ? undefined : Number(query.token_id),
      });
      return {
        from,
        to,
        usage: rows.map((row) => ({
          day: row.day,
          provider: row.provider,
          model: row.model,
          token_id: row.tokenId,
          token_name: row.tokenName,
          key_fingerprint: row.keyFingerprint,
          requests: row.requests,
          errors: row.errors,
          prompt_tokens: row.promptTokens,
          completion_tokens: row.completionTokens,
          cached_tokens: row.cachedTokens,
          cost_usd: row.costUsd,
          unpriced: row.unpriced,
          average_latency_ms: row.averageLatencyMs,
        })),
      };
    },
  );

  app.get(
    '/api/v1/admin/usage/hours',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getUsageByHour',
        summary: 'The last 24 hours: requests and errors of each provider, hour by hour',
        tags: ['usage'],
        querystring: z.strictObject({}),
        response: { 200: usageByHour.describe('The hours.') },
      },
    },
    async () => {
      const { hours, providers } = await readHours(database.kysely, clock.now());
      return {
        hours: hours.map((hour) => hour.toISOString()),
        providers: providers.map(({ provider, requests, errors }) => ({
          provider,
          requests: [...requests],
          errors: [...errors],
        })),
      };
    },
  );
}

function daysOf(
  query: { from?: string | undefined; to?: string | undefined },
  now: Date,
): { from: string; to: string } {
  const to = query.to ?? dayOf(now);
  const from = query.from ?? dayOf(new Date(Date.parse(to) - 29 * dayMs));
  const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1;
  if (days < 1 || days > longestDays)
    throw new KeywardError('parameter_invalid', {
      message: `The days must be 1 to ${longestDays}, the first before the last.`,
      param: 'from',
    });
  return { from, to };
}

function groupsIn(text: string): UsageGroup[] {
  const groups = [...new Set(text.split(','))];
  const unknown = groups.filter((group) => !(usageGroups as readonly string[]).includes(group));
  if (unknown.length > 0)
    throw new KeywardError('parameter_invalid', {
      message: `by may hold ${usageGroups.join(', ')}.`,
      param: 'by',
    });
  return groups as UsageGroup[];
}
