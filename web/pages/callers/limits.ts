/** The limits of a gateway token: in a sentence, as a form has them, and what of a form is to be sent. */
import type { Token } from '../../api/views.ts';
import { sayAmount, sayUsd } from '../../parts/say-amount.ts';

export type Limits = Pick<
  Token,
  | 'owner'
  | 'allowed_providers'
  | 'allowed_models'
  | 'requests_per_minute'
  | 'tokens_per_minute'
  | 'daily_budget_usd'
  | 'monthly_budget_usd'
>;

export const noLimits: Limits = {
  owner: null,
  allowed_providers: null,
  allowed_models: null,
  requests_per_minute: null,
  tokens_per_minute: null,
  daily_budget_usd: null,
  monthly_budget_usd: null,
};

/** What fields hold; empty is no limit. */
export interface LimitForm {
  readonly owner: string;
  readonly allowed_providers: readonly string[];
  /** One a line. */
  readonly allowed_models: string;
  readonly requests_per_minute: number | string;
  readonly tokens_per_minute: number | string;
  readonly daily_budget_usd: number | string;
  readonly monthly_budget_usd: number | string;
}

export function limitFormOf(limits: Limits): LimitForm {
  return {
    owner: limits.owner ?? '',
    allowed_providers: limits.allowed_providers ?? [],
    allowed_models: (limits.allowed_models ?? []).join('\n'),
    requests_per_minute: limits.requests_per_minute ?? '',
    tokens_per_minute: limits.tokens_per_minute ?? '',
    daily_budget_usd: limits.daily_budget_usd ?? '',
    monthly_budget_usd: limits.monthly_budget_usd ?? '',
  };
}

/** Only what is another than it was: what is left out stays as somebody else may have set it meanwhile. */
export function limitChanges(form: LimitForm, before: Limits): Partial<Limits> {
  const now = limitsIn(form);
  const names = Object.keys(noLimits) as (keyof Limits)[];
  const changed = names.filter((name) => JSON.stringify(now[name]) !== JSON.stringify(before[name]));
  return Object.fromEntries(changed.map((name) => [name, now[name]]));
}

export function limitsIn(form: LimitForm): Limits {
  const owner = form.owner.trim();
  const models = form.allowed_models
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return {
    owner: owner === '' ? null : owner,
    allowed_providers: form.allowed_providers.length === 0 ? null : [...form.allowed_providers],
    allowed_models: models.length === 0 ? null : models,
    requests_per_minute: numberIn(form.requests_per_minute),
    tokens_per_minute: numberIn(form.tokens_per_minute),
    daily_budget_usd: numberIn(form.daily_budget_usd),
    monthly_budget_usd: numberIn(form.monthly_budget_usd),
  };
}

/** What is no number yet is the least of all limits and not none. */
function numberIn(entered: number | string): number | null {
  return entered === '' ? null : Number(entered) || 0;
}

/** The field that a fault of the server is about; `allowed_models.1` is about the second line of one. */
export function limitNamed(param: string | null): keyof Limits | undefined {
  return (Object.keys(noLimits) as (keyof Limits)[]).find((name) => name === param?.split('.')[0]);
}

const both = new Intl.ListFormat('en');
/** Of more of them the sentence would not be short. */
const mostNamed = 3;

/** `Only groq; 60 requests a minute; $5.00 a day`. Whose the token is stands elsewhere. */
export function sayLimits(limits: Omit<Limits, 'owner'>): string {
  const { requests_per_minute: requests, tokens_per_minute: tokens } = limits;
  const { daily_budget_usd: daily, monthly_budget_usd: monthly } = limits;
  const said = [
    only(limits.allowed_providers, 'providers'),
    only(limits.allowed_models, 'models'),
    requests !== null && `${sayAmount('requests', requests)} a minute`,
    tokens !== null && `${sayAmount('tokens', tokens)} a minute`,
    daily !== null && `${sayUsd(daily)} a day`,
    monthly !== null && `${sayUsd(monthly)} a month`,
  ].filter((part) => part !== false);
  const sentence = said.join('; ');
  return sentence === '' ? 'No limits' : sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

function only(names: readonly string[] | null, what: string): string | false {
  if (names === null) return false;
  const more = names.length - mostNamed;
  const told = more > 1 ? [...names.slice(0, mostNamed), `${more} more ${what}`] : names;
  return `only ${both.format(told)}`;
}
