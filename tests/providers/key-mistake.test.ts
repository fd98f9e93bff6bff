/** What people paste in place of a key is told apart from what could be one. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { keyMistake } from '../../src/providers/key-mistake.ts';

it.each([
  ['[REDACTED]', /stands in the place of a key/],
  ['REDACTED', /stands in the place of a key/],
  ['null', /stands in the place of a key/],
  ['undefined', /stands in the place of a key/],
  [['fp', '7c6c735163bf'].join('_'), /fingerprint of a key/],
  ['sk-or-v1-5eb..', /masked key/],
  ['sk-or-v1-5ebf__________0a8c', /masked key/],
  ['sk-or-v1-XXXX1234', /masked key/],
  ['{{OPENROUTER_API_KEY}}', /placeholder/],
  ['${OPENROUTER_API_KEY}', /placeholder/],
])('%s is refused with what it is, and not repeated', (text, sentence) => {
  expect(keyMistake(text)).toMatch(sentence);
  expect(keyMistake(text)).not.toContain(text);
});

it('a random key of whatever alphabet is none of these', () => {
  for (let n = 0; n < 2_000; n += 1) {
    const bytes = randomBytes(36);
    for (const text of [bytes.toString('hex'), bytes.toString('base64url').replaceAll('_', '-')])
      expect(keyMistake(`sk-${text}`)).toBeUndefined();
  }
});
