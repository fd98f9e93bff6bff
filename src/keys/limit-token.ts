/** What an administrator may set as limits of a gateway token, for the API and for commands: a provider in them exists. */
import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { LimitChanges } from '../auth/token-limits.ts';
import type { Tables } from '../database/tables.ts';
import { KeywardError } from '../foundation/errors.ts';
import { holdsNoSecret, plainText } from './provider-rules.ts';
import { readProviders } from './provider-store.ts';

const noSecret = 'must not hold secrets: it is shown to everybody who looks';
const mostEntries = 200;
const most = 2_000_000_000;

const owner = plainText(255).trim().min(1, 'must not be empty').refine(holdsNoSecret, noSecret);
const provider = plainText(100).min(1, 'must hold slugs').refine(holdsNoSecret, noSecret);
const model = plainText(300)
  .regex(/^(?:[^\s/]+\/\S+|\*\S*)$/, 'must hold models as provider/model, with * for any text')
  .refine(holdsNoSecret, noSecret);
const perMinute = z.int(`must be a whole number`).min(1, 'must be at least 1').max(most);
/** As the column holds it: up to a million, to a millionth. */
const budget = z
  .number('must be a number of USD')
  .min(0, 'must not be negative')
  .max(999_999, 'must be at most 999999');
const listOf = <Entry extends z.ZodType>(entry: Entry) =>
  z.array(entry).min(1, 'must hold at least one, or be null for all').max(mostEntries);

/** Each may be left out, and null is no limit. */
export const limitFields = {
  owner: owner
    .nullish()
    .describe(
      'The user whose token it is, as `user_api_keys.user_id` names them: their own keys come first.',
    ),
  allowed_providers: listOf(provider).nullish().describe('Slugs of providers; null: all.'),
  allowed_models: listOf(model)
    .nullish()
    .describe('Models as `provider/model`, with * for any text; null: all.')
    .meta({ examples: [['openrouter/google/*', 'groq/llama-3.3-70b-versatile']] }),
  requests_per_minute: perMinute.nullish().describe('Null: no limit.'),
  tokens_per_minute: perMinute.nullish().describe('Tokens of prompts and answers together; null: no limit.'),
  daily_budget_usd: budget.nullish().describe('Of a day in UTC; null: no limit.'),
  monthly_budget_usd: budget.nullish().describe('Of a month in UTC; null: no limit.'),
};

const limits = z.object(limitFields);

export const limitNames = Object.keys(limitFields) as (keyof typeof limitFields)[];

export function limitsIn(said: z.output<typeof limits>): LimitChanges {
  return {
    owner: said.owner,
    allowedProviders: said.allowed_providers,
    allowedModels: said.allowed_models,
    requestsPerMinute: said.requests_per_minute,
    tokensPerMinute: said.tokens_per_minute,
    dailyBudgetUsd: said.daily_budget_usd,
    monthlyBudgetUsd: said.monthly_budget_usd,
  };
}

/** @throws KeywardError field_invalid (400), which names the providers that there are */
export async function refuseUnknownProviders(
  db: Kysely<Tables>,
  { allowedProviders }: LimitChanges,
): Promise<void> {
  if (!allowedProviders) return;
  const known = (await readProviders(db)).map(({ provider_slug }) => provider_slug);
  const unknown = allowedProviders.filter((slug) => !known.includes(slug));
  if (unknown.length === 0) return;
  throw new KeywardError('field_invalid', {
    message: `There is no provider ${unknown.map((slug) => `"${slug}"`).join(', ')}. Known here: ${known.join(', ')}. Nothing was changed.`,
    param: 'allowed_providers',
  });
}

/** Limits as somebody entered them elsewhere than in a body. @returns a sentence where they are none */
export function readLimits(entered: Readonly<Record<string, unknown>>): LimitChanges | string {
  const read = limits.safeParse(entered);
  if (read.success) return limitsIn(read.data);
  const [issue] = read.error.issues;
  return `${String(issue?.path[0])} ${issue?.message}.`;
}
