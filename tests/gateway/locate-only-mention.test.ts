/** The short way to the model finds what the long way finds, or leaves it to the long way. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { locateModel, locateOnlyMention } from '../../src/gateway/locate-model.ts';
import { jsonObjectText, memberText, modelKeyText, stringText } from '../support/json-text.ts';

const located = (text: string) => {
  const span = locateOnlyMention(Buffer.from(text));
  return span && Buffer.from(text).subarray(span.start, span.end).toString();
};

test('both ways agree, whatever the body holds and however it is spelt', () => {
  let short = 0;
  const name = fc.oneof(fc.constant('"model":'), modelKeyText);
  fc.assert(
    fc.property(jsonObjectText({ avoiding: 'model' }), name, stringText, ({ before, after }, key, value) => {
      const body = Buffer.from(`${before}${key}${value}${after}`);
      const span = locateOnlyMention(body);
      if (span === undefined) return;
      short += 1;
      expect(span).toEqual(locateModel(body));
    }),
    { numRuns: 1_000 },
  );
  expect(short).toBeGreaterThan(10);
});

test('a second model is never passed over', () => {
  fc.assert(
    fc.property(
      jsonObjectText({ avoiding: 'model' }),
      modelKeyText,
      memberText,
      modelKeyText,
      stringText,
      ({ before, after }, first, value, second, last) => {
        const body = `${before}${first}${value},${second}${last}${after}`;
        expect(located(body)).toBeUndefined();
      },
    ),
    { numRuns: 500 },
  );
});

test.each([
  ['first', '{"model":"a","messages":[]}'],
  ['after a string that ends in an escaped quote', String.raw`{"x":"model\"","model":"a"}`],
  ['last', '{"messages":[{"role":"user","content":"Which \\"model\\" is this?"}] , "model" : "a" }'],
])('an ordinary body, its model %s, takes the short way', (_where, text) => {
  expect(located(text)).toBe('"a"');
});

test.each([
  ['a value that ends in it', '{"x":"model","model":"a"}'],
  ['a name that ends in it', '{"base_model":"b","model":"a"}'],
  ['a deeper one', '{"x":{"model":"b"},"model":"a"}'],
  ['a name spelt with an escape', String.raw`{"x":"model","mode\u006c":"a"}`],
])('%s is left to the long way', (_what, text) => {
  expect(located(text)).toBeUndefined();
});
