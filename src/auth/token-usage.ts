/**
 * What gateway tokens with limits have used, as far as this instance knows: of this minute what all instances have
 * told each other and what it has counted itself, of this day and month what they have spent. Asking and counting
 * cost a look-up in memory; telling goes on beside.
 */
import type { Kysely } from 'kysely';
import { RecurringWork } from '../foundation/recurring-work.ts';
import type { Tables } from '../database/tables.ts';
import type { Clock } from '../foundation/clock.ts';
import { dayOf } from '../foundation/day.ts';
import type { Logger } from '../foundation/logger.ts';
import type { Caller, GoodTokens, TokenLimits } from './authenticate.ts';
import { clearMinutes, exchangeMinute } from './token-usage-store.ts';

export interface TokenUsageParts {
  readonly db: Kysely<Tables>;
  /** Those of all instances should agree to a second, as clocks that NTP sets do. */
  readonly clock: Clock;
  readonly log: Logger;
  /** What these tokens have spent on the day (as 2027-01-31, UTC) and in its month; one that has spent nothing may be missing. */
  readonly readSpending: (tokenIds: readonly number[], day: string) => Promise<readonly Spending[]>;
}

interface Spending extends Spent {
  readonly tokenId: number;
}

export interface UsedInMinute {
  readonly requests: number;
  readonly tokens: number;
}

export interface Spent {
  readonly dayUsd: number;
  /** With that of the day. */
  readonly monthUsd: number;
}

/** What calls have used: tokens when the answer is finished, costs when they stand in the usage by day. */
interface CallUsage {
  /** Of prompt and answer together. */
  readonly tokens?: number;
  readonly costUsd?: number;
}

interface Counts {
  requests: number;
  tokens: number;
}

interface Minute {
  /** As the database had it the last time. */
  shared: UsedInMinute;
  /** On its way there. */
  telling: UsedInMinute;
  own: Counts;
}

interface Purse {
  day: string;
  dayUsd: number;
  monthUsd: number;
}

const exchangeMs = 1_000;
const readSpendingMs = 30_000;
const longestWaitMs = 5_000;
const keptMinutes = 10;
const nothing: UsedInMinute = { requests: 0, tokens: 0 };

export class TokenUsage {
  readonly #parts: TokenUsageParts;
  readonly #exchanging: RecurringWork;
  readonly #reading: RecurringWork;
  /** Tokens with limits of each kind. */
  #rated: ReadonlySet<number> = new Set();
  #budgeted: ReadonlySet<number> = new Set();
  /** Since 1970; of which `#minutes` holds the counts. */
  #minute = 0;
  readonly #minutes = new Map<number, Minute>();
  /** In which minute older counts were cleared last. */
  #clearedAt = 0;
  readonly #purses = new Map<number, Purse>();
  #started = false;

  constructor(parts: TokenUsageParts) {
    this.#parts = parts;
    const work = (run: () => Promise<void>, everyMs: number): RecurringWork =>
      new RecurringWork({
        run,
        everyMs,
        pauseMs: Math.min(everyMs, exchangeMs),
        longestWaitMs,
        onFailed: (error) => parts.log.debug({ err: error }, 'what tokens have used cannot be told yet'),
        onRecovered: () => undefined,
      });
    this.#exchanging = work(async () => this.exchange(), exchangeMs);
    this.#reading = work(async () => this.readSpending(), readSpendingMs);
  }

  /** Ends when all is known that the database knows, or when it does not answer. */
  async start(): Promise<void> {
    await Promise.all([this.exchange(), this.readSpending()]).catch(() => undefined);
    this.#started = true;
    this.#exchanging.wake();
    this.#reading.wake();
  }

