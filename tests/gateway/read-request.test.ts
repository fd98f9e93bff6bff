import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { errorEnvelope, type KeywardError } from '../../src/foundation/errors.ts';
import {
  checkBodyHeaders,
  isModelName,
  parseModelRequest,
  readBody,
  refuseDuplicateHeaders,
} from '../../src/gateway/read-request.ts';
import { jsonObjectText, stringText } from '../support/json-text.ts';
import { openConnection } from '../support/raw-http.ts';

const parse = (text: string | Buffer) => parseModelRequest(Buffer.from(text as string));

describe('a body', () => {
  test.each([
    ['empty', '', 'empty_body'],
    ['blank', ' \n', 'invalid_json'],
    ['not JSON', 'model=x', 'invalid_json'],
    ['cut off', '{"model":"x"', 'invalid_json'],
    ['JSON with something after it', '{"model":"x"}}', 'invalid_json'],
    ['JSON with comments', '{"model":"x"/**/}', 'invalid_json'],
    ['JSON with a byte order mark', '\ufeff{"model":"x"}', 'invalid_json'],
    ['a number that JSON has not got', '{"model":"x","n":NaN}', 'invalid_json'],
    ['an array', '[{"model":"x"}]', 'body_not_object'],
    ['null', 'null', 'body_not_object'],
    ['a string', '"model"', 'body_not_object'],
    ['without a model', '{"messages":[]}', 'model_required'],
    ['with a model further in', '{"x":{"model":"x"}}', 'model_required'],
    ['with a model in its prototype', '{"__proto__":{"model":"x"}}', 'model_required'],
    ['with a number for a model', '{"model":5}', 'model_invalid'],
    ['with null for a model', '{"model":null}', 'model_invalid'],
    ['with an array for a model', '{"model":["x"]}', 'model_invalid'],
    ['with an object for a model', '{"model":{"id":"x"}}', 'model_invalid'],
    ['with an empty model', '{"model":""}', 'model_invalid'],
    ['with a blank model', '{"model":" "}', 'model_invalid'],
    ['with a NUL in its model', '{"model":"x\\u0000"}', 'model_invalid'],
    ['with a line end in its model', '{"model":"x\\ny"}', 'model_invalid'],
    ['with half a character in its model', '{"model":"x\\ud83d"}', 'model_invalid'],
    ['with a model that turns its direction', '{"model":"x\\u202ey"}', 'model_invalid'],
    ['with a model of pages', `{"model":"${'x'.repeat(1_001)}"}`, 'model_invalid'],
    ['with a model of twelve megabytes', `{"model":"${'x'.repeat(12_000_000)}"}`, 'model_invalid'],
    ['with two models', '{"model":"x","model":"y"}', 'duplicate_field'],
    ['with two models of which the last is none', '{"model":"x","model":5}', 'duplicate_field'],
  ])('that is %s is refused', (_what, text, code) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code }));
  });

  test('that is not UTF-8 is refused as such', () => {
    const latin1 = Buffer.from('{"model":"x","a":"é"}', 'latin1');
    expect(() => parse(latin1)).toThrow(/not valid UTF-8/);
  });

  test('that is wrong is never quoted, only the place of the fault is told', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 5 }), (text) => {
        fc.pre(!/^\d+$/.test(text));
        const marked = `{"model": secret-${text}`;
        expect(() => parse(marked)).toThrow(
          /^The request body is not valid JSON\. (The fault is at byte \d+\.|It ends too early\.)$/,
        );
      }),
    );
  });

  test('that is nested beyond all reason is refused or read, and harms nobody', () => {
    const deep = '['.repeat(200_000);
    expect(() => parse(`{"model":"x","a":${deep}`)).toThrow(
      expect.objectContaining({ code: 'invalid_json' }),
    );
    expect(parse(`{"a":${deep}${']'.repeat(200_000)},"model":"x"}`).model).toBe('x');
  });

  test('that is good gives the model as JSON reads it, and where it stands', () => {
    fc.assert(
      fc.property(jsonObjectText({ avoiding: 'model' }), stringText, ({ before, after }, value) => {
        const model = JSON.parse(value) as string;
        fc.pre(isModelName(model));
        const request = parse(`${before}"model":${value}${after}`);
        expect(request.model).toBe(model);
        expect(request.body.toString('utf8', request.span.start, request.span.end)).toBe(value);
      }),
    );
  });
});

const length = (bytes: number) => `Content-Length: ${bytes}`;

