/** Names that stand for models: the exact one first, then the longest beginning, and no way round. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelAliases } from '../../src/keys/model-aliases.ts';

const namesProvider = (model: string): boolean => /^(?:groq|openai)\/./.test(model);

function aliases(all: Readonly<Record<string, readonly string[]>>): ModelAliases {
  return new ModelAliases(Object.entries(all).map(([alias, targets]) => ({ alias, targets })));
}

const known = aliases({
  fast: ['groq/llama', 'openai/mini'],
  'gpt-*': ['openai/gpt-*', 'groq/llama'],
  'gpt-4*': ['openai/large*'],
  'gpt-4': ['openai/four'],
  smart: ['gpt-4', 'fast', 'openai/four'],
  'team/*': ['*'],
});

describe('an alias', () => {
  it.each([
    ['itself before any beginning', 'gpt-4', ['openai/four']],
    ['the longest beginning', 'gpt-4o', ['openai/largeo']],
    ['a shorter beginning, with the rest in its place', 'gpt-3', ['openai/gpt-3', 'groq/llama']],
    ['a beginning with nothing after it', 'gpt-', ['openai/gpt-', 'groq/llama']],
    ['other aliases, and each model once', 'smart', ['openai/four', 'groq/llama', 'openai/mini']],
    ['what is an alias with the rest in its place', 'team/fast', ['groq/llama', 'openai/mini']],
  ])('is found by %s', (_what, model, targets) => {
    expect(known.targetsOf(model, namesProvider)).toEqual(targets);
  });

  it('is nothing that names a provider, and nothing that nobody has set', () => {
    expect(aliases({ 'groq/*': ['openai/x'] }).targetsOf('groq/llama', namesProvider)).toBeNull();
    expect(known.targetsOf('llama', namesProvider)).toBeNull();
  });

  it.each([
    ['itself', { a: ['a'] }, 'The alias "a" leads to itself: "a" → "a".'],
    ['itself by another', { a: ['b'], b: ['a'] }, 'The alias "a" leads to itself: "a" → "b" → "a".'],
    ['its own beginning', { 'a-*': ['a-*'] }, 'The alias "a-*" leads to itself: "a-*" → "a-*".'],
    [
      'more than three others',
      { a: ['b'], b: ['c'], c: ['d'], d: ['groq/x'] },
      'The aliases "a" → "b" → "c" → "d" lead to each other more than 3 deep.',
    ],
  ])('that leads to %s is at fault', (_what, all, sentence) => {
    expect(aliases(all).fault(namesProvider)).toBe(sentence);
  });

  it('that leads to a provider is not, whatever begins like it', () => {
    expect(aliases({ '*': ['groq/*'] }).fault(namesProvider)).toBeNull();
  });

  it('leads nowhere by a * that stands for nothing and leaves a provider without a model', () => {
    const some = aliases({ 'ab*': ['groq/*', 'openai/gpt-*'], a: ['groq/*'], '*': ['groq/x'] });
    expect(some.targetsOf('ab', namesProvider)).toEqual(['openai/gpt-']);
    expect(some.targetsOf('a', namesProvider)).toBeNull();
    expect(some.targetsOf('abc', namesProvider)).toEqual(['groq/c', 'openai/gpt-c']);
  });

  it('ends, whatever was written past the checks, and where the checks let it through ends at providers', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'a*', 'ab*', '*');
    const target = fc.constantFrom('a', 'b', 'c', 'a*', 'ab', 'b*', '*', 'groq/*', 'groq/x', 'openai/y');
    const table = fc.dictionary(name, fc.array(target, { minLength: 1, maxLength: 3 }), { maxKeys: 5 });
    fc.assert(
      fc.property(table, fc.constantFrom('a', 'b', 'c', 'ab', 'abc'), (all, model) => {
        const some = aliases(all);
        const targets = some.targetsOf(model, namesProvider);
        expect((targets ?? []).length).toBeLessThanOrEqual(6);
        if (targets === null || some.fault(namesProvider) !== null) return;
        const aliasLeft = targets.find((one) => some.targetsOf(one, namesProvider) !== null);
        expect(aliasLeft).toBeUndefined();
      }),
      { numRuns: 20_000 },
    );
  });
});
