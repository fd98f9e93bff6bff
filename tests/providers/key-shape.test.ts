import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/foundation/secret.ts';
import { describeKeyShape } from '../../src/providers/key-shape.ts';
import { knownProviders, providerEntry } from '../../src/providers/registry.ts';

/** Obviously fake, and of the shape that each provider gives its keys. */
const fakeKeys: Readonly<Record<string, string>> = {
  openai: ['sk', 'proj', 'fake1'.repeat(20)].join('-'),
  anthropic: ['sk', 'ant', 'api03', `${'f'.repeat(93)}AA`].join('-'),
  google: `AIza${'fake1'.repeat(7)}`,
  openrouter: ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-'),
  together: ['tgp', 'v1', 'f'.repeat(43)].join('_'),
  groq: ['gsk', 'Fake'.repeat(13)].join('_'),
  fireworks: ['fw', 'Fake'.repeat(5)].join('_'),
  mistral: 'Fake'.repeat(8),
  xai: ['xai', 'Fake1'.repeat(16)].join('-'),
  deepseek: ['sk', 'fa4e'.repeat(8)].join('-'),
  perplexity: ['pplx', 'Fake'.repeat(12)].join('-'),
  cohere: 'Fake1'.repeat(8),
};

const fakeKey = (slug: string): string => fakeKeys[slug] ?? '';
const describeFor = (slug: string, key: string) => describeKeyShape(providerEntry(slug), new Secret(key));

describe('a key of the usual shape', () => {
  test.each(knownProviders)('fits $displayName', (entry) => {
    expect(describeFor(entry.slug, fakeKey(entry.slug))).toEqual({ fits: true });
  });

  test.each([
    ['openai', ['sk', 'svcacct', 'fake1'.repeat(20)].join('-')],
    ['openai', ['sk', 'service', 'fake1'.repeat(20)].join('-')],
    ['openai', `sk-${'f'.repeat(20)}T3BlbkFJ${'f'.repeat(20)}`],
    ['google', `AQ.${'Fake1'.repeat(8)}`],
  ])('fits %s in its other forms too', (slug, key) => {
    expect(describeFor(slug, key)).toEqual({ fits: true });
  });

  test('fits an unknown provider whatever it is', () => {
    expect(describeFor('some-other', 'anything-at-all')).toEqual({ fits: true });
  });
});

describe("another provider's key", () => {
  test.each([
    ['openai', 'anthropic', 'Anthropic'],
    ['openai', 'openrouter', 'OpenRouter'],
    ['openai', 'deepseek', 'DeepSeek'],
    ['deepseek', 'openai', 'OpenAI'],
    ['deepseek', 'anthropic', 'Anthropic'],
    ['anthropic', 'openai', 'OpenAI'],
    ['openrouter', 'groq', 'Groq'],
    ['mistral', 'google', 'Google AI'],
    ['some-other', 'perplexity', 'Perplexity'],
  ])('in the place of %s is named, but not refused', (slug, owner, name) => {
    const report = describeFor(slug, fakeKey(owner));
    expect(report).toMatchObject({
      fits: false,
      warning: expect.stringContaining(`a key of ${name}`) as string,
    });
    expect(report.refusal).toBeUndefined();
  });

  test('is known by its beginning even when the rest is new', () => {
    expect(describeFor('openai', ['sk', 'ant', 'api99', 'short'].join('-')).warning).toBeDefined();
    expect(describeFor('groq', ['sk', 'or', 'v9', 'short'].join('-')).warning).not.toContain('DeepSeek');
  });

  test('of a service that Keyward does not know is named as well', () => {
    expect(describeFor('openai', ['hf', 'Fake'.repeat(9)].join('_')).warning).toContain('Hugging Face');
  });
});

describe('an unusual key', () => {
  test('is taken with a warning: shapes change', () => {
    const report = describeFor('groq', 'quite-new-shape-of-2027');
    expect(report.warning).toContain('begin with gsk_');
    expect(report.refusal).toBeUndefined();
  });

  test('that begins rightly is asked to be checked for being whole', () => {
    expect(describeFor('openrouter', ['sk', 'or', 'v1', 'fa4e'].join('-')).warning).toContain('copied whole');
  });
});

