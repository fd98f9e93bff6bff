/** A field that stands twice is found wherever it stands, and nothing else is taken for one. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { duplicateField } from '../../src/admin-api/duplicate-field.ts';

it.each([
  ['{"a":1,"a":2}', 'a'],
  ['{"a":1,"b":{"c":1,"d":2,"c":3}}', 'c'],
  ['[{"a":1},{"b":[{"x":1,"x":2}]}]', 'x'],
  ['{"a":{"b":1},"c":[1,{"b":2}],"a":3}', 'a'],
  [String.raw`{"api_key":"x","api\u005fkey":"y"}`, 'api_key'],
  [String.raw`{"\"":1 , "\"" : 2}`, '"'],
  ['{"":1,"":2}', ''],
  ['{"a"\n:\t1,"a"\r\n:2}', 'a'],
])('%s', (text, name) => {
  expect(duplicateField(text)).toBe(name);
});

it.each([
  '{"a":"a","b":"a"}',
  '{"a":{"a":{"a":1}},"b":["a","a"]}',
  '[{"a":1},{"a":2}]',
  String.raw`{"a":"\",\"a\":","b":"{\"a\":1,\"a\":2}"}`,
  String.raw`{"a":"\\","b":"\\\" : "}`,
  '{"a":1,"A":2}',
  '"a"',
  '7',
])('%s has none', (text) => {
  expect(duplicateField(text)).toBeUndefined();
});

it('what JSON.stringify writes never has one, and with a field put in again it always has', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (object) => {
      const text = JSON.stringify(object);
      expect(duplicateField(text)).toBeUndefined();
      const [name = ''] = Object.keys(object);
      const again = `${text.slice(0, -1)}, ${JSON.stringify(name)} : null}`;
      expect(duplicateField(again)).toBe(name);
    }),
    { numRuns: 500 },
  );
});

it('a body as large as may be is read at once, however it is made', () => {
  const mebibyte = 1024 * 1024;
  for (const text of [
    JSON.stringify({ a: '\n'.repeat(mebibyte / 2 - 8) }),
    JSON.stringify({ a: 'x'.repeat(mebibyte) }),
    `${'['.repeat(mebibyte / 2)}${']'.repeat(mebibyte / 2)}`,
    `{"a":"${'{["'.replaceAll('"', String.raw`\"`).repeat(mebibyte / 4)}"}`,
  ])
    expect(duplicateField(text)).toBeUndefined();
});
