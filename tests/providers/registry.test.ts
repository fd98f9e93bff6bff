import { describe, expect, test } from 'vitest';
import { knownProviders, providerEntry } from '../../src/providers/registry.ts';

describe('the registry', () => {
  test('knows the twelve providers by slug, name and base URL', () => {
    expect(Object.fromEntries(knownProviders.map((entry) => [entry.slug, entry.baseUrl]))).toEqual({
      openai: 'https://api.openai.com/v1',
      anthropic: 'https://api.anthropic.com/v1',
      google: 'https://generativelanguage.googleapis.com/v1beta/openai',
      openrouter: 'https://openrouter.ai/api/v1',
      together: 'https://api.together.xyz/v1',
      groq: 'https://api.groq.com/openai/v1',
      fireworks: 'https://api.fireworks.ai/inference/v1',
      mistral: 'https://api.mistral.ai/v1',
      xai: 'https://api.x.ai/v1',
      deepseek: 'https://api.deepseek.com/v1',
      perplexity: 'https://api.perplexity.ai',
      cohere: 'https://api.cohere.ai/compatibility/v1',
    });
  });

  test('sends every key as Bearer on the OpenAI-compatible path', () => {
    expect(new Set(knownProviders.map(({ keyHeader }) => keyHeader.name + ': ' + keyHeader.prefix))).toEqual(
      new Set(['authorization: Bearer ']),
    );
  });

  test.each(['unheard-of', '', '__proto__', 'constructor', 'OpenAI'])(
    'gives a generic entry for the slug "%s"',
    (slug) => {
      const entry = providerEntry(slug);
      expect(entry).toMatchObject({ slug, displayName: slug, test: { method: 'GET', path: '/models' } });
      expect(entry.baseUrl).toBeUndefined();
    },
  );

  test('finds each known provider by its slug', () => {
    expect(knownProviders.map((entry) => providerEntry(entry.slug))).toEqual(knownProviders);
  });
});
