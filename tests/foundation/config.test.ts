/** The environment becomes one checked configuration, or one message that names every fault and no value. */
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/foundation/config.ts';
import { UsageError } from '../../src/foundation/errors.ts';

type Environment = Readonly<Record<string, string>>;

const planted = (name: string): string => ['planted', name, '7c1f'].join('-');

function faultOf(environment: Environment): UsageError {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('no fault was found');
}

const messageOf = (environment: Environment): string => faultOf(environment).message;

describe('with nothing set', () => {
  it('the embedded database lies in .keyward of the working directory and the door is closed', () => {
    const config = loadConfig({});
    expect(config.database).toEqual({ kind: 'embedded', dataDirectory: resolve('.keyward') });
    expect(config).toMatchObject({ host: '127.0.0.1', port: 8084, gatewayAuth: 'token' });
    expect([config.encryptionKey, config.adminToken, config.gatewayToken]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('the configuration is frozen', () => {
    expect(Object.isFrozen(loadConfig({}))).toBe(true);
  });
});

describe('faults', () => {
  const faulty: Environment = {
    PORT: planted('port'),
    SNAPSHOT_POLL_MS: planted('poll'),
    MAX_BODY_BYTES: planted('body'),
    DATABASE_URL: `mysql://user:${planted('password')}@host/db`,
    KEYWARD_ADMIN_TOKEN: 'planted-short',
    KEYWARD_GATEWAY_TOKEN: `${planted('token')} with a space`,
    GATEWAY_AUTH: planted('auth'),
    LOG_LEVEL: planted('level'),
    LOG_FORMAT: planted('format'),
    BYOK_ENCRYPTION_KEY: '',
  };

  it('are all reported at once, each by the name of its variable', () => {
    const message = messageOf(faulty);
    for (const name of Object.keys(faulty)) expect(message).toContain(name);
    expect(message).toContain(`${Object.keys(faulty).length} faults`);
    expect(message.split('\n').filter((line) => line.startsWith('  - '))).toHaveLength(
      Object.keys(faulty).length,
    );
  });

  it('never repeat a value, neither in the message nor in the error', () => {
    const error = faultOf(faulty);
    const everything = inspect(error, { depth: Infinity, showHidden: true });
    expect(everything).not.toMatch(/planted|mysql|7c1f/);
  });

  it('a single one is one line', () => {
    const message = messageOf({ PORT: '70000' });
    expect(message).toBe('The configuration has a fault: PORT must be between 0 and 65535.');
  });

  it.each(['0x10', '1e3', '-1', '8084.5', '80 84', 'eighty'])('the number %j is no number', (PORT) => {
    expect(messageOf({ PORT })).toBe('The configuration has a fault: PORT must be a whole number.');
  });

  it.each([
    'DATABASE_URL',
    'KEYWARD_DATA_DIR',
    'BYOK_ENCRYPTION_KEY',
    'BYOK_ENCRYPTION_KEY_FILE',
    'KEYWARD_ADMIN_TOKEN',
    'KEYWARD_GATEWAY_TOKEN',
  ])('%s set to nothing, or to blanks, is a fault and not the same as unset', (name) => {
    for (const value of ['', '  \t'])
      expect(messageOf({ [name]: value })).toContain(`${name} is set but empty`);
  });

  it('a harmless variable set to nothing counts as unset', () => {
    expect(loadConfig({ PORT: '', LOG_LEVEL: '', GATEWAY_AUTH: '' })).toMatchObject({
      port: 8084,
      gatewayAuth: 'token',
      log: { level: 'info' },
    });
  });
});

describe('the database', () => {
  const whole: Environment = {
    POSTGRES_HOST: 'db.internal',
    POSTGRES_USER: 'unicorn',
    POSTGRES_PASSWORD: planted('password'),
    POSTGRES_DB: 'unicorn_db',
  };

  it('takes the POSTGRES_ variables together, and names itself without the password', () => {
    const { database } = loadConfig({ ...whole, POSTGRES_PORT: '6543' });
    expect(database).toMatchObject({
      kind: 'postgres',
      from: 'POSTGRES_*',
      description: 'PostgreSQL unicorn@db.internal:6543/unicorn_db',
      pool: { host: 'db.internal', port: 6543, password: planted('password') },
    });
  });

  it('the password may be set to nothing', () => {
    const { database } = loadConfig({ ...whole, POSTGRES_PASSWORD: '' });
    expect(database).toMatchObject({ kind: 'postgres', pool: { password: '' } });
  });

  it.each(Object.keys(whole))('half set, without %s, is a fault that names what is missing', (missing) => {
    const { [missing]: _left, ...rest } = whole;
    const message = messageOf(rest);
    expect(message).toContain(`${missing} missing`);
    expect(message).not.toContain('planted');
  });

  it('a lone POSTGRES_PORT does not switch to the embedded one in silence', () => {
    expect(messageOf({ POSTGRES_PORT: '5432' })).toContain('half set: POSTGRES_PORT given');
  });

  it('a half set of which a part is empty names both faults', () => {
    const message = messageOf({ POSTGRES_HOST: '', POSTGRES_USER: 'unicorn' });
    expect(message).toContain('POSTGRES_HOST is set but empty');
    expect(message).toContain('POSTGRES_PASSWORD, POSTGRES_DB missing');
  });

  it('DATABASE_URL outranks POSTGRES_, whole or half', () => {
    const DATABASE_URL = 'postgres://someone@elsewhere:5433/other';
    for (const environment of [whole, { POSTGRES_HOST: 'db.internal' }]) {
      expect(loadConfig({ ...environment, DATABASE_URL }).database).toMatchObject({
        from: 'DATABASE_URL',
        description: 'PostgreSQL someone@elsewhere:5433/other',
      });
    }
  });

  it('an empty DATABASE_URL is not rescued by POSTGRES_', () => {
    expect(messageOf({ ...whole, DATABASE_URL: '' })).toContain('DATABASE_URL is set but empty');
  });

  it.each([
    ['plain', (password: string) => `postgres://user:${password}@host:5432/db`],
    ['with a slash before it', (password: string) => `postgres://user:1234/${password}@host/db`],
    ['with a question mark before it', (password: string) => `postgres://user:1234?${password}@host/db`],
    ['with a hash before it', (password: string) => `postgres://user:1234#${password}@host/db`],
    ['no URL at all', (password: string) => `postgres://user:x ${password}@host:port:port/db`],
    ['in the query', (password: string) => `postgres://host/db?password=${password}`],
    ['in a path with an at sign', (password: string) => `postgres://u@v:1234/${password}@host/db`],
  ])('a password in DATABASE_URL (%s) never stands in the description', (_name, url) => {
    const { database } = loadConfig({ DATABASE_URL: url(planted('password')) });
    expect(database.kind === 'postgres' && database.description).not.toMatch(/planted|7c1f|1234/);
  });
});

const open = (HOST: string): Environment => ({ GATEWAY_AUTH: 'open', HOST });

describe('an open gateway', () => {
  const closed = 'GATEWAY_AUTH=open needs a HOST that is a loopback or private address';

  it.each([
    '127.0.0.1',
    '127.9.9.9',
    'localhost',
    '::1',
    '[::1]',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.254',
    '192.168.0.1',
    '100.64.0.1',
    '169.254.1.1',
    'fd12:3456::1',
    'FC00::1',
    'fe80::1',
  ])('is let through on %s', (host) => {
    expect(loadConfig(open(host)).gatewayAuth).toBe('open');
  });

  it.each([
    '0.0.0.0',
    '::',
    '8.8.8.8',
    '172.15.0.1',
    '172.32.0.1',
    '192.169.0.1',
    '100.63.0.1',
    '100.128.0.1',
    '11.0.0.1',
    '2001:db8::1',
    '::ffff:8.8.8.8',
    'fd::1',
    'fc::1',
    'fe8::1',
    'fec0::1',
    'gateway.example.com',
    '127.0.0.1.example.com',
    'localhost.example.com',
    '10.0.0.1.',
  ])('is refused on %s', (host) => {
    expect(messageOf(open(host))).toContain(closed);
  });

  it('is let through without HOST, since the default is loopback', () => {
    expect(loadConfig({ GATEWAY_AUTH: 'open' }).gatewayAuth).toBe('open');
  });

  it('a public host alone is fine: callers present a token there', () => {
    expect(loadConfig({ HOST: '0.0.0.0' })).toMatchObject({ host: '0.0.0.0', gatewayAuth: 'token' });
  });
});

describe('the environment of a provider', () => {
  it('is named after its slug, a dash as an underscore', () => {
    const { provider } = loadConfig({
      MY_OWN_LLM_API_KEY: planted('key'),
      MY_OWN_LLM_BASE_URL: 'https://llm.internal/v1',
    });
    expect(provider('my-own-llm')).toMatchObject({
      apiKeyName: 'MY_OWN_LLM_API_KEY',
      baseUrlName: 'MY_OWN_LLM_BASE_URL',
      baseUrl: 'https://llm.internal/v1',
    });
    expect(provider('my-own-llm').apiKey?.reveal()).toBe(planted('key'));
  });

  it('an empty or blank key counts as none', () => {
    const { provider } = loadConfig({ GROQ_API_KEY: '', XAI_API_KEY: ' \n', GROQ_BASE_URL: ' ' });
    expect(provider('groq')).toMatchObject({ apiKey: undefined, baseUrl: undefined });
    expect(provider('xai').apiKey).toBeUndefined();
  });

  it('white space around a key, as a file leaves it, does not travel with it', () => {
    const { provider } = loadConfig({ GROQ_API_KEY: ` ${planted('key')}\r\n` });
    expect(provider('groq').apiKey?.reveal()).toBe(planted('key'));
  });
});

it('no secret of the environment shows when the configuration is printed', () => {
  const config = loadConfig({
    KEYWARD_ADMIN_TOKEN: planted('admin-token'),
    KEYWARD_GATEWAY_TOKEN: planted('gateway-token'),
    BYOK_ENCRYPTION_KEY: planted('ring'),
    OPENROUTER_API_KEY: planted('provider'),
  });
  const shown = inspect([config, config.provider('openrouter')], { depth: Infinity, showHidden: true });
  expect(shown + JSON.stringify(config)).not.toContain('planted');
});

it('lists split at commas, in lower case and without blanks', () => {
  expect(loadConfig({ UPSTREAM_ALLOW_HTTP: ' One.Internal, ,two.internal,' }).upstream.allowHttp).toEqual([
    'one.internal',
    'two.internal',
  ]);
});
