/** Tokens: random enough that a plain hash of one tells nothing, and recognisable by their prefix. */
import { createHash, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { generateToken, hashToken, looksUnguessable } from '../../src/auth/token.ts';

describe('a token', () => {
  it('names its kind, and its 43 further characters carry 256 bits', () => {
    expect(generateToken('gateway').reveal()).toMatch(/^kwg_[\w-]{43}$/);
    expect(generateToken('admin').reveal()).toMatch(/^kwa_[\w-]{43}$/);
    expect(Buffer.from(generateToken('admin').reveal().slice(4), 'base64url')).toHaveLength(32);
  });

  it('is never made twice', () => {
    const tokens = Array.from({ length: 1000 }, () => generateToken('gateway').reveal());
    expect(new Set(tokens).size).toBe(tokens.length);
  });

  it('cannot be guessed when it was made here or is random bytes in hex, and no other way', () => {
    for (const one of [generateToken('admin').reveal(), randomBytes(16).toString('hex')])
      expect(looksUnguessable(one)).toBe(true);
    for (const one of [
      '',
      'chosen-by-a-person',
      'correct-horse-battery-staple-2024',
      randomBytes(15).toString('hex'),
      'ab12'.repeat(16),
    ])
      expect([one, looksUnguessable(one)]).toEqual([one, false]);
  });

  it('does not show when it is printed', () => {
    const token = generateToken('gateway');
    expect(inspect({ token }) + JSON.stringify({ token })).not.toContain(token.reveal());
  });

  it('is kept as its SHA-256 in hex', () => {
    const token = ['kwg', 'stand-in'].join('_');
    expect(hashToken(token)).toBe(createHash('sha256').update(token).digest('hex'));
  });
});
