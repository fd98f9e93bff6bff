/** A body mostly arrives in one packet with its head, and is then taken at once instead of awaited. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readBody } from '../../src/gateway/read-request.ts';

const limits = { maxBodyBytes: 20, bodyIdleTimeoutMs: 10_000 };

/** What became of each request: its body, or the code of the error. */
let outcomes: string[];
let requests: IncomingMessage[];

const server = createServer((request, response) => {
  requests.push(request);
  void outcomeOf(request).then((outcome) => {
    outcomes.push(outcome);
    return response.end(outcome);
  });
});

async function outcomeOf(request: IncomingMessage): Promise<string> {
  try {
    return (await readBody(request, limits)).toString();
  } catch (error) {
    return (error as { code: string }).code;
  }
}

beforeEach(async () => {
  outcomes = [];
  requests = [];
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Sends each packet once the one before was answered, and waits for that many outcomes. */
async function send(...packets: string[]): Promise<void> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  for (const packet of packets) {
    socket.write(packet);
    await once(socket, 'data');
  }
  socket.destroy();
}

const withLength = (body: string): string =>
  `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const chunked = (chunks: string): string =>
  `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`;

test.each([
  ['with a length', withLength('hello'), 'hello'],
  ['of exactly the limit', withLength('x'.repeat(20)), 'x'.repeat(20)],
  ['of a declared length of nothing', withLength(''), ''],
  ['in chunks', chunked('2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'), 'hello'],
  ['over the limit', withLength('x'.repeat(21)), 'body_too_large'],
  ['over the limit, in chunks', chunked(`15\r\n${'x'.repeat(21)}\r\n0\r\n\r\n`), 'body_too_large'],
])('a body %s that comes with its head', async (_how, packet, expected) => {
  await send(packet);
  expect(outcomes).toEqual([expected]);
});

test('the connection serves the next request, and the one before has ended', async () => {
  await send(withLength('first'), withLength('second'));
  expect(outcomes).toEqual(['first', 'second']);
  await expect.poll(() => requests.map(({ readableEnded }) => readableEnded)).toEqual([true, true]);
});

test('two requests in one packet keep to their own bodies', async () => {
  await send(withLength('first') + withLength('second'));
  await expect.poll(() => outcomes).toEqual(['first', 'second']);
});

test('a body that is malformed from its first byte is told at once, not when patience ends', async () => {
  await send(chunked('not a chunk'));
  await expect.poll(() => outcomes).toEqual(['body_aborted']);
});
