/** What is wrong with a request is said in one shape, names the place, and repeats nothing that could be a secret. */
import { describe, expect, it, test } from 'vitest';
import { toKeywardError } from '../../src/admin-api/request-faults.ts';
import { shownName } from '../../src/admin-api/shown-name.ts';
import { describeAdministered, firstKey } from '../support/administered-keyward.ts';
import { openConnection } from '../support/raw-http.ts';
import { adminToken } from '../support/running-keyward.ts';

const setKey = '/api/v1/admin/providers/groq/set-key';

describeAdministered('a request that is wrong', (here) => {
  test.each([
    ['no body', undefined, 'empty_body', null],
    ['an empty body', '', 'empty_body', null],
    ['null', 'null', 'empty_body', null],
    ['a list', '[]', 'body_not_object', null],
    ['a number', '7', 'body_not_object', null],
    ['half of JSON', '{"api_key":', 'invalid_json', null],
    ['a poisoned prototype', '{"__proto__":{"a":1},"api_key":"x"}', 'invalid_json', null],
    ['a missing field', '{}', 'field_invalid', 'api_key'],
    ['a field of another type', '{"api_key":{"a":1}}', 'field_invalid', 'api_key'],
    ['a field that stands twice', '{"api_key":"x","reason":"a","api_key":"y"}', 'duplicate_field', 'api_key'],
    ['one that is spelt in two ways', '{"reason":"a","re\\u0061son":"b"}', 'duplicate_field', 'reason'],
    ['an unknown field', '{"api_key":"x","apiKey":"y"}', 'field_unknown', 'apiKey'],
    ['a value that is none of the choices', '{"api_key":"x","source":"vault"}', 'field_invalid', 'source'],
    ['a text with a control character', '{"api_key":"x","reason":"a\\u0007b"}', 'field_invalid', 'reason'],
    ['half a character', '{"api_key":"x","reason":"\\ud800"}', 'field_invalid', 'reason'],
    ['deep nesting', `{"api_key":${'['.repeat(200_000)}${']'.repeat(200_000)}}`, 'field_invalid', 'api_key'],
  ])('by %s is a 400 that says so', async (_what, body, code, param) => {
    const answer = await here().call(`POST ${setKey}`, body === undefined ? {} : { body });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({
      error: { message: expect.any(String) as string, type: 'invalid_request_error', param, code },
    });
  });

  test('by its type is a 415, by its size a 413, by its coding a 415, and by its address a 400 or 404; all in the same shape', async () => {
    const { call } = here();
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/json5',
    ]) {
      const answer = await call(`POST ${setKey}`, { body: '{}', headers: { 'content-type': type } });
      expect([answer.status, answer.code]).toEqual([415, 'unsupported_media_type']);
    }
    const large = await call(`POST ${setKey}`, { body: { api_key: 'x'.repeat(1024 * 1024) } });
    expect([large.status, large.code]).toEqual([413, 'body_too_large']);
    const malformed = await call('GET /api/v1/admin/providers/%zz');
    expect([malformed.status, malformed.code]).toEqual([400, 'malformed_request']);
    const nothing = await call('GET /api/v1/admin/nothing');
    expect([nothing.status, nothing.code]).toEqual([404, 'route_not_found']);
    const long = await call(`GET /api/v1/admin/providers/${'a'.repeat(5_000)}`);
    expect([long.status, long.code]).toEqual([400, 'parameter_invalid']);
    const compressed = await call(`POST ${setKey}`, { body: '{}', headers: { 'content-encoding': 'gzip' } });
    expect([compressed.status, compressed.code]).toEqual([415, 'unsupported_media_type']);
    const plain = await call(`POST ${setKey}`, { body: '{}', headers: { 'content-encoding': 'identity' } });
    expect(plain.code).toBe('field_invalid');
  });

  test('by a field that is missing says so, and by one of another type what it must be', async () => {
    const messageOf = async (body: object): Promise<unknown> =>
      ((await here().call('POST /api/v1/admin/providers', { body })).body['error'] as { message: string })
        .message;
    expect(await messageOf({ slug: 'our-llm' })).toBe('The field "display_name" is required.');
    expect(await messageOf({ slug: 'our-llm', display_name: 7 })).toMatch(
      /^The field "display_name" must be a text/,
    );
  });

  test('by an address that holds a key, a backslash, or letters that turn the text is refused', async () => {
    const secret = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
    for (const [fields, why] of [
      [{ base_url: `https://api.example.com/${secret}` }, /must not hold secrets/],
      [{ base_url: `https://${secret}.example.com/` }, /must not hold secrets/],
      [{ base_url: 'https://evil.example\\@api.example.com/' }, /must not hold a backslash/],
      [{ display_name: 'Open\u202eAI' }, /turn the direction of text/],
    ] as const) {
      const { status, text } = await here().call('POST /api/v1/admin/providers', {
        body: { slug: 'our-llm', display_name: 'Ours', ...fields },
      });
      expect([status, text]).toEqual([400, expect.stringMatching(why)]);
      expect(text).not.toContain(secret);
    }
  });

  test('at an address beside the page of the API leads there', async () => {
    for (const request of ['GET /', 'GET /api/docs/'] as const) {
      const { status, headers } = await here().call(request, { token: null });
      expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    }
  });

  test('by its method is a 405 that names the methods of the address', async () => {
    const { call } = here();
    for (const [request, allow] of [
      ['PUT /api/v1/admin/providers/groq?x=1', 'DELETE, GET, HEAD, PATCH'],
      [`GET ${setKey}`, 'POST'],
      ['DELETE /api/v1/admin/status', 'GET, HEAD'],
    ] as const) {
      const other = await call(request);
      expect([other.status, other.code]).toEqual([405, 'method_not_allowed']);
      expect(other.headers.get('allow')).toBe(allow);
    }
  });

  test('does not have the key repeated, wherever it was put', async () => {
    const { call } = here();
    const answers = await Promise.all([
      call(`POST ${setKey}`, { body: { [firstKey]: 'x', api_key: 'x' } }),
      call(`POST ${setKey}`, { body: { api_key: 'x', source: firstKey } }),
      call(`POST ${setKey}`, { body: { api_key: [firstKey] } }),
      call(`POST ${setKey}`, { body: `{"${firstKey}":1,"${firstKey}":2}` }),
      call(`POST ${setKey}`, { body: `{"api_key":"${firstKey}"` }),
      call(`POST ${setKey}?${firstKey}=1`, { body: { api_key: 'x' } }),
      call(`POST ${setKey}?wait=${firstKey}`, { body: { api_key: 'x' } }),
      call(`GET /api/v1/admin/providers/${firstKey}`),
      call(`GET /api/v1/admin/${firstKey}`),
      call(`GET /api/v1/admin/providers?cursor=${firstKey}`),
      call(`PATCH /api/v1/admin/providers/groq`, { body: { request_headers: { [firstKey]: 'x' } } }),
      call(`PATCH /api/v1/admin/providers/groq`, {
        body: { display_name: 'x' },
        headers: { 'if-match': firstKey },
      }),
    ]);
    for (const { status, text } of answers) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(text).not.toContain(firstKey);
    }
    expect(here().keyward.logLines.join('\n')).not.toContain(firstKey);
  });

  test.each([
    'Content-Type: application/json',
    'Idempotency-Key: a',
    'If-Match: "1"',
    'Authorization: Bearer x',
  ])('by a second header is a 400 that names it, and not done: %s', async (header) => {
    const name = header.split(':', 1)[0] ?? '';
    const body = '{"display_name":"by two headers"}';
    const connection = await openConnection(here().keyward.port);
    await connection.send(
      `PATCH /api/v1/admin/providers/groq HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${adminToken}\r\nContent-Type: application/json\r\n${header}\r\n${header}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    const answer = await connection.answer();
    connection.close();
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'duplicate_header', param: name } });
    const groq = await here().call('GET /api/v1/admin/providers/groq');
    expect(groq.body['display_name']).not.toBe('by two headers');
  });

  test('and stops in the middle of its body is not done', async () => {
    const { keyward } = here();
    const connection = await openConnection(keyward.port);
    await connection.send(
      `POST ${setKey} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${adminToken}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"api_key":`,
    );
    await connection.finish();
    await connection.rest();
    expect((await here().call('GET /api/v1/admin/providers/groq')).body).toMatchObject({ stored_key: null });
  });

  test('with a body where none is read is answered all the same', async () => {
    const { keyward } = here();
    const connection = await openConnection(keyward.port);
    await connection.send(
      `GET /api/v1/admin/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${adminToken}\r\nContent-Length: 7\r\n\r\n{"a":1}`,
    );
    const { status } = await connection.answer();
    connection.close();
    expect(status).toBe(200);
  });
});

describe('a fault that is not the request’s', () => {
  it.each([
    [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'database_unavailable'],
    [Object.assign(new Error('terminating'), { code: '57P01' }), 'database_unavailable'],
    [Object.assign(new Error('deadlock detected'), { code: '40P01' }), 'database_unavailable'],
    [new Error('timeout exceeded when trying to connect'), 'database_unavailable'],
    [new Error('Query read timeout'), 'database_unavailable'],
    [Object.assign(new Error('division by zero'), { code: '22012' }), 'internal_error'],
    [new TypeError('x is not a function'), 'internal_error'],
  ])('%s is %s, and nothing of it is sent', (failure, code) => {
    const error = toKeywardError(failure);
    expect(error).toMatchObject({ code, cause: failure });
    expect(error.message).not.toContain(failure.message);
  });
});

describe('a name that a caller chose', () => {
  it.each(['api_key', 'apiKey', 'X-Team', 'request_headers.x-team', 'groq', 'our-llm', 'v1'])(
    '%s is shown',
    (name) => {
      expect(shownName(name)).toBe(name);
    },
  );

  it.each([firstKey, 'Zm9vYmFyYmF6cXV4MTIz', 'a'.repeat(41), 'x\ny', '<script>', '', 'a1b2c3d4e5', 'ключ'])(
    '%j is not: it could be a secret, or steer a screen',
    (name) => {
      expect(shownName(name)).toBeNull();
    },
  );
});
