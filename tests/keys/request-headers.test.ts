/** The extra headers of a provider: they hold no credentials, steer no connection, and split no request. */
import { describe, expect, it } from 'vitest';
import { knownProviders } from '../../src/providers/registry.ts';
import { readRequestHeaders } from '../../src/keys/request-headers.ts';

const problemOf = (value: unknown): string | undefined => {
  const read = readRequestHeaders(value);
  return 'problem' in read ? read.problem : undefined;
};

describe('headers', () => {
  it('are none where nothing is set', () => {
    for (const value of [null, undefined, {}]) expect(readRequestHeaders(value)).toEqual({ headers: {} });
  });

  it('are read by their names in lower case', () => {
    expect(
      readRequestHeaders({
        'HTTP-Referer': 'https://app.example',
        'x-title': 'My App',
        'OpenAI-Project': 'p',
      }),
    ).toEqual({
      headers: { 'http-referer': 'https://app.example', 'x-title': 'My App', 'openai-project': 'p' },
    });
  });

  it.each([['text'], [7], [true], [['a']], [[]]])('%j is no object of strings', (value) => {
    expect(problemOf(value)).toBe('request_headers must be an object of strings');
  });

  it.each([[7], [null], [['a']], [{ a: 'b' }]])('%j is no value', (value) => {
    expect(problemOf({ 'x-title': value })).toBe('request_headers: the value of "x-title" must be a string');
  });

  it.each([
    'host',
    'Content-Length',
    'connection',
    'Transfer-Encoding',
    'te',
    'trailer',
    'upgrade',
    'expect',
    'keep-alive',
    'proxy-connection',
    'content-type',
    'accept-encoding',
    'content-encoding',
  ])('%s is the business of the connection or of Keyward', (name) => {
    expect(problemOf({ [name]: 'x' })).toBe(
      `request_headers: "${name.toLowerCase()}" is set by Keyward itself`,
    );
  });

  it.each([
    'Authorization',
    'proxy-authorization',
    'proxy-authenticate',
    'x-api-key',
    'X-Goog-Api-Key',
    'api-key',
    'apikey',
    'x-apikey',
    'idempotency-key',
    'cf-aig-authorization',
    'helicone-auth',
    'x-auth-token',
    'x-amz-security-token',
    'x-secret',
    'client_secret',
    'cookie',
    'x-portkey-virtual-key',
    'x-password',
  ])('%s would carry a credential in the clear', (name) => {
    expect(problemOf({ [name]: 'x' })).toContain('would carry a credential');
  });

  it('no header that carries the key of a known provider can be set', () => {
    for (const { keyHeader, test } of knownProviders) {
      expect(problemOf({ [keyHeader.name]: 'x' })).toBeDefined();
      expect(problemOf({ [test.keyHeader.name]: 'x' })).toBeDefined();
    }
  });

  it.each(['', 'a b', 'a:b', 'a\nb', 'a\r\nhost', 'ä', '(x)', 'x'.repeat(101)])('%j is no name', (name) => {
    expect(problemOf({ [name]: 'x' })).toBe('request_headers: a name is not that of a header');
  });

  it.each(['', ' a', 'a ', 'a\nb', 'a\r\nx-other: 1', 'a\0b', 'a\tb', 'ä', '\u007f'])(
    '%j is no value that a header can carry, and it is not repeated',
    (value) => {
      expect(problemOf({ 'x-title': value })).toBe(
        'request_headers: the value of "x-title" must be printable ASCII without blanks around it',
      );
    },
  );

  it('one name in two spellings is refused', () => {
    expect(problemOf({ 'X-Title': 'a', 'x-title': 'b' })).toBe(
      'request_headers: "x-title" stands there twice',
    );
  });

  it('are at most twenty and 4096 bytes in all', () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, 'v']));
    expect(problemOf(many(20))).toBeUndefined();
    expect(problemOf(many(21))).toBe('request_headers must not hold more than 20 headers');
    expect(problemOf({ 'x-a': 'v'.repeat(4093) })).toBeUndefined();
    expect(problemOf({ 'x-a': 'v'.repeat(4094) })).toBe('request_headers must not hold more than 4096 bytes');
  });

  it('named after the prototype are headers like others', () => {
    const { headers } = readRequestHeaders(JSON.parse('{"__proto__": "a", "constructor": "b"}')) as {
      headers: Record<string, string>;
    };
    expect(Object.entries(headers)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });
});
