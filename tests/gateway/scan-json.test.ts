/** What is JSON, and where it stops being it: the scanner against JSON.parse, which makes a value of every text. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonFault, scanJson } from '../../src/gateway/scan-json.ts';
import { jsonObjectText, memberText } from '../support/json-text.ts';

/** Where the first fault is, or null where there is none. */
function faultIn(text: string): number | null {
  try {
    scanJson(Buffer.from(text), () => undefined);
    return null;
  } catch (error) {
    if (error instanceof JsonFault) return error.at;
    throw error;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function members(text: string): [string, string][] {
  const bytes = Buffer.from(text);
  const found: [string, string][] = [];
  scanJson(bytes, (nameStart, nameEnd, valueStart) => {
    found.push([
      bytes.toString('utf8', nameStart, nameEnd),
      bytes.toString('utf8', valueStart, valueStart + 1),
    ]);
  });
  return found;
}

/** The characters that JSON is made of, and some that it is not. */
const pieces = fc.oneof(
  fc.constantFrom(...Array.from('{}[],:"\\-+.eE0159 utrfn/\n\t')),
  fc.constantFrom('true', 'false', 'null', '"a"', '"b":', '1e5', '-0', '\\u00e9', '\\ud83d'),
  fc.constantFrom('é', '😀', '\0', '\x1f', '\x7f', '\u2028', '\ufeff', '\xa0'),
);

describe('a text is JSON exactly where JSON.parse takes it:', () => {
  test('pieces of JSON in any order', () => {
    let good = 0;
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const text = parts.join('');
        const expected = isJson(text);
        if (expected) good += 1;
        expect([text, faultIn(text) === null]).toEqual([text, expected]);
      }),
      { numRuns: 20_000 },
    );
    expect(good).toBeGreaterThan(100);
  });

  test('good JSON in every spelling', () => {
    fc.assert(
      fc.property(memberText, (text) => {
        expect(faultIn(text)).toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  test('good JSON of which one piece is taken away, put in or replaced', () => {
    fc.assert(
      fc.property(
        memberText,
        fc.nat(),
        fc.nat({ max: 2 }),
        fc.oneof(pieces, fc.constant('')),
        (good, where, cut, put) => {
          const at = where % (good.length + 1);
          const text = good.slice(0, at) + put + good.slice(at + cut);
          expect([text, faultIn(text) === null]).toEqual([text, isJson(text)]);
        },
      ),
      { numRuns: 10_000 },
    );
  });

  test.each([
    '01',
    '-',
    '+1',
    '1.',
    '.5',
    '1e',
    '1e+',
    '0x1',
    '1_0',
    'Infinity',
    '- 1',
    '1 2',
    "'a'",
    '"\t"',
    '"\\x41"',
    '"\\u12g4"',
    '"\\',
    '[1,]',
    '[,]',
    '{,}',
    '{"a":1,}',
    '{"a"}',
    '{a:1}',
    '{"a" 1}',
    '[1}',
    '{"a":1]',
    ']',
    '[]]',
    'nul',
    'nulll',
    '/**/1',
    '',
  ])('%j is none', (text) => {
    expect(isJson(text)).toBe(false);
    expect(faultIn(text)).not.toBeNull();
  });
});

test.each([
  ['{"a":tru}', 8],
  ['{"é":x}', 6],
  ['{"a":1} x', 8],
  ['["a\n"]', 3],
  ['[1,]', 3],
  ['{"a":"b', 7],
  ['', 0],
])('the fault of %j is told by its byte', (text, at) => {
  expect(faultIn(text)).toBe(at);
});

describe('a member of the top level', () => {
  test('is told in its order with the place of its value, and nothing deeper', () => {
    expect(members(' { "a" : [{"x":1}] ,"\\u0062":{"y":{"z":2}}, "a":"c"}')).toEqual([
      ['"a"', '['],
      ['"\\u0062"', '{'],
      ['"a"', '"'],
    ]);
    expect(members('[{"a":1}]')).toEqual([]);
  });

  test('is told for each name that JSON.parse reads', () => {
    fc.assert(
      fc.property(jsonObjectText({ avoiding: '__proto__' }), ({ before, after }) => {
        const text = `${before}"last":0${after}`;
        const names = members(text).map(([name]) => JSON.parse(name) as string);
        expect([...new Set(names)].toSorted()).toEqual(Object.keys(JSON.parse(text) as object).toSorted());
      }),
    );
  });
});
