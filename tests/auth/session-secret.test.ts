/** The secret of a session: random, stored as a keyed hash, and the CSRF token tells nothing of it. */
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  csrfTokenOf,
  looksLikeSessionSecret,
  newSessionSecret,
  sameText,
  sessionHashes,
  type SessionBinding,
} from '../../src/auth/session-secret.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';

describe('the secret of a session', () => {
  it('has 256 random bits and does not show when it is printed', () => {
    const secret = newSessionSecret();
    expect(Buffer.from(secret.reveal(), 'base64url')).toHaveLength(32);
    expect(newSessionSecret().reveal()).not.toBe(secret.reveal());
    expect(inspect({ secret })).not.toContain(secret.reveal());
    expect(looksLikeSessionSecret(secret.reveal())).toBe(true);
  });

  it('is stored as a hash that takes the encryption key, and differs under each role and token that it is bound to', () => {
    const secret = newSessionSecret();
    const [one, other] = [generateEncryptionKey(), generateEncryptionKey()];
    const hashes = (key: Secret, binding: SessionBinding) =>
      sessionHashes(KeyRing.parse(key), secret, binding);
    const all = [
      hashes(one, { role: 'viewer' }),
      hashes(one, { role: 'admin' }),
      hashes(one, { role: 'admin', boundTo: 'one' }),
      hashes(one, { role: 'admin', boundTo: 'other' }),
      hashes(other, { role: 'admin' }),
    ].flat();
    expect(new Set(all).size).toBe(5);
    expect(all).not.toContain(createHash('sha256').update(secret.reveal()).digest('hex'));
    const ring = KeyRing.parse(new Secret(`${other.reveal()},${one.reveal()}`));
    expect(sessionHashes(ring, secret, { role: 'admin' })).toEqual([all[4], all[1]]);
  });

  it.each(['', 'short', 'x'.repeat(44), `${'x'.repeat(42)}.`, `${'x'.repeat(42)}\n`])(
    'is told from %j, which is none',
    (text) => {
      expect(looksLikeSessionSecret(text)).toBe(false);
    },
  );
});

describe('the CSRF token', () => {
  it('belongs to one session and is not its secret', () => {
    const [one, other] = [newSessionSecret(), newSessionSecret()];
    expect(csrfTokenOf(one)).toBe(csrfTokenOf(one));
    expect(csrfTokenOf(one)).not.toBe(csrfTokenOf(other));
    expect(csrfTokenOf(one)).not.toBe(one.reveal());
  });
});

describe('the comparison', () => {
  it.each([
    ['', '', true],
    ['abc', 'abc', true],
    ['abc', 'abd', false],
    ['abc', 'ab', false],
    ['ab', 'abc', false],
    ['é', 'ab', false],
    ['ü', 'ü', true],
  ])('of %j and %j is %s, whatever their lengths', (one, other, same) => {
    expect(sameText(one, other)).toBe(same);
  });
});
