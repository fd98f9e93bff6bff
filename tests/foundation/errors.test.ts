/** The catalogue of errors: one shape for callers, and what happened inside stays inside. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  codeOf,
  errorCatalogue,
  errorEnvelope,
  KeywardError,
  messageOf,
  UsageError,
  type ErrorCode,
} from '../../src/foundation/errors.ts';

const codes = Object.keys(errorCatalogue) as ErrorCode[];
const documentation = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');

describe('the catalogue', () => {
  it.each(codes)('%s stands in docs/errors.md with its status, type and message', (code) => {
    const { status, type, message } = errorCatalogue[code];
    expect(documentation).toContain(`| ${status} | \`${code}\` | ${type} | ${message} |`);
  });

  it('docs/errors.md names no code that does not exist', () => {
    const documented = [...documentation.matchAll(/^\| \d+ \| `(\w+)` \|/gm)].map(([, code]) => code);
    expect(new Set(documented)).toEqual(new Set(codes));
  });

  it('the type of each fits its status, so that a client retries what is worth it', () => {
    const special: Record<number, string> = {
      401: 'authentication_error',
      403: 'permission_error',
      429: 'rate_limit_error',
    };
    for (const code of codes) {
      const { status, type } = errorCatalogue[code];
      const expected = special[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
      expect(`${code} ${type}`).toBe(`${code} ${expected}`);
    }
  });

  it("only the caller's own token or session can end in a 401", () => {
    expect(codes.filter((code) => errorCatalogue[code].status === 401).toSorted()).toEqual([
      'session_invalid',
      'token_invalid',
      'token_missing',
    ]);
  });
});

describe('an error of the catalogue', () => {
  it('is sent in the envelope of the OpenAI API, with four fields and no more', () => {
    const error = new KeywardError('model_invalid', { param: 'model' });
    expect(errorEnvelope(error)).toEqual({
      error: {
        message:
          'The field "model" must be a non-empty string of at most 1000 characters, without control characters.',
        type: 'invalid_request_error',
        param: 'model',
        code: 'model_invalid',
      },
    });
    expect(error.status).toBe(400);
  });

  it('has a null param where no field is at fault', () => {
    expect(errorEnvelope(new KeywardError('internal_error')).error.param).toBeNull();
  });

  it('never sends its cause', () => {
    const cause = new Error(['planted', 'cause'].join('-'));
    const error = new KeywardError('internal_error', { cause });
    expect(JSON.stringify(errorEnvelope(error))).not.toContain(cause.message);
    expect(error.cause).toBe(cause);
  });
});

describe('a fault of use', () => {
  it('ends with exit code 1 unless it says another', () => {
    expect(new UsageError('no').exitCode).toBe(1);
    expect(new UsageError('no', { exitCode: 2 }).exitCode).toBe(2);
  });
});

describe('what was thrown, in words', () => {
  it('is the message of an error, and the text of anything else', () => {
    expect(messageOf(new Error('broke'))).toBe('broke');
    expect(messageOf('broke')).toBe('broke');
    expect(messageOf(undefined)).toBe('undefined');
  });

  it('says something even for a connection that failed on each address of a name', async () => {
    // What Node reports when a name has an IPv6 and an IPv4 address, as localhost mostly has.
    const refused = await new Promise<Error>((resolve) => {
      connect({
        host: 'two-addresses.invalid',
        port: 1,
        autoSelectFamily: true,
        lookup: (_name, _options, done) => {
          done(null, [
            { address: '127.0.0.1', family: 4 },
            { address: '127.0.0.2', family: 4 },
          ]);
        },
      }).on('error', resolve);
    });
    expect(refused).toBeInstanceOf(AggregateError);
    expect(messageOf(refused)).toContain('ECONNREFUSED');
  });

  it('codeOf finds the code of a system error, and is empty without one', () => {
    expect(codeOf(Object.assign(new Error('no'), { code: 'ENOENT' }))).toBe('ENOENT');
    expect([codeOf(new Error('no')), codeOf('ENOENT'), codeOf(null)]).toEqual(['', '', '']);
    expect(codeOf(Object.assign(new Error('no'), { code: undefined }))).toBe('');
    expect(codeOf(new DOMException('no', 'TimeoutError'))).toBe('');
  });
});
