import { describe, expect, test } from 'vitest';
import { promptBytes } from '../../src/gateway/prompt-bytes.ts';

const of = (value: unknown) => promptBytes(Buffer.from(JSON.stringify(value)));
const image = 'QUJD'.repeat(500);

describe('the text of a call', () => {
  test('is all of it where it holds no file', () => {
    const call = {
      model: 'm',
      messages: [{ role: 'user', content: `He said "yes" \\ and ${'é'.repeat(2_000)}` }],
    };
    expect(of(call)).toBe(Buffer.byteLength(JSON.stringify(call)));
    expect(of({ content: 'word '.repeat(1_000) })).toBeGreaterThan(5_000);
  });

  test.each(['a', 'hello_wor_', 'abc/def/gh'])(
    'is all of it where it is a word without an end: %s',
    (word) => {
      const call = { messages: [{ role: 'user', content: word.repeat(4_000) }], text: `data:${image}` };
      expect(of(call)).toBe(JSON.stringify(call).length);
    },
  );

  test.each(['data', 'file_data', 'image_url', 'b64_json'])(
    'is counted without the file in %s, spaced or not',
    (field) => {
      for (const blank of [undefined, 2])
        expect(
          promptBytes(Buffer.from(JSON.stringify({ [field]: image, text: 'x' }, null, blank))),
        ).toBeLessThan(60);
    },
  );

  test.each([
    ['an image', image],
    ['an image whose letters are those of an address', 'QU_-'.repeat(500)],
    ['a data URL', `data:image/png;base64,${image}`],
    ['an image of twenty megabytes', 'QUJD'.repeat(5_000_000)],
    ['a data URL of twenty megabytes', `data:image/png;base64,${'QUJD'.repeat(5_000_000)}`],
  ])('is counted without %s', (_, file) => {
    const call = (data: string) => ({
      content: [{ text: 'What "is" this?' }, { data }, { text: 'And here?' }],
    });
    expect(of(call(file))).toBeLessThanOrEqual(of(call('')));
    expect(of(call(file))).toBeGreaterThan(of(call('')) - 2);
  });

  test('is counted where a body ends in the middle of a string', () => {
    expect(promptBytes(Buffer.from('{"a":"bcd'))).toBe(9);
    expect(promptBytes(Buffer.alloc(0))).toBe(0);
  });
});
