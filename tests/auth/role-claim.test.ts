/** The role of a person is what the claim says in so many words, and nothing where it says anything else. */
import { describe, expect, it } from 'vitest';
import { readClaim, roleIn } from '../../src/auth/role-claim.ts';

const names = { adminRole: 'keyward-admin', viewerRole: 'keyward-viewer' };

describe('a claim', () => {
  const claims = {
    realm_access: { roles: ['keyward-admin'] },
    'https://example.com/roles': ['keyward-viewer'],
    'a.b': 'literal',
    a: { b: 'nested' },
    groups: ['one'],
    text: 'abc',
    nothing: null,
  };

  it.each([
    ['realm_access.roles', ['keyward-admin']],
    ['groups', ['one']],
    ['https://example.com/roles', ['keyward-viewer']],
    ['a.b', 'literal'],
    ['realm_access.roles.0', 'keyward-admin'],
    ['realm_access.missing', undefined],
    ['missing.roles', undefined],
    ['text.length', undefined],
    ['nothing.roles', undefined],
    ['constructor.name', undefined],
    ['__proto__', undefined],
    ['groups.map', undefined],
  ])('at %s is %j', (path, expected) => {
    expect(readClaim(claims, path)).toEqual(expected);
  });
});

describe('the role', () => {
  it.each([
    [['keyward-admin'], 'admin'],
    [['keyward-viewer'], 'viewer'],
    [['other', 'keyward-viewer', 'keyward-admin'], 'admin'],
    ['keyward-admin', 'admin'],
    [['other'], null],
    [[], null],
    [undefined, null],
    [null, null],
    [{ 'keyward-admin': true }, null],
    [[['keyward-admin']], null],
    ['keyward-admin keyward-viewer', null],
    [['KEYWARD-ADMIN', 'keyward-admin '], null],
    [true, null],
  ])('in %j is %s', (claim, expected) => {
    expect(roleIn(claim, names)).toBe(expected);
  });
});
