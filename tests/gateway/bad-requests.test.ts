import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { gatewayAndProvider } from '../support/gateway-and-provider.ts';
import { openConnection, type RawAnswer } from '../support/raw-http.ts';
import { gatewayToken } from '../support/running-keyward.ts';

const maxBodyBytes = 100_000;
const room = gatewayAndProvider({ MAX_BODY_BYTES: String(maxBodyBytes), BODY_IDLE_TIMEOUT_MS: '500' });
const good = JSON.stringify({ model: 'openrouter/m', messages: [] });

/** The shape of the OpenAI API, which every refusal has. */
const envelope = (type: string, code: string, param: string | null = null) => ({
  error: { message: expect.stringMatching(/^[A-Z].*\.$/) as string, type, param, code },
});

/** The requests that reached the provider since the test began. */
async function reachedProvider(act: () => Promise<unknown>): Promise<number> {
  const before = room.provider.requests.length;
  await act();
  return room.provider.requests.length - before;
}

const head = (...lines: string[]) =>
  [
    'POST /api/v1/llm/chat/completions HTTP/1.1',
    'Host: gateway',
    `Authorization: Bearer ${gatewayToken}`,
    ...lines,
    '',
    '',
  ].join('\r\n');
const json = 'Content-Type: application/json';

/** Sends the bytes on a connection of their own and returns the first answer. */
async function sendRaw(...pieces: (string | Buffer)[]): Promise<RawAnswer> {
  const connection = await openConnection(room.keyward.port);
  for (const piece of pieces) await connection.send(piece);
  const answer = await connection.answer();
  connection.close();
  return answer;
}

describe('a body is refused, in the OpenAI shape and without a call to the provider, when it', () => {
  test.each([
    ['is not JSON', 'hello', 'invalid_json', null],
    ['is cut off', '{"model":"openrouter/m"', 'invalid_json', null],
    ['is empty', '', 'empty_body', null],
    ['is no object', '["openrouter/m"]', 'body_not_object', null],
    ['has no model', '{"messages":[]}', 'model_required', 'model'],
    ['has a number for a model', '{"model":5}', 'model_invalid', 'model'],
    ['has an array for a model', '{"model":["openrouter/m"]}', 'model_invalid', 'model'],
    ['has null for a model', '{"model":null}', 'model_invalid', 'model'],
    ['has an empty model', '{"model":""}', 'model_invalid', 'model'],
    ['has two models', '{"model":"openrouter/a","model":"openrouter/b"}', 'duplicate_field', 'model'],
    [
      'has two models, one with an escape',
      '{"model":"openrouter/a","\\u006dodel":"openrouter/b"}',
      'duplicate_field',
      'model',
    ],
    [
      'has two models, one no text',
      '{"model":{"a":"openrouter/a"},"model":"openrouter/b"}',
      'duplicate_field',
      'model',
    ],
  ])('%s', async (_what, body, code, param) => {
    const calls = await reachedProvider(async () => {
      const response = await room.keyward.chat(body);
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual(envelope('invalid_request_error', code, param));
    });
    expect(calls).toBe(0);
  });

  test('is not UTF-8', async () => {
    const body = Buffer.from(`${good.slice(0, -1)},"a":"é"}`, 'latin1');
    const { status, body: text } = await sendRaw(head(json, `Content-Length: ${body.length}`), body);
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({
      error: { code: 'invalid_json', message: expect.stringContaining('UTF-8') as string },
    });
  });

  test.each(['text/plain', 'application/json; charset=utf-16'])('is said to be %s', async (type) => {
    const response = await room.keyward.chat(good, { headers: { 'content-type': type } });
    expect(response.status).toBe(415);
    expect(await response.json()).toEqual(
      envelope('invalid_request_error', 'unsupported_media_type', 'content-type'),
    );
  });

  test('has no content type', async () => {
    expect((await sendRaw(head('Content-Length: 2'), '{}')).status).toBe(415);
  });

  test('is compressed', async () => {
    const response = await room.keyward.chat(good, { headers: { 'content-encoding': 'gzip' } });
    expect(response.status).toBe(415);
    expect(await response.json()).toEqual(
      envelope('invalid_request_error', 'unsupported_encoding', 'content-encoding'),
    );
  });
});

