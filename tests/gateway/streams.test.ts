import OpenAI from 'openai';
import { once } from 'node:events';
import { connect } from 'node:net';
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { gatewayAndProvider } from '../support/gateway-and-provider.ts';
import { openConnection, type RawConnection } from '../support/raw-http.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { gatewayToken, startKeyward } from '../support/running-keyward.ts';

const room = gatewayAndProvider();
const ask = { model: 'openrouter/m', messages: [{ role: 'user' as const, content: 'Hello' }] };
const askStream = { ...ask, stream: true as const };

/** What an event stream may hold: comments, CRLF, fields of their own, characters of two, three and four bytes. */
const oddStream = [
  ': OPENROUTER PROCESSING\n\n',
  'data: {"choices":[{"delta":{"content":"Grüße 世界 🙂"}}]}\r\n\r\n',
  'event: ping\rdata: {}\r\r',
  'id: 7\nretry: 10\ndata:   {"spaces":  1.0}  \n\n',
  'data: [DONE]\n\n',
].join('');

async function rawChat(body: object = askStream): Promise<RawConnection> {
  const connection = await openConnection(room.keyward.port);
  const text = JSON.stringify(body);
  await connection.send(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${gatewayToken}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
  return connection;
}

async function answersOpen(): Promise<string | undefined> {
  const metrics = await (await fetch(`${room.keyward.server.url}/metrics`)).text();
  return /^keyward_answers_open (\d+)$/m.exec(metrics)?.[1];
}

describe('a stream arrives', () => {
  test.each([[[1]], [[7, 1, 3]], [[1024]], [[64 * 1024]]])(
    'byte for byte, when the provider writes pieces of %j bytes',
    async (writeBytes) => {
      const answer = { status: 200, contentType: 'text/event-stream', body: oddStream };
      room.provider.behave({ answer, writeBytes });
      const response = await room.keyward.chat(askStream);
      expect(Buffer.from(await response.arrayBuffer()).toString('latin1')).toBe(
        Buffer.from(oddStream).toString('latin1'),
      );
      expect(response.headers.get('content-type')).toBe('text/event-stream');
    },
  );

  test('piece by piece: the first one is there before the provider has sent the second', async () => {
    room.provider.behave({
      answer: { status: 200, contentType: 'text/event-stream', body: oddStream },
      cut: { afterBytes: 25, ending: 'stall' },
    });
    const response = await room.keyward.chat(askStream);
    const pieces = (response.body as ReadableStream<Uint8Array>).values({ preventCancel: true });
    expect(Buffer.from((await pieces.next()).value ?? []).toString()).toBe(oddStream.slice(0, 25));
    await room.provider.waitForStall();
    room.provider.release('rest');
    const rest: Uint8Array[] = [];
    for await (const piece of pieces) rest.push(piece);
    expect(Buffer.concat(rest).toString()).toBe(oddStream.slice(25));
  });

  test('with its head before its first piece', async () => {
    room.provider.behave({ cut: { afterBytes: 0, ending: 'stall' } });
    const response = await room.keyward.chat(askStream);
    expect(response.status).toBe(200);
    room.provider.release('rest');
    expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/);
  });

  test('whole, although it is large', async () => {
    room.provider.behave({ chunks: 20_000, chunkChars: 200 });
    const body = await (await room.keyward.chat(askStream)).text();
    expect(body.match(/^data: \{/gm)).toHaveLength(20_002);
    expect(body.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  test('complete without [DONE], when the provider itself ended it properly', async () => {
    room.provider.behave({ withoutDone: true });
    const response = await room.keyward.chat(askStream);
    expect(await response.text()).toMatch(/"finish_reason":"stop"\}\]\}\n\n$/);
  });
});

describe('an answer that is not a stream', () => {
  test('arrives byte for byte, with its length', async () => {
    const body = '{ "id" : "\\u00e9",\t"n":12345678901234567890, "n":1.0 }\r\n';
    room.provider.behave({ answer: { status: 200, body }, writeBytes: [3] });
    const response = await room.keyward.chat(ask);
    expect(await response.text()).toBe(body);
    expect(response.headers.get('content-length')).toBe(String(body.length));
  });

  test('arrives byte for byte when it is no text at all', async () => {
    const bytes = randomBytes(300_000);
    const upstream = await startRawUpstream((socket) => {
      socket.write(
        'HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n',
      );
      for (let at = 0; at < bytes.length; at += 10_000) {
        socket.write('2710\r\n');
        socket.write(bytes.subarray(at, at + 10_000));
        socket.write('\r\n');
      }
      socket.write('0\r\n\r\n');
    });
    await room.keyward.setProvider('fireworks', {
      base_url: upstream.origin,
      api_key_source: 'database',
      encrypted_api_key: room.keyward.encrypt('fake-key'),
    });
    const response = await room.keyward.chat({ ...ask, model: 'fireworks/m' });
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    await upstream.close();
  });

  test('may be preceded by interim answers', async () => {
    await fromRawUpstream(
      'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}',
      async (response) => {
        expect(response.status).toBe(200);
        expect(await response.text()).toBe('{}');
      },
    );
  });
});

/** A whole stream, and where in its bytes an event ends. */
async function bordersOf(): Promise<{ text: string; border: number }> {
  room.provider.behave({ chunks: 100 });
  const text = await (await room.keyward.chat(askStream)).text();
  return { text, border: Buffer.byteLength(text.slice(0, text.indexOf('\n\n', 2000) + 2)) };
}

const withoutIds = (text: string): string => text.replaceAll(/stand-in-\d+/g, 'stand-in');

/** Lets a raw upstream answer one chat. */
async function fromRawUpstream(answer: string, look: (response: Response) => Promise<void>): Promise<void> {
  const upstream = await startRawUpstream(answer);
  try {
    await room.keyward.setProvider('fireworks', {
      base_url: upstream.origin,
      api_key_source: 'database',
      encrypted_api_key: room.keyward.encrypt('fake-key'),
    });
    await look(await room.keyward.chat({ ...askStream, model: 'fireworks/m' }));
  } finally {
    await upstream.close();
  }
}

describe('an upstream that breaks off is never dressed up as a normal end', () => {
  // So many failures in a row, spread over seconds on a slow machine, would have the host left alone.
  afterEach(async () => {
    room.provider.behave({});
    await (await room.keyward.chat(ask)).text();
  });

  test.each(['reset', 'close'] as const)('%s in the middle of a stream: the SDK throws', async (ending) => {
    room.provider.behave({ chunks: 100, cut: { afterBytes: 5000, ending } });
    const stream = await room.keyward.client().chat.completions.create(askStream);
    const received: string[] = [];
    const reading = (async () => {
      for await (const chunk of stream) received.push(chunk.choices[0]?.delta.content ?? '');
    })();
    await expect(reading).rejects.toThrow(/terminated|JSON|broke off in the middle/);
    expect(received.length).toBeGreaterThan(5);
  });

  test.each(['reset', 'close'] as const)(
    '%s in the middle of a stream: the last chunk never comes, or says what happened',
    async (ending) => {
      room.provider.behave({ chunks: 100, cut: { afterBytes: 5000, ending } });
      const connection = await rawChat();
      const received = await connection.rest();
      expect(received).toMatch(/^HTTP\/1\.1 200 /);
      expect(received).not.toContain('[DONE]');
      if (received.includes('\r\n0\r\n')) expect(received).toContain('"code":"provider_broke_off"');
      connection.close();
    },
  );

  test('to a caller of HTTP/1.0, for whom the connection ends the answer, a break is a reset', async () => {
    room.provider.behave({ chunks: 100, cut: { afterBytes: 5000, ending: 'close' } });
    const text = JSON.stringify(askStream);
    const socket = connect(room.keyward.port, '127.0.0.1');
    socket.write(
      `POST /v1/chat/completions HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer ${gatewayToken}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
    socket.resume();
    const [fault] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(fault.code).toBe('ECONNRESET');
  });

  test.each(['reset', 'close'] as const)('%s before the first byte of a stream', async (ending) => {
    room.provider.behave({ cut: { afterBytes: 0, ending } });
    const text = await (await room.keyward.chat(askStream)).text();
    expect(text).toMatch(/^data: \{"error":\{"message":"The provider \\"openrouter\\" broke off.*\}\n\n$/);
  });

  test.each(['reset', 'close'] as const)('%s between two events is an event of its own', async (ending) => {
    const { text, border } = await bordersOf();
    room.provider.behave({ chunks: 100, cut: { afterBytes: border, ending } });
    const received = await (await room.keyward.chat(askStream)).text();
    const [last, ...before] = received.split('\n\n').slice(0, -1).toReversed();
    // A reset may overtake what was sent before it.
    expect(withoutIds(text).startsWith(withoutIds(before.toReversed().join('\n\n')))).toBe(true);
    expect(JSON.parse(last?.replace('data: ', '') ?? '')).toEqual({
      error: {
        message: 'The provider "openrouter" broke off in the middle of its answer.',
        type: 'api_error',
        param: null,
        code: 'provider_broke_off',
      },
    });
    const reading = async () => {
      for await (const chunk of await room.keyward.client().chat.completions.create(askStream)) void chunk;
    };
    await expect(reading()).rejects.toThrow(OpenAI.APIError);
  });

  test.each(['reset', 'close'] as const)('%s in the middle of a body with a length', async (ending) => {
    room.provider.behave({ cut: { afterBytes: 20, ending } });
    const response = await room.keyward.chat(ask);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(20);
    await expect(response.text()).rejects.toThrow('terminated');
    await expect(room.keyward.client().chat.completions.create(ask)).rejects.toThrow('terminated');
  });

  test.each(['reset', 'close'] as const)(
    '%s before the head is an answer of its own: 502',
    async (insteadOfHeaders) => {
      room.provider.behave({ insteadOfHeaders });
      const response = await room.keyward.chat(askStream);
      expect(response.status).toBe(502);
      expect(await response.json()).toMatchObject({
        error: { code: 'provider_broke_off', type: 'api_error' },
      });
    },
  );

  const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n';

  test('a stream that only its connection ends, before [DONE]', async () => {
    await fromRawUpstream(`${head}data: {"a":1}\n\n`, async (response) => {
      expect(response.status).toBe(200);
      await expect(response.text()).rejects.toThrow('terminated');
    });
  });

  test('the same where the text of the answer speaks of [DONE]', async () => {
    await fromRawUpstream(`${head}data: {"a":"data: [DONE]"}\n\n`, async (response) => {
      await expect(response.text()).rejects.toThrow('terminated');
    });
  });

  test('but the same with its [DONE] is a normal end', async () => {
    await fromRawUpstream(`${head}data: {"a":1}\n\ndata: [DONE]\n\n`, async (response) => {
      expect(await response.text()).toBe('data: {"a":1}\n\ndata: [DONE]\n\n');
    });
  });

  test('an answer that is no HTTP is 502', async () => {
    await fromRawUpstream('SSH-2.0-OpenSSH_9.6\r\n', async (response) => {
      expect(response.status).toBe(502);
      expect(await response.json()).toMatchObject({ error: { code: 'provider_broke_off' } });
    });
  });

  test('a chunk that is none cuts the stream', async () => {
    await fromRawUpstream(
      'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\ndata:\r\nzz\r\n',
      async (response) => {
        await expect(response.text()).rejects.toThrow('terminated');
      },
    );
  });

  test('the breaking off is counted and logged, without the key', async () => {
    room.provider.behave({ insteadOfHeaders: 'reset' });
    await room.keyward.chat(ask, { headers: { 'x-request-id': 'broken-1' } });
    const line = room.keyward.logLines.find((logged) => logged.includes('"broken-1"'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ level: 40, provider: 'openrouter', status: 502 });
  });

  test('in the middle of an answer it is told from one that never began', async () => {
    const cut = async (): Promise<number> => {
      const text = await (await fetch(`${room.keyward.server.url}/metrics`)).text();
      return Number(/^keyward_answers_cut_total\{provider="openrouter"\} (\d+)/m.exec(text)?.[1] ?? 0);
    };
    const before = await cut();
    room.provider.behave({ cut: { afterBytes: 300, ending: 'reset' } });
    const response = await room.keyward.chat(askStream, { headers: { 'x-request-id': 'broken-2' } });
    await expect(response.text()).rejects.toThrow('terminated');
    const line = room.keyward.logLines.find((logged) => logged.includes('"broken-2"'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      status: 200,
      msg: 'The provider "openrouter" broke off in the middle of its answer.',
    });
    expect(await cut()).toBe(before + 1);
  });
});

describe('a caller who leaves', () => {
  let disconnects = 0;

  test.each([
    ['in the middle of a stream', { cut: { afterBytes: 300, ending: 'stall' as const } }],
    ['before the answer has begun', { insteadOfHeaders: 'stall' as const }],
  ])('%s ends the request upstream', async (_when, behaviour) => {
    room.provider.behave(behaviour);
    const leaving = new AbortController();
    const chat = room.keyward.chat(askStream, { signal: leaving.signal }).then((response) => response.text());
    const outcome = Promise.allSettled([chat]);
    await room.provider.waitForStall();
    disconnects += 1;
    leaving.abort();
    expect(await outcome).toMatchObject([{ status: 'rejected' }]);
    await room.provider.waitForDisconnect(disconnects);
  });

  test('by breaking off the SDK loop ends the request upstream', async () => {
    room.provider.behave({ chunks: 1_000_000, chunkChars: 100 });
    const stream = await room.keyward.client().chat.completions.create(askStream);
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
    disconnects += 1;
    await expect(room.provider.waitForDisconnect(disconnects)).resolves.toBeUndefined();
  });

  test('while sending the body costs the provider nothing', async () => {
    const before = room.provider.requests.length;
    const connection = await openConnection(room.keyward.port);
    await connection.send(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${gatewayToken}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"model":`,
    );
    connection.close();
    await room.keyward.chat(ask);
    expect(room.provider.requests).toHaveLength(before + 1);
  });

  test('leaves nothing behind: the count of open answers goes back to none', async () => {
    await expect.poll(answersOpen).toBe('0');
  });

  test('is counted as 499, not as a fault of the provider', async () => {
    const count = async (status: number): Promise<string | undefined> => {
      const metrics = await (await fetch(`${room.keyward.server.url}/metrics`)).text();
      const labels = `{provider="openrouter",status="${status}",source="environment"} `;
      return metrics.split(labels)[1]?.split('\n')[0];
    };
    const before = { left: Number((await count(499)) ?? 0), failed: await count(502) };
    room.provider.behave({ insteadOfHeaders: 'stall' });
    const leaving = new AbortController();
    const outcome = Promise.allSettled([room.keyward.chat(ask, { signal: leaving.signal })]);
    await room.provider.waitForStall();
    leaving.abort();
    expect(await outcome).toMatchObject([{ status: 'rejected' }]);
    await expect.poll(async () => count(499)).toBe(String(before.left + 1));
    expect(await count(502)).toBe(before.failed);
  });
});

describe('patience', () => {
  test('a reader who does not read stops the provider, and gets everything when it reads again', async () => {
    const piece = Buffer.from(`data: ${'x'.repeat(64 * 1024 - 8)}\n\n`);
    const pieces = 4096;
    let written = 0;
    const upstream = await startRawUpstream((socket) => {
      socket.write(
        'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
      );
      const next = (): void => {
        if (written === pieces) {
          socket.end('0\r\n\r\n');
          return;
        }
        written += 1;
        socket.write(Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')]), next);
      };
      next();
    });
    await room.keyward.setProvider('fireworks', { base_url: upstream.origin });
    const response = await room.keyward.chat({ ...askStream, model: 'fireworks/m' });
    let before = -1;
    await expect
      .poll(
        () => {
          const still = written === before;
          before = written;
          return still;
        },
        { interval: 200 },
      )
      .toBe(true);
    expect(written).toBeGreaterThan(0);
    expect(written * piece.length).toBeLessThan(64 * 1024 * 1024);
    let bytes = 0;
    for await (const chunk of response.body ?? []) bytes += chunk.length;
    expect(bytes).toBe(pieces * piece.length);
    await upstream.close();
  });

  test('a provider that falls silent is cut off after UPSTREAM_IDLE_TIMEOUT_MS, between two events with an event that says so', async () => {
    const keyward = await startKeyward({
      env: {
        FIREWORKS_API_KEY: 'fake-key',
        FIREWORKS_BASE_URL: room.provider.baseUrl,
        UPSTREAM_IDLE_TIMEOUT_MS: '100',
      },
    });
    const { border } = await bordersOf();
    room.provider.setKeys(['fake-key']);
    room.provider.behave({ chunks: 100, cut: { afterBytes: 300, ending: 'stall' } });
    const response = await keyward.chat({ ...askStream, model: 'fireworks/m' });
    await expect(response.text()).rejects.toThrow('terminated');
    room.provider.behave({ chunks: 100, cut: { afterBytes: border, ending: 'stall' } });
    const text = await (await keyward.chat({ ...askStream, model: 'fireworks/m' })).text();
    expect(text).toMatch(/"code":"provider_idle_timeout"\}\}\n\n$/);
    expect(text).not.toMatch(/"finish_reason":"|\[DONE\]/);
    await keyward.stop();
  });
});
