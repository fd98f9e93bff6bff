/** Which models a token may use, by the patterns of its row. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mayUse } from '../../src/gateway/caller-permission.ts';
import { unlimited } from '../support/limited-tokens.ts';

const models = (...allowedModels: string[]) => ({ ...unlimited, allowedModels });

describe('a token may use', () => {
  test.each([
    ['the model that is named', ['groq/llama-3'], 'groq', 'llama-3', true],
    ['no other', ['groq/llama-3'], 'groq', 'llama-3.1', false],
    ['the same model of no other provider', ['groq/llama-3'], 'openrouter', 'llama-3', false],
    ['what begins so', ['openrouter/meta/*'], 'openrouter', 'meta/llama', true],
    ['what ends so', ['*-mini'], 'openai', 'gpt-x-mini', true],
    ['what has it in the middle', ['openai/*mini*'], 'openai', 'gpt-mini-2', true],
    ['nothing that has the parts in another order', ['*/a*b'], 'x', 'ba', false],
    ['nothing whose beginning and end overlap', ['groq/aba*ba'], 'groq', 'aba', false],
    ['whatever is sent to a provider that is allowed whole', ['groq/*'], 'groq', '', true],
    ['nothing without a model where only some are allowed', ['groq/llama-3', 'groq/l*'], 'groq', '', false],
    ['what letters of expressions stand for themselves in', ['groq/a.c'], 'groq', 'abc', false],
  ])('%s', (_what, patterns, slug, model, expected) => {
    expect(mayUse(models(...patterns), slug, model)).toBe(expected);
  });

  test('everything where nothing is named, and nothing where the list is empty', () => {
    expect(mayUse(null, 'groq', 'm')).toBe(true);
    expect(mayUse(unlimited, 'groq', 'm')).toBe(true);
    expect(mayUse({ ...unlimited, allowedProviders: [] }, 'groq', 'm')).toBe(false);
    expect(mayUse(models(), 'groq', 'm')).toBe(false);
  });

  test('nothing of another provider, whatever its models are', () => {
    const limits = { ...models('*'), allowedProviders: ['groq'] };
    expect([mayUse(limits, 'groq', 'm'), mayUse(limits, 'openai', 'm')]).toEqual([true, false]);
  });

  test('what the pattern says as an expression would, whatever both are', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
    const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    fc.assert(
      fc.property(text, name, (pattern, model) => {
        const expression = new RegExp(`^x/${pattern.replaceAll('*', '.*')}$`);
        expect(mayUse(models(`x/${pattern}`), 'x', model)).toBe(expression.test(`x/${model}`));
      }),
    );
  });
});
