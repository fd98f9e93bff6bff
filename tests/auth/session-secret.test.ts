/** The secret of a session: random, stored as a hash, and the CSRF token tells nothing of it. */
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  csrfTokenOf,
  looksLikeSessionSecret,
  newSessionSecret,
  sameText,
  sessionHash,
} from '../../src/auth/session-secret.ts';

describe('the secret of a session', () => {
  it('has 256 random bits and does not show when it is printed', () => {
    const secret = newSessionSecret();
    expect(Buffer.from(secret.reveal(), 'base64url')).toHaveLength(32);
    expect(newSessionSecret().reveal()).not.toBe(secret.reveal());
    expect(inspect({ secret })).not.toContain(secret.reveal());
    expect(looksLikeSessionSecret(secret.reveal())).toBe(true);
  });

  it('is stored as its SHA-256, which differs under each token that it is bound to', () => {
    const secret = newSessionSecret();
    expect(sessionHash(secret)).toBe(createHash('sha256').update(secret.reveal()).digest('hex'));
    const hashes = [sessionHash(secret), sessionHash(secret, 'one'), sessionHash(secret, 'other')];
    expect(new Set(hashes).size).toBe(3);
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
    expect(csrfTokenOf(one)).not.toContain(sessionHash(one).slice(0, 10));
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
