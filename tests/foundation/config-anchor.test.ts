/** Where heads of the audit trail are noted: a sensible place without a word, and no setting that means nothing. */
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/foundation/config.ts';
import { UsageError } from '../../src/foundation/errors.ts';

const DATABASE_URL = 'postgres://user@host/db';
const AUDIT_ANCHOR_URL = 'https://audit.example/heads';
const AUDIT_ANCHOR_SECRET = ['whsec', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'].join('_');
type Environment = Readonly<Record<string, string>>;
const anchorOf = (environment: Environment) => loadConfig(environment).audit.anchor;

function faultsOf(environment: Environment): string {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return '';
}

describe('the anchor', () => {
  it('beside the embedded database is a file in its directory, beside a real one the log', () => {
    expect(anchorOf({})).toEqual({ kind: 'file', path: resolve('.keyward/audit-heads.jsonl') });
    expect(anchorOf({ KEYWARD_DATA_DIR: '/data' })).toEqual({
      kind: 'file',
      path: join('/data', 'audit-heads.jsonl'),
    });
    expect(anchorOf({ DATABASE_URL })).toEqual({ kind: 'log' });
  });

  it('is where it is said to be', () => {
    const AUDIT_ANCHOR_FILE = '/mnt/audit/heads.jsonl';
    for (const more of [{}, { DATABASE_URL }, { DATABASE_URL, AUDIT_ANCHOR: 'file' }])
      expect(anchorOf({ AUDIT_ANCHOR_FILE, ...more })).toEqual({ kind: 'file', path: AUDIT_ANCHOR_FILE });
    expect(anchorOf({ AUDIT_ANCHOR: 'off' })).toEqual({ kind: 'off' });
    expect(anchorOf({ AUDIT_ANCHOR: 'log' })).toEqual({ kind: 'log' });
    expect(anchorOf({ AUDIT_ANCHOR: 'webhook', AUDIT_ANCHOR_URL, AUDIT_ANCHOR_SECRET })).toMatchObject({
      kind: 'webhook',
      url: AUDIT_ANCHOR_URL,
    });
  });

  it.each<readonly [Environment, string]>([
    [{ AUDIT_ANCHOR: 'everywhere' }, 'AUDIT_ANCHOR must be one of: file, log, webhook, off'],
    [{ AUDIT_ANCHOR: 'webhook', AUDIT_ANCHOR_URL }, 'AUDIT_ANCHOR=webhook needs AUDIT_ANCHOR_SECRET'],
    [{ AUDIT_ANCHOR: 'webhook', AUDIT_ANCHOR_SECRET }, 'AUDIT_ANCHOR=webhook needs AUDIT_ANCHOR_URL'],
    [{ AUDIT_ANCHOR_URL }, 'AUDIT_ANCHOR_URL is set, but AUDIT_ANCHOR is not webhook'],
    [
      { AUDIT_ANCHOR: 'log', AUDIT_ANCHOR_SECRET },
      'AUDIT_ANCHOR_SECRET is set, but AUDIT_ANCHOR is not webhook',
    ],
    [
      { AUDIT_ANCHOR: 'log', AUDIT_ANCHOR_FILE: 'a' },
      'AUDIT_ANCHOR_FILE is set, but AUDIT_ANCHOR is not file',
    ],
    [{ AUDIT_ANCHOR: 'log', LOG_LEVEL: 'warn' }, 'AUDIT_ANCHOR=log needs LOG_LEVEL=info or lower'],
    [{ AUDIT_ANCHOR_FILE: '' }, 'AUDIT_ANCHOR_FILE is set but empty'],
  ])('with %j is a fault that says what is wrong', (environment, message) => {
    expect(faultsOf(environment)).toContain(message);
  });

  it.each([
    'http://audit.example/heads',
    'https://me:pw@audit.example',
    'ftp://audit.example',
    'audit.example',
    'http://127.0.0.1.example/',
  ])('is not posted to %s', (url) => {
    const message = faultsOf({ AUDIT_ANCHOR: 'webhook', AUDIT_ANCHOR_URL: url, AUDIT_ANCHOR_SECRET });
    expect(message).toContain('AUDIT_ANCHOR_URL must be an https:// address');
    expect(message).not.toContain('audit.example');
  });

  it.each(['http://127.0.0.1:9/heads', 'http://[::1]:9/', 'http://localhost/heads', AUDIT_ANCHOR_URL])(
    'may be posted to %s',
    (url) => {
      expect(anchorOf({ AUDIT_ANCHOR: 'webhook', AUDIT_ANCHOR_URL: url, AUDIT_ANCHOR_SECRET })).toMatchObject(
        { url },
      );
    },
  );

  it.each([
    'short',
    'whsec_c2hvcnQ=',
    'not base64 at all, but long enough to be one',
    `whsec_${'A'.repeat(100)}`,
  ])('takes no secret that receivers would not: %s', (secret) => {
    const message = faultsOf({ AUDIT_ANCHOR: 'webhook', AUDIT_ANCHOR_URL, AUDIT_ANCHOR_SECRET: secret });
    expect(message).toContain('AUDIT_ANCHOR_SECRET must be 24 to 64 bytes in base64');
    expect(message).not.toContain(secret);
  });
});
