/** The mark beside a stored token: it names the key that made this token, and says nothing of any other. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { encryptMarked, encryptionMark, markedKeyId } from '../../src/crypto/encryption-mark.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';

const [active, older] = [generateEncryptionKey(), generateEncryptionKey()];
const ring = KeyRing.parse(active);

test('a mark names the key of its token, and says nothing of another token', () => {
  const [one, other] = [encryptMarked(ring, new Secret('one')), encryptMarked(ring, new Secret('other'))];
  expect(markedKeyId(one.mark, one.token)).toBe(ring.activeKeyId);
  expect(markedKeyId(one.mark, other.token)).toBeUndefined();
  expect(markedKeyId(null, one.token)).toBeUndefined();
  expect(markedKeyId('', one.token)).toBeUndefined();
});

test('what is encrypted with a mark stands under the active key of several', () => {
  const both = KeyRing.parse(new Secret(`${active.reveal()},${older.reveal()}`));
  const { token, mark } = encryptMarked(both, new Secret('text'));
  expect(ring.decrypt(token).secret.reveal()).toBe('text');
  expect(markedKeyId(mark, token)).toBe(ring.activeKeyId);
});

test('a mark has the form that databases hold already, with the SHA-256 of the token in it', () => {
  // printf token | sha256sum
  expect(encryptionMark('1a2b3c4d', 'token')).toBe('1a2b3c4d.3c469e9d6c5875d3');
});

test('a token that was written in any other way, by a blank alone, is another token', () => {
  const { token, mark } = encryptMarked(ring, new Secret('text'));
  for (const another of [`${token}\n`, token.slice(1), token.toLowerCase(), ''])
    expect(markedKeyId(mark, another)).toBeUndefined();
});

test('what is no mark, or is a damaged one, names no key (property)', () => {
  const { token, mark } = encryptMarked(ring, new Secret('text'));
  const [keyId = '', digest = ''] = mark.split('.');
  for (const damaged of [keyId, digest, `.${digest}`.slice(0, -1), `${mark}0`, `${mark}.`, mark.slice(0, -1)])
    expect(markedKeyId(damaged, token)).toBeUndefined();
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (text) => {
      expect(markedKeyId(text, token)).toBeUndefined();
    }),
  );
});
