/** What is shown of a stored key: the same fingerprint as of the key itself, and never more than its mask. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { Fingerprinter } from '../../src/crypto/fingerprint.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { showStoredKey } from '../../src/crypto/stored-key.ts';
import { Secret } from '../../src/foundation/secret.ts';

const ring = KeyRing.parse(generateEncryptionKey());
const fingerprinter = new Fingerprinter(randomBytes(32));
const key = new Secret(['planted', 'stored', 'key', '5d5d'].join('-'));
const show = (token: string | null) => showStoredKey(token, ring, fingerprinter);

describe('a stored key', () => {
  it('is shown as its fingerprint and its mask', () => {
    expect(show(ring.encrypt(key))).toEqual({ fingerprint: fingerprinter.of(key), mask: 'planted…5d5d' });
  });

  it('is the same key with the line break that another program encrypted with it', () => {
    expect(show(ring.encrypt(new Secret(` ${key.reveal()}\n`)))).toEqual(show(ring.encrypt(key)));
  });

  it.each([null, ''])('that is not there (%j) is none', (token) => {
    expect(show(token)).toEqual({ fingerprint: null, mask: null });
  });

  it('that no key of the ring opens is called unreadable', () => {
    const strange = KeyRing.parse(generateEncryptionKey()).encrypt(key);
    for (const token of [strange, 'no token', key.reveal()])
      expect(show(token)).toEqual({ fingerprint: 'unreadable', mask: null });
  });
});
