/** What a provider tells for free: read where it stands, of the form that is expected, and fit to be shown. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/foundation/secret.ts';
import { type KeyFacts, keyFactsJson, noFacts } from '../../src/providers/key-facts.ts';
import { readFacts, toldNothing } from '../../src/providers/read-facts.ts';
import { knownProviders, providerEntry } from '../../src/providers/registry.ts';
import { corpusSlugs } from '../support/corpus.ts';

const text = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
const key = new Secret(text);

function told(slug: string, body: unknown, status = 200): ReturnType<typeof readFacts> {
  return readFacts(providerEntry(slug), { status, body: JSON.stringify(body) }, key);
}

function openrouter(data: Readonly<Record<string, unknown>>): KeyFacts {
  return told('openrouter', { data }).facts;
}

describe('an amount', () => {
  test.each([
    [0, 0],
    [-0.2, -0.2],
    [1e21, 1e21],
    ['8.76', 8.76],
    ['-3', -3],
    ['', null],
    ['1e9', null],
    ['$5', null],
    ['1'.repeat(400), null],
    [null, null],
    [true, null],
    [['5'], null],
  ])('of %j is read as %j', (limit, limitUsd) => {
    expect(openrouter({ limit }).limitUsd).toBe(limitUsd);
  });

  test('that no number can hold is not told, and an infinite one neither', () => {
    const body = '{"data":{"limit":1e999,"usage":-1e999}}';
    const { facts } = readFacts(providerEntry('openrouter'), { status: 200, body }, key);
    expect(facts).toEqual(noFacts);
  });

  test('in another currency is not taken for dollars', () => {
    const balance_infos = [
      { currency: 'CNY', total_balance: '110.00' },
      { currency: 'USD', total_balance: '3.50' },
    ];
    expect(told('deepseek', { balance_infos }).facts.remainingUsd).toBe(3.5);
    expect(told('deepseek', { balance_infos: balance_infos.slice(0, 1) }).facts.remainingUsd).toBeNull();
  });
});

describe('an end', () => {
  test.each([
    ['2027-12-31T23:59:59Z', '2027-12-31T23:59:59.000Z'],
    ['2027-12-31T23:59:59.123456Z', '2027-12-31T23:59:59.123Z'],
    ['2027-12-31T23:59:59+02:00', '2027-12-31T21:59:59.000Z'],
    ['2027-12-31T23:59:59', '2027-12-31T23:59:59.000Z'],
    ['2027-13-31T23:59:59Z', null],
    ['tomorrow', null],
    ['1', null],
    [1_830_297_599, null],
    [null, null],
  ])('of %j is read as %j, in UTC', (expires_at, read) => {
    expect(openrouter({ expires_at }).expiresAt?.toISOString() ?? null).toBe(read);
  });
});

describe('a text', () => {
  test('is told without the tested key, and one that was nothing else is not told', () => {
    expect(openrouter({ label: `gateway ${text}` }).name).toBe('gateway [redacted]');
    expect(openrouter({ label: text }).name).toBeNull();
  });

  test.each([
    ['sk-or-v1-0e6...1c9', 'sk-or-v1-…1c9'],
    ['sk-or-v1-0e6...81c96', 'sk-or-v1-…1c96'],
    ['sk-or-v1-0e6…1c96', 'sk-or-v1-…1c96'],
    ['sk-or-v1-***********1c96', 'sk-or-v1-…1c96'],
    [`sk-or-v1-${'0e6a'.repeat(15)}...1c96`, 'sk-or-v1-…1c96'],
    [`sk-or-v1-0e6...${'1c96'.repeat(15)}`, null],
    ['for the gateway ...', 'for the gateway ...'],
  ])('that is a mask, %s, is told as no more than %s', (label, name) => {
    expect(openrouter({ label }).name).toBe(name);
  });

  test('is one line that cannot steer a terminal, of at most 200 characters', () => {
    expect(openrouter({ label: ' a\u001B[31m\r\nb\u202Ec\u0000 ' }).name).toBe('a [31m b c');
    expect(openrouter({ label: 'name '.repeat(100) }).name).toHaveLength(200);
  });

  test('that is longer than anybody reads is not told at all', () => {
    expect(openrouter({ label: 'x '.repeat(20_000) }).name).toBeNull();
  });

  test('in a list is told without what is none, and a list without end is cut', () => {
    const { facts } = told('xai', { acls: ['api-key:model:*', 7, null, { a: text }, text] });
    expect(facts.permissions).toEqual(['api-key:model:*']);
    const many = Array.from({ length: 1000 }, (_, at) => `api-key:model:m${at}`);
    expect(told('xai', { acls: many }).facts.permissions).toHaveLength(50);
  });
});

describe('the number of models', () => {
  test.each([
    ['openai', { data: [{}, {}, {}] }, 3],
    ['together', [{}, {}], 2],
    ['together', { data: [{}] }, 1],
    ['some-other', [{}], 1],
    ['anthropic', { data: [{}, {}], has_more: false }, 2],
    ['anthropic', { data: [{}, {}], has_more: true }, null],
    ['google', { models: [{}], nextPageToken: 'x' }, null],
    ['openrouter', { data: { usage: 1 } }, null],
    ['openai', { data: 'many' }, null],
  ])('%s: %j → %j', (slug, body, count) => {
    expect(told(slug, body).modelsAvailable).toBe(count);
  });
});

test('an answer other than 200 tells nothing', () => {
  for (const status of [201, 302, 400, 401, 500]) {
    expect(told('openrouter', { data: { usage: 1, limit: 2 } }, status)).toEqual(toldNothing);
    expect(told('openai', { data: [{}] }, status)).toEqual(toldNothing);
  }
});

test('whatever a provider sends, nothing breaks, and what is told has the form that it should', () => {
  const paths = new Set(
    knownProviders
      .flatMap(({ facts }) => Object.values(facts ?? {}))
      .flatMap((path) => (typeof path === 'string' ? path.split('.') : [path.list, path.where, path.path])),
  );
  const names = fc.oneof(fc.constantFrom(...paths, 'data', 'models', '__proto__'), fc.string());
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue(),
      fc.constantFrom(text, 'USD', '2027-12-31T23:59:59Z', '1.5'),
      fc.dictionary(names, tie('tree')),
      fc.array(tie('tree')),
    ),
  }));
  fc.assert(
    fc.property(fc.constantFrom(...corpusSlugs), tree, (slug, body) => {
      const { modelsAvailable, facts } = told(slug, body);
      expect(modelsAvailable === null || Number.isInteger(modelsAvailable)).toBe(true);
      const json = JSON.stringify(keyFactsJson(facts));
      expect(json).not.toContain('fa4efa4e');
      expect(json.length).toBeLessThan(50 * 110 + 5 * 300);
      for (const amount of [facts.limitUsd, facts.remainingUsd, facts.usageUsd])
        expect(amount === null || Number.isFinite(amount)).toBe(true);
    }),
  );
});
