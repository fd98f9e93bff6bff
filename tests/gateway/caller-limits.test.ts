/** Rates and budgets of a token, by the minute, the day and the month of UTC. */
import { describe, expect, test } from 'vitest';
import type { Caller, TokenLimits } from '../../src/auth/authenticate.ts';
import { TokenUsage } from '../../src/auth/token-usage.ts';
import { KeywardError } from '../../src/foundation/errors.ts';
import { createLogger } from '../../src/foundation/logger.ts';
import { CallerLimits } from '../../src/gateway/caller-limits.ts';
import { unlimited } from '../support/limited-tokens.ts';
import { manualClock } from '../support/manual-clock.ts';

const log = createLogger({ level: 'error', format: 'json', scrub: (line) => line, write: () => undefined });

/** Never started, so that the database is never asked. */
function limitsAt(start: string) {
  const clock = manualClock(new Date(start));
  const usage = new TokenUsage({
    db: undefined as never,
    clock,
    log,
    readSpending: async () => [],
  });
  const limits = new CallerLimits(usage, clock);
  const of = (changes: Partial<TokenLimits>): Caller => {
    const limited = caller(changes);
    usage.follow(new Map([['its hash', { untilMs: Infinity, caller: limited }]]));
    return limited;
  };
  return { clock, limits, usage, of };
}

const caller = (changes: Partial<TokenLimits>) => ({
  tokenId: 7,
  name: 'an application',
  limits: { ...unlimited, ...changes },
});

function refusal(act: () => void): readonly [string, number | null] | null {
  try {
    act();
    return null;
  } catch (error) {
    if (!(error instanceof KeywardError)) throw error;
    return [error.code, error.retryAfterSeconds];
  }
}

describe('a token', () => {
  test('without limits is neither counted nor told anything', () => {
    const { limits } = limitsAt('2026-03-01T09:00:00Z');
    const free = { tokenId: 0, name: 'anybody', limits: null };
    expect(refusal(() => limits.admit(free))).toBeNull();
    expect(limits.headers(free)).toEqual({});
    expect(limits.headers(caller({ owner: 'somebody' }))).toEqual({});
  });

  test('may call as often as its row says, and again in the next minute', () => {
    const { limits, clock, of } = limitsAt('2026-03-01T09:00:10Z');
    const two = of({ requestsPerMinute: 2 });
    const asked = () => refusal(() => limits.admit(two));
    expect([asked(), asked(), asked(), asked()]).toEqual([
      null,
      null,
      ['caller_rate_limited', 50],
      ['caller_rate_limited', 50],
    ]);
    expect(limits.headers(two)).toEqual({
      'x-ratelimit-limit-requests': '2',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '50s',
    });
    clock.pass(50_000);
    expect(limits.headers(two)).toMatchObject({
      'x-ratelimit-remaining-requests': '2',
      'x-ratelimit-reset-requests': '1m0s',
    });
    expect(asked()).toBeNull();
  });

  test('may go on while tokens are left, and not after', () => {
    const { limits, clock, usage, of } = limitsAt('2026-03-01T09:00:59.500Z');
    const some = of({ tokensPerMinute: 100 });
    usage.used(some, { tokens: 99, costUsd: 0 });
    expect(refusal(() => limits.admit(some))).toBeNull();
    usage.used(some, { tokens: 50, costUsd: 0 });
    expect(refusal(() => limits.admit(some))).toEqual(['caller_rate_limited', 1]);
    expect(limits.headers(some)).toEqual({
      'x-ratelimit-limit-tokens': '100',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '1s',
    });
    clock.pass(500);
    expect(refusal(() => limits.admit(some))).toBeNull();
  });

  test('may spend its budget of a day and of a month, and more when either is renewed', () => {
    const { limits, clock, usage, of } = limitsAt('2026-02-27T23:00:00Z');
    const spender = of({ dailyBudgetUsd: 1, monthlyBudgetUsd: 1.5 });
    usage.used(spender, { tokens: 10, costUsd: 0.999 });
    expect(refusal(() => limits.admit(spender))).toBeNull();
    usage.used(spender, { tokens: 10, costUsd: 0.001 });
    expect(refusal(() => limits.admit(spender))).toEqual(['budget_exhausted', 3_600]);
    clock.pass(3_600_000);
    expect(refusal(() => limits.admit(spender))).toBeNull();
    usage.used(spender, { tokens: 10, costUsd: 0.5 });
    expect(refusal(() => limits.admit(spender))).toEqual(['budget_exhausted', 24 * 3_600]);
    clock.pass(24 * 3_600_000);
    expect(refusal(() => limits.admit(spender))).toBeNull();
  });

  test('with a budget of nothing may spend nothing', () => {
    const { limits, of } = limitsAt('2026-12-31T23:59:00Z');
    expect(refusal(() => limits.admit(of({ monthlyBudgetUsd: 0 })))).toEqual(['budget_exhausted', 60]);
  });

  test('is refused without being counted', () => {
    const { limits, of } = limitsAt('2026-03-01T09:00:00Z');
    const poor = of({ requestsPerMinute: 5, dailyBudgetUsd: 0 });
    refusal(() => limits.admit(poor));
    expect(limits.headers(poor)).toMatchObject({ 'x-ratelimit-remaining-requests': '5' });
  });
});