  /** @param databaseAnswers false: nothing is told any more */
  async stop(databaseAnswers: boolean): Promise<void> {
    await this.#exchanging.stop();
    await this.#reading.stop();
    if (databaseAnswers && this.#started) await this.exchange().catch(() => undefined);
  }

  /** Takes the limits from here on from these tokens. */
  follow(good: GoodTokens): void {
    const before = { rated: this.#rated, budgeted: this.#budgeted };
    this.#rated = idsOf(good, isRated);
    this.#budgeted = idsOf(good, isBudgeted);
    for (const id of this.#purses.keys()) if (!this.#budgeted.has(id)) this.#purses.delete(id);
    if (!this.#started) return;
    if (holdsMore(this.#rated, before.rated)) this.#exchanging.wake();
    if (holdsMore(this.#budgeted, before.budgeted)) this.#reading.wake();
  }

  /** Of the minute that is running, by UTC. */
  inMinute(tokenId: number): UsedInMinute {
    this.#turn();
    const minute = this.#minutes.get(tokenId);
    if (minute === undefined) return nothing;
    const { shared, telling, own } = minute;
    return {
      requests: shared.requests + telling.requests + own.requests,
      tokens: shared.tokens + telling.tokens + own.tokens,
    };
  }

  /** Of the day and the month that are running, by UTC. */
  spent(tokenId: number): Spent {
    return this.#purse(tokenId);
  }

  countRequest({ tokenId, limits }: Caller): void {
    if (limits !== null && isRated(limits)) this.#ownOf(tokenId).requests += 1;
  }

  /** To be told once of each; of a token without limits it is nothing. */
  used({ tokenId }: Pick<Caller, 'tokenId'>, { tokens = 0, costUsd = 0 }: CallUsage): void {
    if (this.#rated.has(tokenId)) this.#ownOf(tokenId).tokens += tokens;
    if (!this.#budgeted.has(tokenId)) return;
    const purse = this.#purse(tokenId);
    purse.dayUsd += costUsd;
    purse.monthUsd += costUsd;
  }

  /** Tells the other instances what was counted here, and hears what they have. */
  async exchange(): Promise<void> {
    if (this.#rated.size === 0) return;
    this.#turn();
    const minute = this.#minute;
    const { db } = this.#parts;
    const telling = [...this.#minutes].filter(([, { own }]) => own.requests > 0 || own.tokens > 0);
    for (const [, counts] of telling) {
      counts.telling = counts.own;
      counts.own = { requests: 0, tokens: 0 };
    }
    try {
      const known = await exchangeMinute(
        db,
        minute,
        telling.map(([tokenId, counts]) => ({ tokenId, ...counts.telling })),
      );
      if (this.#minute === minute) for (const count of known) this.#minuteOf(count.tokenId).shared = count;
      for (const [, counts] of telling) counts.telling = nothing;
    } catch (error) {
      for (const [, counts] of telling) {
        counts.own.requests += counts.telling.requests;
        counts.own.tokens += counts.telling.tokens;
        counts.telling = nothing;
      }
      throw error;
    }
    if (minute === this.#clearedAt) return;
    await clearMinutes(db, minute - keptMinutes);
    this.#clearedAt = minute;
  }

  /** Looks up what the tokens with budgets have spent. */
  async readSpending(): Promise<void> {
    if (this.#budgeted.size === 0) return;
    const day = this.#today();
    const before = new Map([...this.#budgeted].map((tokenId) => [tokenId, { ...this.#purse(tokenId) }]));
    for (const { tokenId, ...read } of await this.#parts.readSpending([...this.#budgeted], day)) {
      const [purse, known] = [this.#purse(tokenId), before.get(tokenId)];
      if (purse.day !== day || known === undefined) continue;
      // What was told meanwhile may be in it or not: the next reading has it once.
      purse.dayUsd += read.dayUsd - known.dayUsd;
      purse.monthUsd += read.monthUsd - known.monthUsd;
    }
  }

  /** What was counted in the minute before is of no use to anybody. */
  #turn(): void {
    const minute = Math.floor(this.#parts.clock.now().getTime() / 60_000);
    if (minute === this.#minute) return;
    this.#minute = minute;
    this.#minutes.clear();
  }

  #minuteOf(tokenId: number): Minute {
    const known = this.#minutes.get(tokenId);
    if (known !== undefined) return known;
    const fresh = { shared: nothing, telling: nothing, own: { requests: 0, tokens: 0 } };
    this.#minutes.set(tokenId, fresh);
    return fresh;
  }

  #ownOf(tokenId: number): Counts {
    this.#turn();
    return this.#minuteOf(tokenId).own;
  }

  #today(): string {
    return dayOf(this.#parts.clock.now());
  }

  #purse(tokenId: number): Purse {
    const day = this.#today();
    const known = this.#purses.get(tokenId);
    if (known?.day === day) return known;
    const sameMonth = known !== undefined && known.day.slice(0, 7) === day.slice(0, 7);
    const fresh = { day, dayUsd: 0, monthUsd: sameMonth ? known.monthUsd : 0 };
    this.#purses.set(tokenId, fresh);
    return fresh;
  }
}

function idsOf(good: GoodTokens, has: (limits: TokenLimits) => boolean): ReadonlySet<number> {
  const callers = Array.from(good.values(), ({ caller }) => caller);
  return new Set(
    callers.filter(({ limits }) => limits !== null && has(limits)).map(({ tokenId }) => tokenId),
  );
}

function isRated({ requestsPerMinute, tokensPerMinute }: TokenLimits): boolean {
  return requestsPerMinute !== null || tokensPerMinute !== null;
}

function isBudgeted({ dailyBudgetUsd, monthlyBudgetUsd }: TokenLimits): boolean {
  return dailyBudgetUsd !== null || monthlyBudgetUsd !== null;
}

function holdsMore(ids: ReadonlySet<number>, before: ReadonlySet<number>): boolean {
  return [...ids].some((id) => !before.has(id));
}