describe('what cannot be a provider key is refused', () => {
  const good = fakeKey('openrouter');

  test.each([
    ['nothing', '', 'empty'],
    ['more than 4096 characters', 'k'.repeat(4097), 'longer than 4096'],
    ['the placeholder of an example', '<your-key-here>', 'placeholder'],
    ['another one', 'your-api-key', 'placeholder'],
    ['one of the right shape', ['sk', 'or', 'v1', 'x'.repeat(64)].join('-'), 'placeholder'],
    ['white space', ' \t ', 'white space'],
    ['a trailing line break', `${good}\n`, 'white space at its beginning or end'],
    ['a line break inside', `${good}\n${good}`, 'line break'],
    ['white space inside', `${good.slice(0, 20)} ${good.slice(20)}`, 'white space inside'],
    ['a mask with an ellipsis', 'sk-or-v…4567', 'masked'],
    ['a mask with stars', 'sk-or-v***4567', 'masked'],
    ['a mask with dots', 'sk-or-v...4567', 'masked'],
    ['a mask with bullets', 'sk-or-v••••4567', 'masked'],
    ['the word Bearer', `Bearer ${good}`, 'Bearer'],
    ['a whole header', `Authorization: Bearer ${good}`, 'Bearer'],
    ['quotation marks', `"${good}"`, 'quotation marks'],
    ['a quotation mark left behind', `${good}'`, 'quotation marks'],
    ['typographic quotation marks', `\u201C${good}\u201D`, 'quotation marks'],
    ['a line of an environment file', `OPENROUTER_API_KEY=${good}`, 'environment file'],
    ['a web address', 'https://openrouter.ai/settings/keys', 'web address'],
    ['a NUL', `${good}\0`, 'control character'],
    ['a zero-width space', `${good.slice(0, 9)}\u200B${good.slice(9)}`, 'plain ASCII'],
    ['a letter with an accent', `${good}é`, 'plain ASCII'],
    ['a Fernet token', `gAAAAAB${'Fake-_01'.repeat(15)}=`, 'Fernet'],
    ['an OpenAI admin key', ['sk', 'admin', 'fake1'.repeat(9)].join('-'), 'OpenAI admin key'],
    ['an Anthropic admin key', ['sk', 'ant', 'admin01', 'fake1'.repeat(9)].join('-'), 'Anthropic admin key'],
  ])('%s', (_what, key, reason) => {
    const report = describeFor('openrouter', key);
    expect(report).toMatchObject({ fits: false, refusal: expect.stringContaining(reason) as string });
  });

  test.each([
    ['OpenAI', ['sk', 'admin', 'fake1'.repeat(9)].join('-'), 'project key'],
    ['Anthropic', ['sk', 'ant', 'admin01', `${'f'.repeat(93)}AA`].join('-'), 'API key (sk-ant-api03-'],
  ])('an admin key of %s, at every provider, with what to take instead', (_owner, key, instead) => {
    for (const { slug } of [...knownProviders, providerEntry('some-other')]) {
      expect(describeFor(slug, key).refusal, slug).toContain(instead);
    }
  });

  test('a key of exactly 4096 characters is not', () => {
    expect(describeFor('some-other', 'k'.repeat(4096)).refusal).toBeUndefined();
  });
});

const spoilt = (key: string) => [key, `${key}\n`, `"${key}"`, `Bearer ${key}`, `X_API_KEY=${key}`, `${key}é`];

test('no sentence ever holds a part of the key', () => {
  for (const { slug } of [...knownProviders, providerEntry('some-other')]) {
    for (const key of Object.values(fakeKeys)) {
      for (const text of spoilt(key)) {
        expect(JSON.stringify(describeFor(slug, text))).not.toContain(key.slice(10, 22));
      }
    }
  }
});