describe('as it arrives', () => {
  const limits = { maxBodyBytes: 20, bodyIdleTimeoutMs: 300 };
  const taken = createServer((request, response) => {
    take(request).then(
      (text) => response.end(JSON.stringify({ text })),
      (error: KeywardError) => response.end(JSON.stringify(errorEnvelope(error))),
    );
  });
  const take = async (request: IncomingMessage): Promise<string> => {
    refuseDuplicateHeaders(request);
    checkBodyHeaders(request, limits);
    return (await readBody(request, limits)).toString();
  };
  afterEach(() => taken.close());

  /** Sends the lines of a head and the pieces of a body, and returns what came of it. */
  async function send(head: readonly string[], ...pieces: string[]): Promise<string> {
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const connection = await openConnection((taken.address() as AddressInfo).port);
    await connection.send(['POST / HTTP/1.1', 'Host: x', ...head, '', ''].join('\r\n'));
    for (const piece of pieces) await connection.send(piece);
    const { body } = await connection.answer();
    connection.close();
    const answer = JSON.parse(body) as { text?: string; error?: { code: string } };
    return answer.text ?? String(answer.error?.code);
  }

  const json = 'Content-Type: application/json';
  const chunked = 'Transfer-Encoding: chunked';

  test.each([
    ['with a length', [json, length(5)], ['hello'], 'hello'],
    ['in pieces', [json, length(5)], ['he', 'l', 'lo'], 'hello'],
    ['in chunks', [json, chunked], ['2\r\nhe\r\n', '3\r\nllo\r\n0\r\n\r\n'], 'hello'],
    ['of exactly the limit', [json, length(20)], ['x'.repeat(20)], 'x'.repeat(20)],
    ['without a length, which means without a body', [json], [], ''],
    ['of a type with parameters', ['content-type: Application/JSON; charset=utf-8', length(1)], ['x'], 'x'],
    ['in no encoding, said aloud', [json, 'Content-Encoding: identity', length(1)], ['x'], 'x'],
  ])('a body %s is read', async (_how, head, pieces, expected) => {
    expect(await send(head, ...pieces)).toBe(expected);
  });

  test.each([
    ['announces too much', [json, length(21)], [], 'body_too_large'],
    ['sends too much in one chunk', [json, chunked], [`15\r\n${'x'.repeat(21)}\r\n`], 'body_too_large'],
    [
      'sends too much little by little',
      [json, chunked],
      Array<string>(21).fill('1\r\nx\r\n'),
      'body_too_large',
    ],
    ['falls silent', [json, length(5)], ['hell'], 'request_timeout'],
    ['falls silent at once', [json, length(5)], [], 'request_timeout'],
    ['falls silent between chunks', [json, chunked], ['1\r\nx\r\n'], 'request_timeout'],
    ['sends another type', ['Content-Type: text/plain', length(1)], ['x'], 'unsupported_media_type'],
    [
      'sends a type that only begins alike',
      ['Content-Type: application/json5', length(1)],
      ['x'],
      'unsupported_media_type',
    ],
    ['sends no type', [length(1)], ['x'], 'unsupported_media_type'],
    [
      'sends a form',
      ['Content-Type: multipart/form-data; boundary=x', length(1)],
      ['x'],
      'unsupported_media_type',
    ],
    ['encodes its body', [json, 'Content-Encoding: gzip', length(1)], ['x'], 'unsupported_encoding'],
    [
      'encodes it for the way',
      [json, 'Transfer-Encoding: gzip, chunked'],
      ['1\r\nx\r\n'],
      'unsupported_encoding',
    ],
    ['says its type twice', [json, json, length(1)], ['x'], 'duplicate_header'],
    [
      'authorises itself twice',
      [json, 'Authorization: Bearer a', 'authorization: Bearer b', length(1)],
      ['x'],
      'duplicate_header',
    ],
    ['names two hosts', [json, 'Host: y', length(1)], ['x'], 'duplicate_header'],
  ])('a caller who %s is refused', async (_what, head, pieces, code) => {
    expect(await send(head, ...pieces)).toBe(code);
  });

  test('a slow sender who goes on sending is not cut off', async () => {
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const connection = await openConnection((taken.address() as AddressInfo).port);
    await connection.send(`POST / HTTP/1.1\r\nHost: x\r\n${json}\r\n${length(6)}\r\n\r\n`);
    const began = performance.now();
    for (const letter of 'patien') {
      await connection.send(letter);
      await new Promise((resolve) => setTimeout(resolve, limits.bodyIdleTimeoutMs / 3));
    }
    expect(JSON.parse((await connection.answer()).body)).toEqual({ text: 'patien' });
    expect(performance.now() - began).toBeGreaterThan(limits.bodyIdleTimeoutMs);
    connection.close();
  });
});
