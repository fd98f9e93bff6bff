/**
 * How often a gateway token may call, and for how much. Asked before a call goes out, and answered from memory; the
 * error of the counts across instances is stated in docs/gateway.md.
 */
import type { Caller } from '../auth/authenticate.ts';
import type { TokenUsage } from '../auth/token-usage.ts';
import type { Clock } from '../foundation/clock.ts';
import { KeywardError } from '../foundation/errors.ts';

export class CallerLimits {
  readonly #usage: TokenUsage;
  readonly #clock: Clock;

  constructor(usage: TokenUsage, clock: Clock) {
    this.#usage = usage;
    this.#clock = clock;
  }

  /**
   * Counts a request that may go on.
   * @throws KeywardError budget_exhausted, caller_rate_limited (429); then it is not counted
   */
  admit(caller: Caller): void {
    const { limits, tokenId } = caller;
    if (limits === null) return;
    const now = this.#clock.now();
    const { dayUsd, monthUsd } = this.#usage.spent(tokenId);
    refuseSpent('monthly', limits.monthlyBudgetUsd, monthUsd, { now, until: nextMonth(now) });
    refuseSpent('daily', limits.dailyBudgetUsd, dayUsd, { now, until: nextDay(now) });
    const used = this.#usage.inMinute(tokenId);
    refuseFrequent('requests', limits.requestsPerMinute, used.requests, now);
    refuseFrequent('tokens', limits.tokensPerMinute, used.tokens, now);
    this.#usage.countRequest(caller);
  }

  /** What is left of this minute, as OpenAI says it; nothing for a caller without such limits. */
  headers({ limits, tokenId }: Caller): Readonly<Record<string, string>> {
    if (limits === null) return {};
    const { requestsPerMinute, tokensPerMinute } = limits;
    if (requestsPerMinute === null && tokensPerMinute === null) return {};
    const used = this.#usage.inMinute(tokenId);
    const seconds = secondsUntil(nextMinute(this.#clock.now()), this.#clock.now());
    const reset = seconds === 60 ? '1m0s' : `${seconds}s`;
    return {
      ...headersOf('requests', requestsPerMinute, used.requests, reset),
      ...headersOf('tokens', tokensPerMinute, used.tokens, reset),
    };
  }
}

/** https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers */
function headersOf(
  of: 'requests' | 'tokens',
  limit: number | null,
  used: number,
  reset: string,
): Readonly<Record<string, string>> {
  if (limit === null) return {};
  return {
    [`x-ratelimit-limit-${of}`]: String(limit),
    [`x-ratelimit-remaining-${of}`]: String(Math.max(limit - used, 0)),
    [`x-ratelimit-reset-${of}`]: reset,
  };
}

function refuseSpent(
  span: 'daily' | 'monthly',
  budgetUsd: number | null,
  spentUsd: number,
  { now, until }: { now: Date; until: Date },
): void {
  if (budgetUsd === null || spentUsd < budgetUsd) return;
  throw new KeywardError('budget_exhausted', {
    message: `The ${span} budget of this token, ${budgetUsd} USD, is spent. It is renewed at ${until.toISOString().slice(0, 16)}Z.`,
    retryAfterSeconds: secondsUntil(until, now),
  });
}

function refuseFrequent(of: 'requests' | 'tokens', limit: number | null, used: number, now: Date): void {
  if (limit === null || used < limit) return;
  throw new KeywardError('caller_rate_limited', {
    message: `This token may use ${limit} ${of} a minute, and they are used.`,
    retryAfterSeconds: secondsUntil(nextMinute(now), now),
  });
}

function nextMinute(now: Date): Date {
  return new Date((Math.floor(now.getTime() / 60_000) + 1) * 60_000);
}

function nextDay(now: Date): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1));
}

function nextMonth(now: Date): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
}

function secondsUntil(then: Date, now: Date): number {
  return Math.max(1, Math.ceil((then.getTime() - now.getTime()) / 1_000));
}
