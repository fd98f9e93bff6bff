/** The limits of a gateway token as options of a command: each says one, and "none" takes it away. */
import type { Command } from 'commander';
import type { LimitChanges } from '../auth/token-limits.ts';
import { UsageError } from '../foundation/errors.ts';
import { readLimits } from '../keys/limit-token.ts';

export interface LimitOptions {
  readonly owner?: string;
  readonly providers?: string;
  readonly models?: string;
  readonly requestsPerMinute?: string;
  readonly tokensPerMinute?: string;
  readonly dailyBudget?: string;
  readonly monthlyBudget?: string;
}

export function withLimits(command: Command): Command {
  return command
    .option('--owner <user>', 'whose gateway token it is, as user_api_keys names them')
    .option('--providers <slugs>', 'what a gateway token may use: groq,openrouter')
    .option('--models <models>', 'the same of models: openrouter/google/*,groq/llama-3')
    .option('--requests-per-minute <number>', 'how many requests it may send')
    .option('--tokens-per-minute <number>', 'how many tokens it may use, of prompts and answers together')
    .option('--daily-budget <usd>', 'what it may spend in a day, in UTC')
    .option('--monthly-budget <usd>', 'what it may spend in a month, in UTC');
}

/**
 * @returns null where none is said
 * @throws UsageError with exit code 2
 */
export function limitsFrom(options: LimitOptions): LimitChanges | null {
  const entered = {
    owner: valueOf(options.owner, (text) => text),
    allowed_providers: valueOf(options.providers, listIn),
    allowed_models: valueOf(options.models, listIn),
    requests_per_minute: valueOf(options.requestsPerMinute, numberIn),
    tokens_per_minute: valueOf(options.tokensPerMinute, numberIn),
    daily_budget_usd: valueOf(options.dailyBudget, numberIn),
    monthly_budget_usd: valueOf(options.monthlyBudget, numberIn),
  };
  if (Object.values(entered).every((value) => value === undefined)) return null;
  const read = readLimits(entered);
  if (typeof read === 'string') throw new UsageError(`Nothing was changed: ${read}`, { exitCode: 2 });
  return read;
}

function valueOf<Value>(text: string | undefined, read: (text: string) => Value): Value | null | undefined {
  return text === undefined ? undefined : text === 'none' ? null : read(text);
}

function listIn(text: string): string[] {
  return text.split(',').map((entry) => entry.trim());
}

/** What is no number is shown to the rules as it is. */
function numberIn(text: string): number | string {
  return /^\d{1,9}(?:\.\d{1,6})?$/.test(text) ? Number(text) : text;
}
