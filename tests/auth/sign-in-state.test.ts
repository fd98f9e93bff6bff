/** What a browser carries through a sign-in: only the ring that sealed it opens it, and not for long. */
import { describe, expect, it } from 'vitest';
import { openSignIn, sealSignIn, signInTimeMs, type SignInState } from '../../src/auth/sign-in-state.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';

const ring = KeyRing.parse(generateEncryptionKey());
const now = new Date('2026-03-01T09:00:00.000Z');
const state: SignInState = {
  state: 'planted-state',
  nonce: 'planted-nonce',
  codeVerifier: 'planted-verifier',
  returnTo: '/providers?sort=slug',
};
const later = (ms: number): Date => new Date(now.getTime() + ms);

describe('a sealed sign-in', () => {
  it('is opened by every instance with the ring, and by a ring that has moved on', () => {
    const old = generateEncryptionKey();
    const sealed = sealSignIn(KeyRing.parse(old), state, now);
    const moved = KeyRing.parse(new Secret(`${generateEncryptionKey().reveal()},${old.reveal()}`));
    expect(openSignIn(KeyRing.parse(old), sealed, now)).toMatchObject(state);
    expect(openSignIn(moved, sealed, now)).toMatchObject(state);
  });

  it('shows nothing of what is in it', () => {
    const sealed = sealSignIn(ring, state, now);
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('planted');
  });

  it('is good for ten minutes', () => {
    const sealed = sealSignIn(ring, state, now);
    expect(openSignIn(ring, sealed, later(signInTimeMs - 1))).toMatchObject(state);
    expect(openSignIn(ring, sealed, later(signInTimeMs))).toBeUndefined();
    expect(signInTimeMs).toBe(600_000);
  });

  it('is opened by no other ring, and not once it was changed', () => {
    const sealed = sealSignIn(ring, state, now);
    expect(openSignIn(KeyRing.parse(generateEncryptionKey()), sealed, now)).toBeUndefined();
    const changed = `${sealed.slice(0, 50)}${sealed[50] === 'A' ? 'B' : 'A'}${sealed.slice(51)}`;
    expect(openSignIn(ring, changed, now)).toBeUndefined();
    expect(openSignIn(ring, '', now)).toBeUndefined();
  });

  it.each([
    ['a provider key', 'planted-provider-key'],
    ['what lacks the purpose', JSON.stringify(state)],
    ['what has another purpose', JSON.stringify({ ...state, purpose: 'audit' })],
    ['what lacks a part', JSON.stringify({ purpose: 'sign-in', state: 'x' })],
  ])('cannot be replaced by %s under the same ring', (_what, text) => {
    expect(openSignIn(ring, ring.encrypt(new Secret(text), { now }), now)).toBeUndefined();
  });
});
