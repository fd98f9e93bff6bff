/** The check of a caller's token: exact, by hash, and silent about which tokens there are. */
import { describe, expect, it } from 'vitest';
import { authenticate, bearerToken, withBootstrapToken } from '../../src/auth/authenticate.ts';
import { generateToken, hashToken } from '../../src/auth/token.ts';
import type { GoodTokens } from '../../src/auth/authenticate.ts';
import { KeywardError } from '../../src/foundation/errors.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { manualClock } from '../support/manual-clock.ts';

const token = generateToken('gateway').reveal();
const caller = { tokenId: 7, name: 'an application', limits: null };
const good: GoodTokens = new Map([[hashToken(token), { untilMs: Infinity, caller }]]);

const clock = manualClock();

function refusal(authorization: string | undefined, tokens = good): unknown {
  try {
    authenticate(authorization, tokens, clock);
  } catch (error) {
    if (error instanceof KeywardError) return { code: error.code, status: error.status };
    throw error;
  }
  return 'let through';
}

describe('a request', () => {
  it.each([`Bearer ${token}`, `bearer ${token}`, `BEARER   ${token}`, ` Bearer ${token} `])(
    'with a good token is let through, as RFC 6750 writes it: scheme %#',
    (authorization) => {
      expect(refusal(authorization)).toBe('let through');
    },
  );

  it.each([undefined, '', '   '])('without a token (%j) gets 401 token_missing', (authorization) => {
    expect(refusal(authorization)).toEqual({ code: 'token_missing', status: 401 });
  });

  it.each([
    ['the scheme alone', 'Bearer'],
    ['the scheme and blanks', 'Bearer   '],
    ['another scheme', `Basic ${token}`],
    ['no scheme', token],
    ['another token', `Bearer ${generateToken('gateway').reveal()}`],
    ['the token cut short', `Bearer ${token.slice(0, -1)}`],
    ['the token with more after it', `Bearer ${token}x`],
    ['the token in other case', `Bearer ${token.toUpperCase()}`],
    ['two tokens', `Bearer ${token} ${token}`],
    ['two tokens in a list', `Bearer ${token}, Bearer ${token}`],
    ['the hash of the token', `Bearer ${hashToken(token)}`],
    ['a line break after it', `Bearer ${token}\nx`],
    ['a tab for the blank', `Bearer\t${token}`],
  ])('with %s gets 401 token_invalid', (_what, authorization) => {
    expect(refusal(authorization)).toEqual({ code: 'token_invalid', status: 401 });
  });

  it('with a good token is refused once no token is good', () => {
    expect(refusal(`Bearer ${token}`, new Map())).toEqual({ code: 'token_invalid', status: 401 });
  });

  it('is refused in words that repeat nothing of what was presented', () => {
    const presented = ['planted', 'token'].join('-');
    expect(() => authenticate(`Bearer ${presented}`, good, clock)).toThrow(/^The token is not valid\.$/);
  });
});

describe('a token that expires', () => {
  const until = new Date('2027-01-31T12:00:00.000Z');
  const expiring: GoodTokens = new Map([[hashToken(token), { untilMs: until.getTime(), caller }]]);

  it('is good until its very time, and refused from then on in the words for a wrong one', () => {
    clock.set(new Date(until.getTime() - 1));
    expect(refusal(`Bearer ${token}`, expiring)).toBe('let through');
    clock.set(until);
    expect(refusal(`Bearer ${token}`, expiring)).toEqual({ code: 'token_invalid', status: 401 });
  });

  it('costs one that does not expire no look at the clock', () => {
    const unread = { ...clock, now: () => expect.fail('the clock was read') };
    expect(() => authenticate(`Bearer ${token}`, good, unread)).not.toThrow();
  });
});

describe('the token of an Authorization header', () => {
  it('is taken out whole', () => {
    expect(bearerToken(` bearer  ${token}`)).toBe(token);
  });
});

describe('the token of the environment', () => {
  const bootstrap = new Secret(['bootstrap', 'token', 'of', 'tests'].join('-'));

  it('is good beside those of the database, which stay as they are', () => {
    const stored = new Map(good);
    const both = withBootstrapToken(stored, bootstrap);
    expect(refusal(`Bearer ${bootstrap.reveal()}`, both)).toBe('let through');
    expect(refusal(`Bearer ${token}`, both)).toBe('let through');
    expect(stored).toEqual(good);
  });

  it('that is not set adds nothing', () => {
    expect(withBootstrapToken(new Map(good), undefined)).toEqual(good);
  });
});
