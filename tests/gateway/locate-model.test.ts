import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { locateModel, replaceModel } from '../../src/gateway/locate-model.ts';
import { jsonObjectText, memberText, modelKeyText, stringText } from '../support/json-text.ts';

const replaced = (text: string, model: string) => {
  const body = Buffer.from(text);
  return replaceModel(body, locateModel(body), model).toString('utf8');
};

describe('the value of the top-level "model"', () => {
  test('is replaced and every other byte kept, whatever the body holds and however it is spelt', () => {
    fc.assert(
      fc.property(
        jsonObjectText({ avoiding: 'model' }),
        modelKeyText,
        stringText,
        fc.string({ unit: 'binary' }).filter((name) => name.isWellFormed()),
        ({ before, after }, key, value, name) => {
          const head = `${before}${key}`;
          expect(replaced(`${head}${value}${after}`, name)).toBe(`${head}${JSON.stringify(name)}${after}`);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('is what JSON.parse reads, before and after', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.string(),
        fc.string(),
        (fields, model, name) => {
          const value = { ...fields, model };
          for (const indent of [undefined, 2, '\t']) {
            const text = JSON.stringify(value, null, indent);
            expect(JSON.parse(replaced(text, name))).toEqual(
              JSON.parse(JSON.stringify({ ...value, model: name })),
            );
          }
        },
      ),
    );
  });

  test.each([
    ['as the only field', '{"model":"a"}'],
    ['with blanks around', ' {\r\n\t"model" \n:\t"a" } '],
    ['after a string that ends in a backslash', String.raw`{"x":"\\","model":"a"}`],
    ['after a string that holds a quoted field', String.raw`{"x":"\",\"model\":\"b","model":"a"}`],
    [
      'after objects and arrays with a model of their own',
      '{"x":[{"model":"b"},"model"],"y":{"model":"c"},"model":"a"}',
    ],
    ['before the same', '{"model":"a","x":{"model":"c"}}'],
    ['after the value "model"', '{"x":"model","model":"a"}'],
    ['spelt with escapes', String.raw`{"\u006dod\u0065l":"a"}`],
  ])('is found %s', (_where, text) => {
    expect(replaced(text, 'new').split('"new"')).toEqual(text.split('"a"'));
  });
});

describe('a second top-level "model"', () => {
  test('is refused, wherever it stands, however it is spelt and whatever the first one holds', () => {
    fc.assert(
      fc.property(
        jsonObjectText({ avoiding: 'model' }),
        modelKeyText,
        memberText,
        modelKeyText,
        stringText,
        ({ before, after }, firstKey, firstValue, secondKey, secondValue) => {
          const body = Buffer.from(`${before}${firstKey}${firstValue},${secondKey}${secondValue}${after}`);
          expect(() => locateModel(body)).toThrow(expect.objectContaining({ code: 'duplicate_field' }));
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    ['that is the same', '{"model":"a","model":"a"}'],
    ['after a number', '{"model":1,"model":"a"}'],
    ['after null', '{"model":null,"x":"y","model":"a"}'],
    ['after an object', '{"model":{"model":"b"},"model":"a"}'],
    ['after an array of strings', '{"model":["b"],"model":"a"}'],
    ['that is spelt with an escape', String.raw`{"model":"b","mode\u006c":"a"}`],
  ])('is refused %s', (_how, text) => {
    expect(() => locateModel(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'duplicate_field' }),
    );
  });
});

test('a body without one is refused', () => {
  expect(() => locateModel(Buffer.from('{"x":{"model":"a"}}'))).toThrow(
    expect.objectContaining({ code: 'model_required' }),
  );
});
