/**
 * A reader who does not read: its provider is held back, and what Keyward holds meanwhile, between the kernel's buffers of
 * both connections, is bounded. Counted at Keyward's own two sockets, which are in this process.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { gatewayAndProvider } from '../support/gateway-and-provider.ts';
import { openConnection, type RawConnection } from '../support/raw-http.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { gatewayToken } from '../support/running-keyward.ts';

const room = gatewayAndProvider();
const heldAtMost = 256 * 1024;

const sockets: Socket[] = [];
const note = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket);
const channels = ['net.client.socket', 'net.server.socket'];
beforeEach(() => channels.forEach((channel) => subscribe(channel, note)));
afterEach(() => {
  channels.forEach((channel) => unsubscribe(channel, note));
  sockets.length = 0;
});

const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n';
const event = `data: ${JSON.stringify({ choices: [{ delta: { content: 'x'.repeat(100) } }] })}\n\n`;
const asChunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

/** Before a provider that sends the same for as long as anybody takes it. */
async function before(
  { answerHead, piece }: { answerHead: string; piece: string },
  look: (caller: RawConnection, held: () => { taken: number; given: number }) => Promise<void>,
): Promise<void> {
  const bytes = Buffer.from(piece);
  const upstream = await startRawUpstream((socket) => {
    socket.write(answerHead);
    const more = (): void => {
      if (!socket.destroyed) socket.write(bytes, () => more());
    };
    more();
  });
  await room.keyward.setProvider('fireworks', {
    base_url: upstream.origin,
    api_key_source: 'database',
    encrypted_api_key: room.keyward.encrypt('fake-key'),
  });
  const caller = await openConnection(room.keyward.port);
  caller.stopListening();
  const body = JSON.stringify({ model: 'fireworks/m', messages: [], stream: true });
  await caller.send(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${gatewayToken}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  const upstreamPort = Number(new URL(upstream.origin).port);
  const towardsProvider = (): Socket | undefined => sockets.find((one) => one.remotePort === upstreamPort);
  const towardsCaller = (): Socket | undefined => sockets.find((one) => one.localPort === room.keyward.port);
  await look(caller, () => {
    const { bytesWritten = 0, writableLength = 0 } = towardsCaller() ?? {};
    return { taken: towardsProvider()?.bytesRead ?? 0, given: bytesWritten - writableLength };
  });
  caller.close();
  await upstream.close();
}

describe('a reader who does not read makes Keyward hold no more than 256 KiB', () => {
  test.each([
    [
      'in large pieces',
      { answerHead: `${head}transfer-encoding: chunked\r\n\r\n`, piece: asChunk(event.repeat(2_000)) },
    ],
    [
      'event by event',
      { answerHead: `${head}transfer-encoding: chunked\r\n\r\n`, piece: asChunk(event).repeat(500) },
    ],
    [
      'until its connection ends',
      { answerHead: `${head}connection: close\r\n\r\n`, piece: event.repeat(2_000) },
    ],
    [
      'with a length',
      { answerHead: `${head}content-length: 1000000000000\r\n\r\n`, piece: event.repeat(2_000) },
    ],
  ])('of a stream that comes %s, and takes more when it reads again', async (_, stream) => {
    await before(stream, async (caller, held) => {
      let [last, still] = [-1, -1];
      const stopped = (): boolean => {
        const { taken } = held();
        still = taken === last && taken > 0 ? still + 1 : 0;
        last = taken;
        return still >= 3;
      };
      await expect.poll(stopped, { interval: 100, timeout: 20_000 }).toBe(true);
      const { taken, given } = held();
      expect(taken).toBeGreaterThan(heldAtMost);
      expect(taken - given).toBeLessThanOrEqual(heldAtMost);
      caller.listen();
      await expect.poll(() => held().taken).toBeGreaterThan(taken + heldAtMost);
    });
  });
});
