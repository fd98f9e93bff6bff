/** Where a key may be sent: the nearest address that was named, over TLS but for loopback and named hosts. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { providerEntry } from '../../src/providers/registry.ts';
import { ownHost, resolveUpstream, type AddressCandidates } from '../../src/keys/upstream-address.ts';

const candidates = (over: Partial<AddressCandidates>): AddressCandidates => ({
  environment: undefined,
  environmentName: 'GROQ_BASE_URL',
  database: null,
  provider: 'https://api.groq.com/openai/v1',
  allowPrivateNetwork: false,
  requestHeaders: null,
  allowHttp: [],
  ...over,
});

/** What is wrong with a base_url of the row; undefined where nothing is. */
const problemOf = (database: string, over: Partial<AddressCandidates> = {}): string | undefined => {
  const upstream = resolveUpstream(candidates({ database, ...over }));
  return 'problem' in upstream ? upstream.problem : undefined;
};

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

  it.each([
    ['anthropic', 'https://mirror.example', 'https://mirror.example/v1'],
    ['anthropic', 'https://mirror.example/', 'https://mirror.example/v1'],
    ['anthropic', 'https://mirror.example/v1', 'https://mirror.example/v1'],
    ['anthropic', 'https://mirror.example/claude', 'https://mirror.example/claude'],
    ['google', 'https://mirror.example', 'https://mirror.example/v1beta/openai'],
    ['google', 'https://mirror.example/v1beta', 'https://mirror.example/v1beta/openai'],
    ['google', 'https://mirror.example/v1', 'https://mirror.example/v1'],
    ['groq', 'https://mirror.example', 'https://mirror.example'],
  ])('of %s may be as the SDK of its own API takes it: %s', (slug, environment, baseUrl) => {
    const { baseUrl: provider, native } = providerEntry(slug);
    expect(resolveUpstream(candidates({ environment, provider, native }))).toMatchObject({ baseUrl });
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
      allowPrivateNetwork: true,
      headers: {},
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
    'http://127.0.0.1.example.com/v1',
    'http://127.example/v1',
    'http://localhost.example.com/v1',
    'http://[::ffff:8.8.8.8]/v1',
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

/** Other spellings of 169.254.169.254 and of 10.0.0.1, which the URL standard reads as addresses. */
const spellings = (decimal: string, hex: string, octal: string, mixed: string, mapped: string): string[] => [
  `https://${decimal}/v1`,
  `https://${hex}/v1`,
  `https://${octal}/v1`,
  `https://${mixed}/v1`,
  `https://[${mapped}]/v1`,
];
const metadataSpellings = [
  'https://169.254.169.254/v1',
  'https://169.254.169.254:8443/v1',
  'https://169.254.169.254./v1',
  'https://１６９.254.169.254/v1',
  'https://169。254。169。254/v1',
  'https://%31%36%39.254.169.254/v1',
  ...spellings('2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.254.0xa9fe', '::ffff:a9fe:a9fe'),
  'https://[64:ff9b::169.254.169.254]/v1',
  'https://[2002:a9fe:a9fe::1]/v1',
  'https://[fd00:ec2::254]/v1',
  'https://100.100.100.200/v1',
  'https://metadata.google.internal/computeMetadata/v1',
  'https://METADATA.google.internal/v1',
  'https://metadata.goog/v1',
  'https://metadata/v1',
  'https://instance-data/latest',
];

describe('cloud metadata and link-local addresses are never called, whatever is set', () => {
  const everything = {
    allowPrivateNetwork: true,
    allowHttp: ['169.254.169.254', '169.254.1.1', '[fe80::1]', 'metadata.google.internal'],
  };

  it.each(metadataSpellings)('%s', (url) => {
    expect(problemOf(url, everything)).toMatch(/^base_url leads to the metadata service of a cloud/);
    expect(problemOf('', { ...everything, environment: url })).toMatch(/^GROQ_BASE_URL leads to/);
    expect(problemOf(url.replace('https:', 'http:'), everything)).toBeDefined();
  });

  it.each([
    'https://169.254.1.1/v1',
    'http://169.254.1.1/v1',
    'http://[fe80::1]/v1',
    'https://[fe80::1]/v1',
    'https://[::ffff:169.254.1.1]/v1',
  ])('%s', (url) => {
    expect(problemOf(url, everything)).toMatch(/^base_url leads to a link-local address/);
  });
});

describe('what is no address of one host is refused', () => {
  it.each([
    'https://0.0.0.0/v1',
    'http://0.0.0.0/v1',
    'https://0/v1',
    'https://[::]/v1',
    'https://224.0.0.1/v1',
    'https://255.255.255.255/v1',
    'https://[ff02::1]/v1',
    'https://[::ffff:0.0.0.0]/v1',
  ])('%s', (url) => {
    expect(problemOf(url, { allowPrivateNetwork: true })).toBe(
      'base_url leads to an address that no single host has',
    );
  });
});

describe('a private network', () => {
  const urls = [
    'https://10.0.0.1/v1',
    'https://172.16.0.1/v1',
    'https://192.168.1.10:8443/v1',
    'https://100.64.0.1/v1',
    'https://[fd12:3456::1]/v1',
    'https://[64:ff9b::10.0.0.1]/v1',
    ...spellings('167772161', '0x0a000001', '012.0.0.1', '10.1', '::ffff:10.0.0.1'),
  ];

  it.each(urls)('%s is called only where the row allows it', (url) => {
    expect(problemOf(url)).toMatch(/^base_url leads to a private network; .*allow_private_network/);
    expect(resolveUpstream(candidates({ database: url, allowPrivateNetwork: true }))).toMatchObject({
      from: 'database',
      allowPrivateNetwork: true,
    });
  });

  it.each(urls)('%s needs no permission in the environment, which is the word of the operator', (url) => {
    expect(fromEnvironment(url)).toMatchObject({ from: 'environment', allowPrivateNetwork: true });
  });

  it('a name may not lead there either: the upstream says so to whoever connects', () => {
    const name = 'https://llm.example/v1';
    expect(resolveUpstream(candidates({ database: name }))).toMatchObject({ allowPrivateNetwork: false });
    expect(resolveUpstream(candidates({ database: name, allowPrivateNetwork: true }))).toMatchObject({
      allowPrivateNetwork: true,
    });
    expect(fromEnvironment(name)).toMatchObject({ allowPrivateNetwork: true });
    expect(resolveUpstream(candidates({ allowPrivateNetwork: true }))).toMatchObject({ from: 'provider' });
  });

  it('loopback is not one', () => {
    for (const url of ['https://127.0.0.1/v1', 'http://localhost:11434/v1', 'https://[::ffff:127.0.0.1]/v1'])
      expect(problemOf(url)).toBeUndefined();
  });
});

it('a dot at the end of a host would be another spelling of the same host, and is refused', () => {
  expect(problemOf('https://api.groq.com./v1')).toBe('base_url must not end its host with a dot');
  expect(problemOf('https://metadata.google.internal./v1')).toBe('base_url must not end its host with a dot');
});

describe('the headers of the row', () => {
  it('travel with the address, wherever it came from', () => {
    const requestHeaders = { 'X-Title': 'App' };
    for (const over of [{ requestHeaders }, { requestHeaders, environment: 'https://e.example' }])
      expect(resolveUpstream(candidates(over))).toMatchObject({ headers: { 'x-title': 'App' } });
  });

  it('that cannot be sent set the provider aside', () => {
    expect(resolveUpstream(candidates({ requestHeaders: { authorization: 'Bearer other' } }))).toEqual({
      problem: expect.stringMatching(/^request_headers: "authorization" would carry a credential/) as string,
    });
  });
});

describe('the host that a key is bound to', () => {
  it.each([
    ['https://API.groq.com/openai/v1', 'api.groq.com:443'],
    ['https://api.groq.com:8443', 'api.groq.com:8443'],
    ['https://api.groq.com:443/other/path', 'api.groq.com:443'],
    ['http://api.groq.com/v1', 'api.groq.com:80'],
    ['  https://api.groq.com\n', 'api.groq.com:443'],
    ['https://user:password@api.groq.com/', 'api.groq.com:443'],
    ['https://0x7f.1/', '127.0.0.1:443'],
    ['https://[FD00::1]:8443/', '[fd00::1]:8443'],
    ['', 'usual.example:443'],
    ['  ', 'usual.example:443'],
    ['nonsense', ''],
  ])('of %j is %j', (database, host) => {
    expect(ownHost(database, 'https://usual.example/v1')).toBe(host);
  });

  it("is the provider's own where the row has none, and empty where nobody knows one", () => {
    expect(ownHost(null, 'https://usual.example/v1')).toBe('usual.example:443');
    expect(ownHost(null, undefined)).toBe('');
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