describe('a body over the limit', () => {
  const large = `{"model":"openrouter/m","a":"${'x'.repeat(maxBodyBytes)}"}`;
  const refusal = envelope('invalid_request_error', 'body_too_large');

  test('is refused by its announced length, before it is sent', async () => {
    const { status, body } = await sendRaw(head(json, `Content-Length: ${large.length}`));
    expect(status).toBe(413);
    expect(JSON.parse(body)).toEqual(refusal);
    expect(body).toContain(String(maxBodyBytes));
  });

  test('is refused as soon as it is too long, where no length was announced', async () => {
    const chunk = `${large.length.toString(16)}\r\n${large}\r\n`;
    const { status, body } = await sendRaw(head(json, 'Transfer-Encoding: chunked'), chunk);
    expect(status).toBe(413);
    expect(JSON.parse(body)).toEqual(refusal);
  });

  test('is not asked for where the caller waits to be asked', async () => {
    expect(
      (await sendRaw(head(json, `Content-Length: ${large.length}`, 'Expect: 100-continue'))).status,
    ).toBe(413);
    const asked = await sendRaw(head(json, `Content-Length: ${good.length}`, 'Expect: 100-continue'));
    expect(asked.status).toBe(100);
  });

  test.each(['with a length', 'in chunks'])(
    'brings its sender the answer and no reset, when all of it is sent before anything is read, %s',
    async (how) => {
      const connection = await openConnection(room.keyward.port);
      connection.stopListening();
      const pieces = Array<string>(100).fill(large);
      if (how === 'with a length') {
        await connection.send(head(json, `Content-Length: ${large.length * pieces.length}`));
        for (const piece of pieces) await connection.send(piece);
      } else {
        await connection.send(head(json, 'Transfer-Encoding: chunked'));
        for (const piece of pieces) await connection.send(`${piece.length.toString(16)}\r\n${piece}\r\n`);
        await connection.send('0\r\n\r\n');
      }
      connection.listen();
      const { status, body } = await connection.answer();
      expect(status).toBe(413);
      expect(JSON.parse(body)).toEqual(refusal);
      connection.close();
    },
  );

  test('is one that the official SDK understands', async () => {
    const content = 'x'.repeat(maxBodyBytes);
    const asked = room.keyward
      .client()
      .chat.completions.create({ model: 'openrouter/m', messages: [{ role: 'user', content }] });
    await expect(asked).rejects.toMatchObject({ status: 413, code: 'body_too_large' });
    await expect(asked).rejects.toThrow(OpenAI.APIError);
  });

  test('begins one byte above the limit', async () => {
    const largest = good.padEnd(maxBodyBytes);
    expect((await room.keyward.chat(largest)).status).toBe(200);
    expect((await room.keyward.chat(`${largest} `)).status).toBe(413);
  });
});

describe('a model', () => {
  test('of an unknown provider is 404, naming the known ones', async () => {
    const response = await room.keyward.chat({ model: 'nobody/model', messages: [] });
    expect(response.status).toBe(404);
    const answer = (await response.json()) as { error: { message: string } };
    expect(answer).toEqual(envelope('invalid_request_error', 'provider_not_found', 'model'));
    expect(answer.error.message).toMatch(/"nobody".*openrouter/);
  });

  test('without any provider is 404, showing how to name one', async () => {
    const response = await room.keyward.chat({ model: 'gpt-x', messages: [] });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual(envelope('invalid_request_error', 'model_not_found', 'model'));
  });

  test('of a provider without a key is 503, naming the places looked at', async () => {
    for (const [source, places] of [
      ['environment', /GROQ_API_KEY is not set/],
      ['database', /no key is stored/],
      ['hybrid', /no key is stored and GROQ_API_KEY is not set/],
      ['vault', /"vault" is not known.*GROQ_API_KEY is not set/],
    ] as const) {
      await room.keyward.setProvider('groq', { api_key_source: source });
      const response = await room.keyward.chat({ model: 'groq/llama', messages: [] });
      expect(response.status).toBe(503);
      const answer = (await response.json()) as { error: { message: string } };
      expect(answer).toEqual(envelope('api_error', 'provider_key_missing'));
      expect(answer.error.message).toMatch(places);
    }
  });
});

