/** A request that fails on its way: what is said of it, by its error, and that nothing secret is in the words. */
import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/foundation/secret.ts';
import { classifyFault, classifyTimeout, transportFaults } from '../../src/providers/transport-faults.ts';

const text = ['planted', 'key', 'x'.repeat(24), '6e6e'].join('-');
const key = new Secret(text);

function faultOf(code: string, message = ''): ReturnType<typeof classifyFault> {
  return classifyFault(Object.assign(new Error(message), { code }), key);
}

const meanings = [
  ['ETIMEDOUT', 'timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
  ['UND_ERR_HEADERS_TIMEOUT', 'timeout'],
  ['AddressRefusedError', 'address_refused'],
  ['ENOTFOUND', 'dns_fault'],
  ['EAI_AGAIN', 'dns_fault'],
  ['ECONNREFUSED', 'connection_refused'],
  ['EHOSTUNREACH', 'no_route'],
  ['ENETUNREACH', 'no_route'],
  ['EPERM', 'no_route'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls_fault'],
  ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', 'tls_fault'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls_fault'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls_fault'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'tls_fault'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls_fault'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'tls_fault'],
  ['CERT_HAS_EXPIRED', 'tls_fault'],
  ['EPROTO', 'tls_fault'],
  ['HPE_INVALID_CONSTANT', 'not_http'],
  ['UND_ERR_HEADERS_OVERFLOW', 'not_http'],
  ['ECONNRESET', 'connection_broken'],
  ['UND_ERR_SOCKET', 'connection_broken'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'connection_broken'],
  ['UND_ERR_INVALID_ARG', 'not_sendable'],
  ['EMFILE', 'request_failed'],
  ['', 'request_failed'],
] as const;

test.each(meanings)('%s is %s, and says nothing about the key', (code, name) => {
  expect(faultOf(code)).toMatchObject({ verdict: 'unreachable', code: name });
});

test('no row of the table is without an error here, and each has a name of its own', () => {
  const names = transportFaults.map(({ name }) => name);
  expect(new Set(meanings.map(([, name]) => name))).toEqual(new Set([...names, 'request_failed']));
  expect(new Set(names).size).toBe(names.length);
});

describe('the message', () => {
  test('says what happened in our words, and the words of the system where they say more', () => {
    expect(faultOf('ECONNREFUSED', 'connect ECONNREFUSED 192.0.2.7:443').message).toBe(
      'The provider could not be asked: nobody listens there (connect ECONNREFUSED 192.0.2.7:443).',
    );
    expect(faultOf('ERR_SSL_WRONG_VERSION_NUMBER', '40AD21:error:0A00010B:SSL routines:\n').message).toBe(
      'The provider could not be asked: no trusted TLS connection came about (ERR_SSL_WRONG_VERSION_NUMBER).',
    );
  });

  test('of several addresses that all failed names each of them', () => {
    const errors = ['192.0.2.7:443', '192.0.2.8:443'].map(
      (address) => new Error(`connect ECONNREFUSED ${address}`),
    );
    const all = Object.assign(new AggregateError(errors, ''), { code: 'ECONNREFUSED' });
    expect(classifyFault(all, key).message).toContain('192.0.2.7:443; connect ECONNREFUSED 192.0.2.8:443');
  });

  test('tells the limit that was passed', () => {
    expect(classifyTimeout(10_000)).toMatchObject({
      verdict: 'unreachable',
      code: 'timeout',
      message: 'The provider could not be asked: no answer within 10 s.',
    });
  });

  test('never holds the key, is one line, and is short', () => {
    const { message } = faultOf('EMFILE', `bad header ${text}\n\u001B[31m${'and more '.repeat(100)}`);
    expect(message).not.toContain('6e6e');
    expect(message).not.toMatch(/\p{Cc}/u);
    expect(message.length).toBeLessThan(300);
  });

  test('is there for what is no error at all', () => {
    expect(classifyFault('just a text', key)).toMatchObject({ code: 'request_failed' });
    expect(classifyFault(undefined, key)).toMatchObject({ code: 'request_failed' });
  });
});
