import { calcPrice } from '@pydantic/genai-prices';
import { describe, expect, test } from 'vitest';
import { costOf } from '../../src/usage/price.ts';
import { knownProviders } from '../../src/providers/registry.ts';

const tokens = { prompt: 1_000_000, completion: 1_000_000, cached: 500_000, isEstimate: false };
const at = new Date('2026-06-01T00:00:00Z');
const known = { provider: 'openai', model: 'gpt-4o-mini', at };

const models: Record<string, string> = {
  openai: 'gpt-4o-mini',
  anthropic: 'claude-3-5-haiku-latest',
  google: 'gemini-2.0-flash',
  openrouter: 'google/gemini-flash-1.5',
  together: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
  groq: 'llama-3.3-70b-versatile',
  fireworks: 'accounts/fireworks/models/deepseek-v3p2',
  mistral: 'mistral-small-latest',
  xai: 'grok-3',
  deepseek: 'deepseek-chat',
  perplexity: 'sonar',
  cohere: 'command-r-plus',
};

describe('the cost of tokens', () => {
  test('is what an administrator wrote into llm_models, with its own price for what was cached', () => {
    expect(costOf(tokens, known, { input: 2, output: 8, cached: 0.5 })).toEqual({
      inputUsd: 1.25,
      outputUsd: 8,
    });
    expect(costOf(tokens, known, { input: 2, output: 8, cached: null })).toEqual({
      inputUsd: 2,
      outputUsd: 8,
    });
  });

  test('is else the price list of the package, also where half of an own price is missing', () => {
    // https://openai.com/api/pricing: 0.15, cached 0.075, output 0.60 USD for a million.
    const listed = {
      inputUsd: expect.closeTo(0.1125, 6) as number,
      outputUsd: expect.closeTo(0.6, 6) as number,
    };
    expect(costOf(tokens, known, undefined)).toEqual(listed);
    expect(costOf(tokens, known, { input: 2, output: null, cached: null })).toEqual(listed);
  });

  test('is not guessed for a model that nobody knows', () => {
    expect(costOf(tokens, { ...known, model: 'nothing-such' }, undefined)).toBeNull();
    expect(costOf(tokens, { ...known, provider: 'our-llm' }, undefined)).toBeNull();
  });

  test('is known for some model of every provider that Keyward knows', () => {
    const unpriced = knownProviders.filter(
      ({ slug }) => costOf(tokens, { provider: slug, model: models[slug] ?? '', at }, undefined) === null,
    );
    expect(unpriced.map(({ slug }) => slug)).toEqual([]);
  });

  test('is by the same entry of the list whenever it is asked for, at the price of that time', () => {
    const tokens = { prompt: 300_000, completion: 1_000, cached: 0, isEstimate: false };
    const usage = { input_tokens: tokens.prompt, cache_read_tokens: 0, output_tokens: tokens.completion };
    const names = [
      ...Object.entries(models),
      ['openai', 'gpt-4o-2024-08-06'],
      ['xai', 'grok-4'],
      ['openai', 'none'],
    ];
    for (const [provider = '', model = ''] of names)
      for (const at of [new Date('2024-10-01'), new Date('2026-06-01T12:00:00Z'), new Date('2026-11-01')]) {
        const price = calcPrice(usage, model, { providerId: provider, timestamp: at });
        const expected = price && { inputUsd: price.input_price, outputUsd: price.output_price };
        for (let turn = 0; turn < 2; turn += 1)
          expect([model, costOf(tokens, { provider, model, at }, undefined)]).toEqual([model, expected]);
      }
  });
});
