/** The log: whatever field a secret hides in, the line that leaves the process does not hold it. */
import { describe, expect, it } from 'vitest';
import { createLogger, type Logger } from '../../src/foundation/logger.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { redactSecrets } from '../../src/providers/redact.ts';

const key = ['planted', 'key', '5d2e', 'x'.repeat(20)].join('-');
const withQuotes = ['planted"quoted', 'key\\5d2e', 'y'.repeat(20)].join('-');
const secrets = [new Secret(key), new Secret(withQuotes)];

function loggerTo(lines: string[], format: 'auto' | 'json' | 'text', level = 'trace'): Logger {
  return createLogger({
    level,
    format,
    scrub: (line) => redactSecrets(line, secrets),
    write: (line) => lines.push(line),
  });
}

const hidingPlaces: readonly (readonly [string, (log: Logger, secret: string) => void])[] = [
  ['the message', (log, secret) => log.info(`the key ${secret} was refused`)],
  ['a message with arguments', (log, secret) => log.info('the key %s was refused', secret)],
  ['a field', (log, secret) => log.info({ key: secret }, 'refused')],
  ['a field within fields', (log, secret) => log.info({ a: { b: [{ c: secret }] } }, 'refused')],
  ['the name of a field', (log, secret) => log.info({ [secret]: true }, 'refused')],
  ['an error', (log, secret) => log.error({ err: new Error(`refused ${secret}`) }, 'refused')],
  [
    'the cause of an error',
    (log, secret) => log.error({ err: new Error('refused', { cause: new Error(secret) }) }, 'refused'),
  ],
  [
    'a property of an error',
    (log, secret) => log.error({ err: Object.assign(new Error('refused'), { headers: { secret } }) }),
  ],
  ['a URL', (log, secret) => log.warn(`GET https://host/?key=${encodeURIComponent(secret)}`)],
  ['a header', (log, secret) => log.warn({ authorization: `Bearer ${secret}` })],
  ['base64', (log, secret) => log.warn({ basic: Buffer.from(`user:${secret}`).toString('base64') })],
  ['a child of the log', (log, secret) => log.child({ key: secret }).info('refused')],
];

describe.each(['json', 'text'] as const)('in the format %s', (format) => {
  it.each(hidingPlaces)('a known secret in %s is taken out', (_place, hide) => {
    for (const secret of [key, withQuotes]) {
      const lines: string[] = [];
      hide(loggerTo(lines, format), secret);
      expect(lines).toHaveLength(1);
      const line = lines.join('');
      expect(line).not.toContain(secret);
      expect(line).not.toContain(JSON.stringify(secret).slice(1, -1));
      expect(line).not.toMatch(/5d2e/);
    }
  });

  it('a key that nobody knew of is taken out by its shape', () => {
    const lines: string[] = [];
    const unknown = ['sk', 'or', 'v1', '0f'.repeat(32)].join('-');
    loggerTo(lines, format).warn({ answer: `bad key ${unknown}` }, 'refused');
    expect(lines.join('')).not.toContain(unknown);
  });

  it('a Secret shows as its fingerprint', () => {
    const lines: string[] = [];
    loggerTo(lines, format).info({ key: new Secret(key, 'fp_0123456789ab') }, 'served');
    expect(lines.join('')).toContain('[secret fp_0123456789ab]');
  });

  it('each entry is one line that ends', () => {
    const lines: string[] = [];
    const log = loggerTo(lines, format);
    log.info({ provider: 'groq' }, 'first');
    log.warn('two\nlines in one message');
    log.error({ err: new Error('three\nlines\nhere') }, 'third');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line.split('\n').filter(Boolean)).toHaveLength(1);
  });

  it('what is below the level is not written', () => {
    const lines: string[] = [];
    const log = loggerTo(lines, format, 'warn');
    log.info('quiet');
    log.warn('loud');
    expect(lines).toHaveLength(1);
  });
});

describe('the formats', () => {
  it('json is one object a line, with the time in UTC and no host or process', () => {
    const lines: string[] = [];
    loggerTo(lines, 'json').warn({ provider: 'groq', err: new Error('broke') }, 'refused');
    const entry = JSON.parse(lines.join('')) as Record<string, unknown>;
    expect(entry).toMatchObject({ level: 40, msg: 'refused', provider: 'groq', err: { message: 'broke' } });
    expect(entry['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Object.keys(entry)).not.toContain('hostname');
    expect(Object.keys(entry)).not.toContain('pid');
  });

  it('text is the time, the level, the message and the fields, an error by its message', () => {
    const lines: string[] = [];
    const log = loggerTo(lines, 'text');
    log.warn({ provider: 'groq', tries: 2, err: new Error('broke') }, 'refused');
    expect(lines.join('')).toMatch(/^\d\d:\d\d:\d\d warn refused provider=groq tries=2 err=broke\n$/);
  });

  it('auto is json where standard error is no terminal', () => {
    const lines: string[] = [];
    loggerTo(lines, process.stderr.isTTY ? 'json' : 'auto').info('hello');
    expect(JSON.parse(lines.join(''))).toMatchObject({ msg: 'hello' });
  });

  it('text keeps what could steer a terminal out of it', () => {
    const lines: string[] = [];
    loggerTo(lines, 'text').warn({ provider: '\u001b[2J\u0007evil' }, 'a \u001b[31mred\u001b[0m message\r');
    expect(lines.join('').trimEnd()).not.toMatch(/\p{Cc}/u);
    expect(lines.join('')).toContain('evil');
  });
});
