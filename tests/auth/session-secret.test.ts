/** The secret of a session: random, stored as a keyed hash, and the CSRF token tells nothing of it. */
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  csrfTokenOf,
  endsAsBegun,
  looksLikeSessionSecret,
  newSessionSecret,
  sameText,
  sessionHashes,
  type SessionBinding,
} from '../../src/auth/session-secret.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';

const end = new Date(1_790_000_000_000);

describe('the secret of a session', () => {
  it('has 256 random bits and does not show when it is printed', () => {
    const secret = newSessionSecret(end);
    const [random = '', ends] = secret.reveal().split('.');
    expect(Buffer.from(random, 'base64url')).toHaveLength(32);
    expect(ends).toBe('1790000000000');
    expect(newSessionSecret(end).reveal()).not.toBe(secret.reveal());
    expect(inspect({ secret })).not.toContain(secret.reveal());
    expect(looksLikeSessionSecret(secret.reveal())).toBe(true);
  });

  it('says when its session ends, and its hash does not fit when that is said otherwise', () => {
    const secret = newSessionSecret(end);
    expect(endsAsBegun(secret, end)).toBe(true);
    expect(endsAsBegun(secret, new Date(end.getTime() + 1))).toBe(false);
    const longer = new Secret(secret.reveal().replace(/\d$/, '1'));
    const ring = KeyRing.parse(generateEncryptionKey());
    expect(endsAsBegun(longer, new Date(end.getTime() + 1))).toBe(true);
    expect(sessionHashes(ring, longer, { role: 'admin' })).not.toEqual(
      sessionHashes(ring, secret, { role: 'admin' }),
    );
  });

  it('is stored as a hash that takes the encryption key, and differs under each role and token that it is bound to', () => {
    const secret = newSessionSecret(end);
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

  it.each([
    '',
    'short',
    'x'.repeat(43),
    `${'x'.repeat(44)}.1`,
    `${'x'.repeat(43)}.`,
    `${'x'.repeat(43)}.01`,
    `${'x'.repeat(43)}.1\n`,
  ])('is told from %j, which is none', (text) => {
    expect(looksLikeSessionSecret(text)).toBe(false);
  });
});

describe('the CSRF token', () => {
  it('belongs to one session and is not its secret', () => {
    const [one, other] = [newSessionSecret(end), newSessionSecret(end)];
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
