import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/foundation/secret.ts';
import { answerHeaders, requestId, upstreamHeaders } from '../../src/gateway/headers.ts';
import { servedProvider, targetAt } from '../support/snapshot-parts.ts';

const key = ['sk', 'fake', 'key'].join('-');
const towards = (caller: Record<string, string | string[]>, slug = 'openrouter') =>
  upstreamHeaders(caller, targetAt(servedProvider(slug), new Secret(key)));

const isLeak = (value: string): boolean => value.includes('planted-key');

describe('towards the provider', () => {
  test('nothing that identifies or authorises the caller is sent', () => {
    const sent = towards({
      authorization: 'Bearer caller',
      cookie: 'session=1',
      'openai-organization': 'org-caller',
      'openai-project': 'proj-caller',
      'x-api-key': 'caller',
      'x-goog-api-key': 'caller',
      'api-key': 'caller',
      forwarded: 'for=192.0.2.1',
      'x-forwarded-for': '192.0.2.1',
      'x-real-ip': '192.0.2.1',
      'x-stainless-os': 'Linux',
      'user-agent': 'caller/1',
      host: 'gateway.invalid',
      connection: 'keep-alive',
      'transfer-encoding': 'chunked',
      'content-length': '5',
      'proxy-authorization': 'Basic caller',
      'x-anything-else': 'caller',
    });
    expect(Object.keys(sent).toSorted()).toEqual([
      'accept-encoding',
      'authorization',
      'content-type',
      'user-agent',
    ]);
    expect(JSON.stringify(sent)).not.toMatch(/caller|192\.0\.2\.1/);
  });

  test('the key travels as the provider asks', () => {
    expect(towards({})['authorization']).toBe(`Bearer ${key}`);
  });

  test('what shapes the answer or traces the call is sent', () => {
    const shaping = {
      accept: 'text/event-stream',
      'accept-language': 'de',
      'anthropic-beta': 'b',
      'anthropic-version': '2023-06-01',
      'http-referer': 'https://app.example',
      'idempotency-key': '1',
      'openai-beta': 'b',
      traceparent: '00-1',
      tracestate: 't=1',
      'x-title': 'App',
    };
    expect(towards(shaping)).toMatchObject(shaping);
  });

  test('the answer is asked for unencoded, whatever the caller accepts', () => {
    expect(towards({ 'accept-encoding': 'gzip, br' })['accept-encoding']).toBe('identity');
  });

  test('the body is said to be JSON, without what the caller said beside it', () => {
    expect(towards({ 'content-type': 'application/json; x="y"' })['content-type']).toBe('application/json');
  });
});

describe('towards the caller', () => {
  test('limits, costs and retry hints get through', () => {
    const useful = {
      'content-type': 'text/event-stream',
      'retry-after': '7',
      'retry-after-ms': '7000',
      'x-ratelimit-remaining-requests': '3',
      'openai-processing-ms': '12',
      'cache-control': 'no-cache',
    };
    expect(answerHeaders(useful, isLeak)).toEqual(useful);
  });

  test('what belongs to one connection or to the provider and its visitors does not', () => {
    expect(
      answerHeaders(
        {
          connection: 'keep-alive',
          'keep-alive': 'timeout=5',
          'transfer-encoding': 'chunked',
          'set-cookie': ['__cf=1'],
          'www-authenticate': 'Bearer',
          'strict-transport-security': 'max-age=1',
          'alt-svc': 'h3',
          server: 'cloudflare',
          trailer: 'x',
          upgrade: 'h2c',
        },
        isLeak,
      ),
    ).toEqual({});
  });

  test('a header that the provider forged as one of ours is dropped', () => {
    expect(answerHeaders({ 'x-keyward-provider': 'forged', 'x-keyward-anything': '1' }, isLeak)).toEqual({});
  });

  test("the provider's request id has a name of its own", () => {
    expect(answerHeaders({ 'x-request-id': 'req_1' }, isLeak)).toEqual({ 'x-provider-request-id': 'req_1' });
  });

  test('leaves out what repeats our key, also among several values and as the request id', () => {
    const echo = 'not with planted-key';
    const headers = { 'x-echo': echo, link: ['one', echo], 'x-request-id': echo, 'retry-after': '1' };
    expect(answerHeaders(headers as never, isLeak)).toEqual({ 'retry-after': '1' });
  });
});

describe('the request id', () => {
  test.each(['abc', '0f8fad5b-d9cd-469f-a165-70867728950e', 'trace:1.2_3', 'x'.repeat(128)])(
    'of the caller is kept when it is plain: %s',
    (id) => {
      expect(requestId({ 'x-request-id': id })).toBe(id);
    },
  );

  test.each([
    ['absent', undefined],
    ['empty', ''],
    ['too long', 'x'.repeat(129)],
    ['with a blank', 'a b'],
    ['with a line break', 'a\nb'],
    ['with markup', '<script>'],
    ['sent twice', 'a, b'],
    ['beyond ASCII', 'ä'],
  ])('is a new one where the given one is %s', (_why, id) => {
    const headers = id === undefined ? {} : { 'x-request-id': id };
    const first = requestId(headers);
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(requestId(headers)).not.toBe(first);
  });
});
