/** What the page makes of the sums of the usage: days without a call among them, one total, amounts in words. */
import type { UsageSum } from '../../api/views.ts';
import type { UsageShown } from '../../router.tsx';

export type Amounts = Pick<
  UsageSum,
  'requests' | 'errors' | 'prompt_tokens' | 'completion_tokens' | 'cached_tokens' | 'cost_usd' | 'unpriced'
>;

export type DaySum = Amounts & { readonly day: string };

const nothing: Amounts = {
  requests: 0,
  errors: 0,
  prompt_tokens: 0,
  completion_tokens: 0,
  cached_tokens: 0,
  cost_usd: 0,
  unpriced: 0,
};

const dayMs = 86_400_000;

/** Every day of them, oldest first, those without a call too. @param from and `to`, as `2026-03-29` */
export function everyDay(sums: readonly UsageSum[], from: string, to: string): DaySum[] {
  const known = new Map(sums.map((sum) => [sum.day, sum]));
  const days: DaySum[] = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += dayMs) {
    const day = new Date(at).toISOString().slice(0, 10);
    days.push({ ...nothing, ...known.get(day), day });
  }
  return days;
}

export function totalOf(sums: readonly Amounts[]): Amounts {
  const names = Object.keys(nothing) as (keyof Amounts)[];
  const added = names.map((name) => [name, sums.reduce((sum, one) => sum + one[name], 0)] as const);
  return { ...nothing, ...Object.fromEntries(added) };
}

type Measure = NonNullable<UsageShown['measure']>;

export const measureNames: Readonly<Record<Measure, string>> = {
  requests: 'Requests',
  tokens: 'Tokens',
  cost: 'Cost',
};

export function amountOf(measure: Measure, sum: Amounts): number {
  if (measure === 'requests') return sum.requests;
  return measure === 'cost' ? sum.cost_usd : tokensOf(sum);
}

export function tokensOf({ prompt_tokens: prompt, completion_tokens: completion }: Amounts): number {
  return prompt + completion;
}

/** @param id 0 for the token of the environment. @param name null where it is gone */
export function nameOfToken(id: number, name: string | null): string {
  return id === 0 ? 'The token of the environment' : (name ?? `Token ${id}`);
}

const dayWords = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** `29 Mar`. */
export function sayDay(day: string): string {
  return dayWords.format(new Date(day));
}