describe('headers', () => {
  test.each([
    [
      'two Authorization headers',
      [json, 'authorization: Bearer other', 'Content-Length: 2'],
      'duplicate_header',
    ],
    ['two content types', [json, 'content-type: text/plain', 'Content-Length: 2'], 'duplicate_header'],
    ['two hosts', [json, 'Host: other', 'Content-Length: 2'], 'duplicate_header'],
    ['two lengths', [json, 'Content-Length: 2', 'content-length: 3'], 'malformed_request'],
    ['a length and chunks', [json, 'Content-Length: 2', 'Transfer-Encoding: chunked'], 'malformed_request'],
    ['a length that is no number', [json, 'Content-Length: two'], 'malformed_request'],
    ['a negative length', [json, 'Content-Length: -2'], 'malformed_request'],
    ['a line break within', [json, 'X-A: a\nb', 'Content-Length: 2'], 'malformed_request'],
  ])('with %s are refused: 400', async (_what, lines, code) => {
    const calls = await reachedProvider(async () => {
      const { status, body } = await sendRaw(head(...lines), '{}');
      expect(status).toBe(400);
      expect(JSON.parse(body)).toMatchObject({ error: { code, type: 'invalid_request_error' } });
    });
    expect(calls).toBe(0);
  });

  test('that are too large are refused: 431', async () => {
    const { status, body } = await sendRaw(head(json, `X-A: ${'x'.repeat(100_000)}`));
    expect(status).toBe(431);
    expect(JSON.parse(body)).toEqual(envelope('invalid_request_error', 'headers_too_large'));
  });

  test('of a caller who does not speak HTTP get an answer that says so', async () => {
    const { status, body } = await sendRaw('HELLO\r\n\r\n');
    expect(status).toBe(400);
    expect(JSON.parse(body)).toEqual(envelope('invalid_request_error', 'malformed_request'));
  });
});

describe('a content-length that lies', () => {
  test('by saying too little: the body that it leaves is refused, and what follows harms nobody', async () => {
    const calls = await reachedProvider(async () => {
      const connection = await openConnection(room.keyward.port);
      await connection.send(head(json, `Content-Length: ${good.length - 5}`) + good);
      const { status, body } = await connection.answer();
      expect(status).toBe(400);
      expect(JSON.parse(body)).toMatchObject({ error: { type: 'invalid_request_error' } });
      connection.close();
    });
    expect(calls).toBe(0);
    expect((await room.keyward.chat(good)).status).toBe(200);
  });

  test('by saying too much, and falling silent: 408', async () => {
    const calls = await reachedProvider(async () => {
      const { status, body } = await sendRaw(head(json, `Content-Length: ${good.length + 5}`), good);
      expect(status).toBe(408);
      expect(JSON.parse(body)).toEqual(envelope('invalid_request_error', 'request_timeout'));
    });
    expect(calls).toBe(0);
  });

  test('by saying too much, and closing: 400', async () => {
    const calls = await reachedProvider(async () => {
      const connection = await openConnection(room.keyward.port);
      await connection.send(head(json, `Content-Length: ${good.length + 5}`) + good);
      await connection.finish();
      const { status, body } = await connection.answer();
      expect(status).toBe(400);
      expect(JSON.parse(body)).toEqual(envelope('invalid_request_error', 'body_aborted'));
      connection.close();
    });
    expect(calls).toBe(0);
  });
});

describe('a slow sender', () => {
  test('who falls silent in the middle of a body is let go: 408', async () => {
    const { status, body } = await sendRaw(head(json, 'Content-Length: 50'), good.slice(0, 20));
    expect(status).toBe(408);
    expect(JSON.parse(body)).toEqual(envelope('invalid_request_error', 'request_timeout'));
  });

  test('who falls silent between two chunks is let go: 408', async () => {
    expect((await sendRaw(head(json, 'Transfer-Encoding: chunked'), '5\r\n{"mod\r\n')).status).toBe(408);
  });

  test('who only takes its time is served', async () => {
    const { status } = await sendRaw(head(json, `Content-Length: ${good.length}`), ...good.split(''));
    expect(status).toBe(200);
  });
});

test('after all of this the gateway serves as before, and logged no body and no token', async () => {
  expect((await room.keyward.chat(good)).status).toBe(200);
  const log = room.keyward.logLines.join('');
  expect(log).not.toContain(gatewayToken);
  expect(log).not.toContain('xxxxxxxxxx');
  expect(log).not.toMatch(/"level":50/);
});
