/** What a provider, or whoever has got into its place, may send: it harms the caller who asked at most, and no one else. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { gatewayAndProvider, providerKey } from '../support/gateway-and-provider.ts';
import { startRawUpstream, type RawUpstream } from '../support/raw-upstream.ts';
import { gatewayToken } from '../support/running-keyward.ts';

const room = gatewayAndProvider({ UPSTREAM_RETRIES: '0' });

interface Raw {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An answer as it lies on the wire: nothing is decompressed. */
async function ask(method: string, path: string, body = ''): Promise<Raw> {
  const call = httpRequest(new URL(path, room.keyward.server.url), {
    method,
    headers: { authorization: `Bearer ${gatewayToken}`, 'content-type': 'application/json' },
  });
  call.end(body);
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) };
}

const chat = async (): Promise<Raw> =>
  ask('POST', '/v1/chat/completions', JSON.stringify({ model: 'fireworks/m', messages: [] }));

/** What this provider answers each request of a connection with. */
async function behind(
  answers: string | Buffer,
  look: (upstream: RawUpstream) => Promise<void>,
): Promise<void> {
  const upstream = await startRawUpstream((socket) => {
    socket.write(answers);
    socket.on('data', () => socket.write(answers));
  });
  try {
    await room.keyward.setProvider('fireworks', {
      base_url: upstream.origin,
      api_key_source: 'database',
      encrypted_api_key: room.keyward.encrypt(providerKey),
    });
    await look(upstream);
  } finally {
    await upstream.close();
  }
}

const head = (...lines: readonly string[]): string => ['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n');

describe('an answer that two programs could read differently is none:', () => {
  test.each([
    ['two lengths', `${head('content-length: 2', 'content-length: 200')}{}`],
    ['a length and chunks', `${head('content-length: 2', 'transfer-encoding: chunked')}2\r\n{}\r\n0\r\n\r\n`],
    ['a line feed within a header', `${head('x-note: a\nset-cookie: evil=1', 'content-length: 2')}{}`],
    ['a NUL within a header', `${head('x-note: a\0b', 'content-length: 2')}{}`],
    ['line feeds alone for line ends', 'HTTP/1.1 200 OK\ncontent-length: 2\n\n{}'],
    ['an endless head', `HTTP/1.1 200 OK\r\nx-note: ${'x'.repeat(1_000_000)}\r\n\r\n`],
  ])('%s', async (_, answer) => {
    await behind(answer, async () => {
      const { status, headers, body } = await chat();
      expect(status).toBe(502);
      expect(JSON.parse(body.toString())).toMatchObject({ error: { code: 'provider_broke_off' } });
      expect(headers['set-cookie']).toBeUndefined();
    });
  });
});

test('what a provider sends after its answer is the answer to nobody', async () => {
  const good = `${head('content-length: 2')}{}`;
  const planted = `${head('content-length: 7')}planted`;
  await behind(good + planted, async () => {
    for (let turn = 0; turn < 5; turn += 1) {
      const { status, body } = await chat();
      expect([200, 502]).toContain(status);
      expect(body.toString()).not.toContain('planted');
    }
  });
});

describe('an answer that is compressed against our wish', () => {
  const unpackedBytes = 256 * 1024 * 1024;
  const bomb = gzipSync(Buffer.alloc(unpackedBytes));
  const packed = (status: string): Buffer =>
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`,
      ),
      bomb,
    ]);
  /** Of this process, in which Keyward runs too. */
  const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

  test('goes to the caller as it is: Keyward unpacks nothing', async () => {
    const before = peakBytes();
    await behind(packed('200 OK'), async () => {
      const { status, headers, body } = await chat();
      expect([status, headers['content-encoding']]).toEqual([200, 'gzip']);
      expect(body.equals(bomb)).toBe(true);
    });
    expect(peakBytes() - before).toBeLessThan(unpackedBytes / 2);
  });

  test('is not looked into where it is a refusal, or a list of models', async () => {
    const before = peakBytes();
    await behind(packed('400 Bad Request'), async () => {
      const { status, body } = await chat();
      expect(status).toBe(502);
      expect(JSON.parse(body.toString())).toMatchObject({ error: { code: 'provider_error' } });
    });
    await behind(packed('200 OK'), async () => {
      const { status, body } = await ask('GET', '/v1/models');
      const { data } = JSON.parse(body.toString()) as { data: { owned_by: string }[] };
      expect([status, data.filter(({ owned_by }) => owned_by === 'fireworks')]).toEqual([200, []]);
    });
    expect(peakBytes() - before).toBeLessThan(unpackedBytes / 2);
  });
});

test.each([301, 302, 303, 307, 308])(
  'a redirect by %i is not followed, whatever is asked for',
  async (code) => {
    let visits = 0;
    const trap = await startRawUpstream((socket) => {
      visits += 1;
      socket.end(head('content-length: 0'));
    });
    const answer = `HTTP/1.1 ${code} Moved\r\nlocation: ${trap.origin}/\r\ncontent-length: 0\r\n\r\n`;
    await behind(answer, async () => {
      for (const { status, headers } of [
        await chat(),
        await ask('GET', '/api/v1/llm/passthrough/fireworks/x'),
        await ask('POST', '/api/v1/llm/passthrough/fireworks/x', '{}'),
      ]) {
        expect([status, headers.location]).toEqual([502, undefined]);
      }
      await ask('GET', '/v1/models');
    });
    expect(visits).toBe(0);
    await trap.close();
  },
);

test('after all of this the gateway serves as before', async () => {
  expect((await room.keyward.chat()).status).toBe(200);
  const log = room.keyward.logLines.join('');
  expect(log).not.toMatch(/"level":50/);
  expect(log).not.toContain(providerKey);
});
