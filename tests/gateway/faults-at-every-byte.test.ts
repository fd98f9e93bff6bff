/**
 * A provider that fails at every single byte of its stream: whoever asked gets all of it, or is told that it is not all.
 * Nothing in between looks like an end.
 */
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { atDepth } from '../support/depth.ts';
import { gatewayToken, startKeyward, type RunningKeyward } from '../support/running-keyward.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';

const event = (content: string): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }] })}\n\n`;
const events = [': a comment\n\n', event('Grüß'), event(' 世界'), 'data: [DONE]\n\n'];
const body = Buffer.from(events.join(''));
const said = 'Grüß 世界';
const stride = atDepth({ usual: 3, thorough: 1 });

/** What becomes of the connection, or what comes instead of the rest. */
const faults = ['reset', 'close', 'garbage', 'early end', 'wrong length'] as const;
type Fault = (typeof faults)[number];

let keyward: RunningKeyward;
let upstream: Awaited<ReturnType<typeof startRawUpstream>>;
let next: { cut: number; fault: Fault } = { cut: 0, fault: 'reset' };

beforeAll(async () => {
  upstream = await startRawUpstream((socket) => {
    const { cut, fault } = next;
    const part = body.subarray(0, cut);
    const whole = cut === body.length;
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n';
    if (fault === 'wrong length') {
      socket.end(Buffer.concat([Buffer.from(`${head}content-length: ${body.length}\r\n\r\n`), part]));
      return;
    }
    const chunk =
      part.length === 0
        ? Buffer.alloc(0)
        : Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]);
    socket.write(Buffer.concat([Buffer.from(`${head}transfer-encoding: chunked\r\n\r\n`), chunk]), () => {
      if (whole || fault === 'early end') socket.end('0\r\n\r\n');
      else if (fault === 'garbage') socket.end('zz\r\nnot a chunk\r\n');
      else if (fault === 'reset') socket.resetAndDestroy();
      else socket.end();
    });
  });
  keyward = await startKeyward({
    engine: 'embedded',
    env: {
      OPENROUTER_API_KEY: 'fake-key',
      OPENROUTER_BASE_URL: `${upstream.origin}/v1`,
      UPSTREAM_RETRIES: '0',
    },
  });
});
afterAll(async () => {
  await keyward?.stop();
  await upstream?.close();
});

const isAfterLine = (cut: number): boolean => cut === 0 || body[cut - 1] === 0x0a;

/** What the SDK makes of it. */
async function read(): Promise<{ text: string; error: unknown }> {
  const client = new OpenAI({
    apiKey: gatewayToken,
    baseURL: `${keyward.server.url}/v1`,
    maxRetries: 0,
    logLevel: 'off',
  });
  let text = '';
  try {
    const stream = await client.chat.completions.create({
      model: 'openrouter/m',
      messages: [],
      stream: true,
    });
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    return { text, error: null };
  } catch (error) {
    return { text, error };
  }
}

describe('a stream that fails', () => {
  test.each(faults)('by %s, at whatever byte, is whole or an error', async (fault) => {
    const silent: number[] = [];
    for (let cut = 0; cut <= body.length; cut += cut > body.length - 40 ? 1 : stride) {
      next = { cut, fault };
      const { text, error } = await read();
      expect(said.startsWith(text)).toBe(true);
      // Without its [DONE] the text is still all of it.
      if (error === null && text !== said) silent.push(cut);
      if (cut === body.length) expect({ text, error }).toEqual({ text: said, error: null });
    }
    // A provider that ends properly after a whole event has said that this is the end.
    expect(silent.filter((cut) => fault !== 'early end' || !isAfterLine(cut))).toEqual([]);
  });
});
