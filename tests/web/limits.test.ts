/** The limits of a gateway token on the page: the sentence that tells them, and what of a form is sent. */
import { describe, expect, it } from 'vitest';
import {
  limitChanges,
  limitFormOf,
  limitNamed,
  noLimits,
  sayLimits,
} from '../../web/pages/callers/limits.ts';

describe('in a sentence', () => {
  it.each([
    ['none', {}, 'No limits'],
    ['a rate', { requests_per_minute: 60 }, '60 requests a minute'],
    [
      'the least rate',
      { requests_per_minute: 1, tokens_per_minute: 1 },
      '1 request a minute; 1 token a minute',
    ],
    ['budgets', { daily_budget_usd: 0.05, monthly_budget_usd: 1200 }, '$0.05 a day; $1,200.00 a month'],
    ['nothing to spend', { daily_budget_usd: 0 }, '$0.00 a day'],
    [
      'providers and models',
      { allowed_providers: ['groq', 'xai'], allowed_models: ['groq/*'] },
      'Only groq and xai; only groq/*',
    ],
    ['one more than are named', { allowed_providers: ['a', 'b', 'c', 'd'] }, 'Only a, b, c, and d'],
    [
      'many',
      { allowed_models: ['a/1', 'a/2', 'a/3', 'a/4', 'a/5'] },
      'Only a/1, a/2, a/3, and 2 more models',
    ],
  ])('%s', (_, limits, words) => {
    expect(sayLimits({ ...noLimits, ...limits })).toBe(words);
  });
});

describe('of a form', () => {
  const before = { ...noLimits, owner: 'ada', allowed_models: ['groq/*'], requests_per_minute: 60 };

  it('nothing is sent that is as it was, blanks and empty lines aside', () => {
    const form = { ...limitFormOf(before), owner: ' ada ', allowed_models: '\n groq/* \n\n' };
    expect(limitChanges(form, before)).toEqual({});
  });

  it('what was emptied is null, and what was entered is sent as it is', () => {
    const form = {
      ...limitFormOf(before),
      owner: '',
      allowed_providers: ['groq'],
      allowed_models: '',
      requests_per_minute: '',
      daily_budget_usd: '0.5',
    };
    expect(limitChanges(form, before)).toEqual({
      owner: null,
      allowed_providers: ['groq'],
      allowed_models: null,
      requests_per_minute: null,
      daily_budget_usd: 0.5,
    });
  });

  it('what is no number yet never takes a limit away', () => {
    expect(limitChanges({ ...limitFormOf(before), requests_per_minute: '.' }, before)).toEqual({
      requests_per_minute: 0,
    });
  });
});

it('a fault of one entry is that of its field, and one of another thing is of none', () => {
  expect(['allowed_models.1', 'owner', 'name', null].map((param) => limitNamed(param))).toEqual([
    'allowed_models',
    'owner',
    undefined,
    undefined,
  ]);
});
