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
