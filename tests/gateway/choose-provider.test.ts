import { describe, expect, test } from 'vitest';
import { chooseTarget } from '../../src/gateway/choose-provider.ts';
import { servedProvider, snapshotOf } from '../support/snapshot-parts.ts';

const snapshot = snapshotOf(
  [
    servedProvider('openrouter'),
    servedProvider('groq'),
    servedProvider('keyless', {
      resolution: {
        key: null,
        source: null,
        fallback: null,
        reason: 'the source is hybrid, no key is stored and KEYLESS_API_KEY is not set',
        problem: null,
        isProvenDead: false,
        standby: null,
      },
    }),
    servedProvider('corrupt', {
      resolution: {
        key: null,
        source: null,
        fallback: null,
        reason: 'the stored key cannot be used: it does not decrypt',
        problem: 'it does not decrypt',
        isProvenDead: false,
        standby: null,
      },
    }),
    servedProvider('astray', { upstream: { problem: 'base_url is not a URL' } }),
  ],
  { 'llama-3': 'groq', 'meta/llama-3': 'groq', 'openrouter/auto': 'groq', orphan: 'gone' },
);

const chosen = (model: string, defaultProvider?: string) => {
  const target = chooseTarget(snapshot, model, { wire: 'compatible', defaultProvider });
  return [target.provider.slug, target.model];
};

describe('the provider and the model', () => {
  test.each([
    ['a provider and its model', 'groq/llama-3', ['groq', 'llama-3']],
    [
      'a model that has slashes of its own',
      'openrouter/google/gemini-flash-1.5',
      ['openrouter', 'google/gemini-flash-1.5'],
    ],
    ['a model that only the provider knows', 'groq/unheard-of', ['groq', 'unheard-of']],
    ['a bare model of the database', 'llama-3', ['groq', 'llama-3']],
    ['a model of the database with a slash', 'meta/llama-3', ['groq', 'meta/llama-3']],
    ['a provider, though a model of the database is named alike', 'openrouter/auto', ['openrouter', 'auto']],
  ])('are found for %s', (_what, model, expected) => {
    expect(chosen(model)).toEqual(expected);
  });

  test('a bare unknown model goes to the default provider as it is', () => {
    expect(chosen('gpt-x', 'openrouter')).toEqual(['openrouter', 'gpt-x']);
  });

  test('the default provider does not outrank the database', () => {
    expect(chosen('llama-3', 'openrouter')).toEqual(['groq', 'llama-3']);
  });

  test('a model of a provider that is not there goes to the default provider', () => {
    expect(chosen('orphan', 'openrouter')).toEqual(['openrouter', 'orphan']);
  });

  test('carry the key, its source and the address of that provider', () => {
    const target = chooseTarget(snapshot, 'groq/llama-3', { wire: 'compatible', defaultProvider: undefined });
    expect(target.key.reveal()).toBe('key of groq');
    expect(target).toMatchObject({ source: 'database', upstream: { basePath: '/v1' } });
  });
});

describe('a refusal', () => {
  test.each([
    [
      'an unknown provider',
      'nobody/model',
      undefined,
      'provider_not_found',
      /no provider "nobody".*openrouter, groq/,
    ],
    [
      'an unknown provider, although there is a default',
      'nobody/model',
      'groq',
      'provider_not_found',
      /"nobody"/,
    ],
    ['a slug in other letters', 'Groq/llama-3', undefined, 'provider_not_found', /"Groq"/],
    ['a bare unknown model', 'gpt-x', undefined, 'model_not_found', /"gpt-x".*provider\/model/],
    ['a bare unknown model where the default is not there', 'gpt-x', 'gone', 'model_not_found', /"gpt-x"/],
    ['a provider without a model', 'groq/', undefined, 'model_not_found', /provider\/model/],
    ['a model without a provider', '/llama-3', undefined, 'model_not_found', /provider\/model/],
    [
      'a provider without a key',
      'keyless/m',
      undefined,
      'provider_key_missing',
      /"keyless".*no key is stored and KEYLESS_API_KEY is not set/,
    ],
    [
      'a provider with a corrupt key',
      'corrupt/m',
      undefined,
      'provider_unusable',
      /"corrupt".*does not decrypt/,
    ],
    [
      'a provider with a broken address',
      'astray/m',
      undefined,
      'provider_unusable',
      /"astray".*base_url is not a URL/,
    ],
    ['names of the prototype', '__proto__/m', undefined, 'provider_not_found', /"__proto__"/],
  ])('is given for %s', (_what, model, defaultProvider, code, message) => {
    expect(() => chooseTarget(snapshot, model, { wire: 'compatible', defaultProvider })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  test('repeats no control characters and no endless names', () => {
    const name = `\u001b[31m\r\n${'x'.repeat(500)}`;
    expect(() => chooseTarget(snapshot, name, { wire: 'compatible', defaultProvider: undefined })).toThrow(
      /^[\x20-\x7e…]{0,250}$/,
    );
  });
});
