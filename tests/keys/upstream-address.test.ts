/** Where a key may be sent: the nearest address that was named, over TLS but for loopback and named hosts. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveUpstream, type AddressCandidates } from '../../src/keys/upstream-address.ts';

const candidates = (over: Partial<AddressCandidates>): AddressCandidates => ({
  environment: undefined,
  environmentName: 'GROQ_BASE_URL',
  database: null,
  provider: 'https://api.groq.com/openai/v1',
  allowHttp: [],
  ...over,
});

const fromEnvironment = (environment: string, allowHttp: readonly string[] = []) =>
  resolveUpstream(candidates({ environment, allowHttp }));

describe('the address', () => {
  it('is the one of the environment, else of the row, else of the provider', () => {
    const environment = 'https://environment.example/v1';
    const database = 'https://database.example/v1';
    expect(resolveUpstream(candidates({ environment, database }))).toMatchObject({
      baseUrl: environment,
      from: 'environment',
    });
    expect(resolveUpstream(candidates({ database }))).toMatchObject({ baseUrl: database, from: 'database' });
    expect(resolveUpstream(candidates({}))).toMatchObject({
      baseUrl: 'https://api.groq.com/openai/v1',
      from: 'provider',
    });
  });

  it('a blank base_url in the row counts as none', () => {
    for (const database of ['', '  '])
      expect(resolveUpstream(candidates({ database }))).toMatchObject({ from: 'provider' });
  });

  it('is missing where nobody names one, and the problem says which variable would', () => {
    expect(resolveUpstream(candidates({ provider: undefined }))).toEqual({
      problem: 'it has no base URL; set base_url or GROQ_BASE_URL',
    });
  });

  it('a faulty one is a problem, never a step to the next one', () => {
    expect(
      resolveUpstream(candidates({ environment: 'nonsense', database: 'https://database.example' })),
    ).toEqual({ problem: 'GROQ_BASE_URL is not a URL' });
    expect(resolveUpstream(candidates({ database: 'nonsense' }))).toEqual({
      problem: 'base_url is not a URL',
    });
  });

  it.each([
    ['https://host.example', 'https://host.example', ''],
    ['https://host.example/', 'https://host.example', ''],
    ['https://host.example/v1///', 'https://host.example', '/v1'],
    ['https://HOST.example:8443/a/b/', 'https://host.example:8443', '/a/b'],
    ['https://host.example:443/v1', 'https://host.example', '/v1'],
    ['  https://host.example/v1\n', 'https://host.example', '/v1'],
    ['https://[2001:db8::1]:8443/v1', 'https://[2001:db8::1]:8443', '/v1'],
  ])('%j is cut into origin and path without a slash at the end', (url, origin, basePath) => {
    expect(fromEnvironment(url)).toEqual({
      origin,
      basePath,
      baseUrl: origin + basePath,
      from: 'environment',
    });
  });
});

describe('a key travels without TLS', () => {
  it.each([
    'http://127.0.0.1:9/v1',
    'http://127.8.8.8/v1',
    'http://localhost:9/v1',
    'http://[::1]:9/v1',
    'http://2130706433/',
    'http://127.1/',
  ])('to loopback: %s', (url) => {
    expect(fromEnvironment(url)).not.toHaveProperty('problem');
  });

  it('to a host that the operator named, in whatever case', () => {
    expect(fromEnvironment('http://LLM.internal:8000/v1', ['llm.internal'])).toMatchObject({
      origin: 'http://llm.internal:8000',
    });
  });

  it.each([
    'http://api.groq.com/openai/v1',
    'http://10.0.0.1/v1',
    'http://127.0.0.1.example.com/v1',
    'http://127.example/v1',
    'http://localhost.example.com/v1',
    'http://[::ffff:8.8.8.8]/v1',
    'http://0.0.0.0/v1',
    'http://not-llm.internal/v1',
    'http://llm.internal.example.com/v1',
  ])('and to nowhere else: %s', (url) => {
    expect(fromEnvironment(url, ['llm.internal'])).toEqual({
      problem: expect.stringContaining('GROQ_BASE_URL is not https') as string,
    });
  });
});

describe('what an address must not hold', () => {
  const planted = ['planted', 'password'].join('-');

  it.each([
    [`https://user:${planted}@host.example/v1`, 'GROQ_BASE_URL must not hold a user or password'],
    [`https://${planted}@host.example/v1`, 'GROQ_BASE_URL must not hold a user or password'],
    [`https://host.example/v1?key=${planted}`, 'GROQ_BASE_URL must not hold a query or fragment'],
    [`https://host.example/v1#${planted}`, 'GROQ_BASE_URL must not hold a query or fragment'],
    [`file:///etc/${planted}`, 'GROQ_BASE_URL must begin with https://'],
    [`ftp://host.example/${planted}`, 'GROQ_BASE_URL must begin with https://'],
    [`javascript:${planted}`, 'GROQ_BASE_URL must begin with https://'],
    [`//host.example/${planted}`, 'GROQ_BASE_URL is not a URL'],
    [`https://ho st.example/${planted}`, 'GROQ_BASE_URL is not a URL'],
  ])('%s is refused by a line that does not repeat it', (url, problem) => {
    expect(fromEnvironment(url)).toEqual({ problem });
    expect(JSON.stringify(fromEnvironment(url))).not.toContain(planted);
  });
});

it('whatever the text, the outcome is an https or loopback address or a problem, never an exception', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.webUrl({ validSchemes: ['http'] })), (environment) => {
      const upstream = fromEnvironment(environment);
      expect('problem' in upstream ? upstream.problem : upstream.origin).toMatch(
        'problem' in upstream ? /./ : /^https:\/\/|^http:\/\/(127\.|localhost|\[::1\])/,
      );
    }),
  );
});
