/** What may be said of a provider, and the sentence that names the field where it may not. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/foundation/config.ts';
import { KeywardError } from '../../src/foundation/errors.ts';
import {
  applySettings,
  changedColumns,
  checkName,
  checkSlug,
  shownColumns,
  type ProviderColumns,
  type ProviderSettings,
} from '../../src/keys/provider-settings.ts';

const now: ProviderColumns = {
  display_name: 'Groq',
  base_url: 'https://api.groq.com/openai/v1',
  api_key_source: 'environment',
  is_active: true,
  request_headers: null,
  allow_private_network: false,
  is_byok_supported: true,
};

const apply = (fields: ProviderSettings, over: Partial<ProviderColumns> = {}, slug = 'groq') =>
  applySettings(slug, { ...now, ...over }, fields, loadConfig({ UPSTREAM_ALLOW_HTTP: 'plain.example' }));

/** The field that is refused, with a sentence that can be shown. */
function refusedIn(act: () => unknown): string | null {
  try {
    act();
  } catch (error) {
    if (!(error instanceof KeywardError)) throw error;
    expect([error.code, error.status]).toEqual(['field_invalid', 400]);
    expect(error.message).toMatch(/^\w.*\S\. Nothing was changed\.$/);
    return error.param;
  }
  return 'nothing';
}

describe('a field', () => {
  it('that is not given stays as it is', () => {
    expect(apply({})).toEqual(now);
    expect(apply({ baseUrl: undefined, isActive: undefined })).toEqual(now);
  });

  it.each<[string, ProviderSettings, Partial<ProviderColumns>]>([
    ['a name with blanks around it', { displayName: ' Groq ' }, { display_name: 'Groq' }],
    ['a name of 200 characters', { displayName: 'x'.repeat(200) }, { display_name: 'x'.repeat(200) }],
    [
      'an address with blanks around it',
      { baseUrl: ' https://a.example ' },
      { base_url: 'https://a.example' },
    ],
    ['the own address, by null', { baseUrl: null }, { base_url: null }],
    ['the own address, by nothing', { baseUrl: ' ' }, { base_url: null }],
    [
      'a host that may be called without TLS',
      { baseUrl: 'http://plain.example' },
      { base_url: 'http://plain.example' },
    ],
    [
      'a private network, allowed',
      { baseUrl: 'https://10.0.0.1', allowPrivateNetwork: true },
      { allow_private_network: true },
    ],
    ['a source', { source: 'hybrid' }, { api_key_source: 'hybrid' }],
    ['being inactive', { isActive: false }, { is_active: false }],
    ['no keys of users', { isByokSupported: false }, { is_byok_supported: false }],
    ['headers', { requestHeaders: { 'X-A': '1' } }, { request_headers: { 'x-a': '1' } }],
    ['no headers', { requestHeaders: {} }, { request_headers: null }],
  ])('takes %s', (_what, fields, expected) => {
    expect(apply(fields)).toMatchObject(expected);
  });

  it.each<[string, ProviderSettings, string]>([
    ['an empty name', { displayName: ' ' }, 'display_name'],
    ['a name that is too long', { displayName: 'x'.repeat(201) }, 'display_name'],
    ['a line break in a name', { displayName: 'a\nb' }, 'display_name'],
    ['an unknown source', { source: 'vault' }, 'source'],
    ['an empty source', { source: '' }, 'source'],
    ['what is no URL', { baseUrl: 'nonsense' }, 'base_url'],
    ['plain http', { baseUrl: 'http://other.example/v1' }, 'base_url'],
    ['a private network', { baseUrl: 'https://10.0.0.1/v1' }, 'base_url'],
    ['cloud metadata', { baseUrl: 'https://169.254.169.254/v1', allowPrivateNetwork: true }, 'base_url'],
    ['a password', { baseUrl: 'https://user:password@host.example/' }, 'base_url'],
    ['an endless address', { baseUrl: `https://host.example/${'x'.repeat(500)}` }, 'base_url'],
    ['a header with a credential', { requestHeaders: { authorization: 'x' } }, 'request_headers'],
  ])('refuses %s', (_what, fields, param) => {
    expect(refusedIn(() => apply(fields))).toBe(param);
  });

  it('base_url is needed where no address of the provider is known', () => {
    expect(refusedIn(() => apply({ baseUrl: null }, {}, 'in-house'))).toBe('base_url');
  });

  it('permission cannot be taken from under an address that needs it', () => {
    const inside = { base_url: 'https://10.0.0.1/v1', allow_private_network: true };
    expect(refusedIn(() => apply({ allowPrivateNetwork: false }, inside))).toBe('base_url');
    expect(apply({ allowPrivateNetwork: false, baseUrl: null }, inside)).toMatchObject({ base_url: null });
  });

  it('an address that was bad before stands in the way of no other field', () => {
    expect(apply({ isActive: false }, { base_url: 'nonsense' })).toMatchObject({ is_active: false });
  });
});

describe('a slug', () => {
  it.each(['a', '0', 'a-', 'my-own-llm', 'x'.repeat(100)])('may be %j', (slug) => {
    expect(checkSlug(slug)).toBe(slug);
  });

  it.each(['', '-a', 'In-house', 'in_house', 'in/house', 'in.house', 'käse', 'a b', 'a\n', 'x'.repeat(101)])(
    'may not be %j',
    (slug) => {
      expect(refusedIn(() => checkSlug(slug))).toBe('slug');
    },
  );
});

it('a name has 1 to so many characters, none of them for control', () => {
  expect(checkName(' Groq ', 'name', 4)).toBe('Groq');
  for (const text of ['', ' ', '12345', 'a\u0000', 'a\u007fb'])
    expect(refusedIn(() => checkName(text, 'name', 4))).toBe('name');
});

describe('what the audit trail shows', () => {
  it('are the columns that differ, by value and not by spelling of the object', () => {
    const headers = { request_headers: { a: '1' } };
    expect(changedColumns({ ...now, ...headers }, { ...now, request_headers: { a: '1' } })).toEqual([]);
    expect(changedColumns(now, { ...now, is_active: false, base_url: null })).toEqual([
      'base_url',
      'is_active',
    ]);
  });

  it('holds no password, query or header that SQL has left', () => {
    const planted = ['planted', '8e2a'].join('-');
    const shown = shownColumns({
      ...now,
      base_url: `https://user:${planted}@host.example:8443/v1?key=${planted}#${planted}`,
      request_headers: { authorization: planted },
    });
    expect(shown).toMatchObject({ base_url: 'https://host.example:8443/v1', request_headers: 'unusable' });
    expect(JSON.stringify(shown)).not.toContain('8e2a');
    expect(shownColumns({ ...now, base_url: planted })).toMatchObject({ base_url: 'not a URL' });
  });
});
