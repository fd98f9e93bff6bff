/**
 * The stand-in provider, a process of its own: fixed bytes from a bare socket, so that it costs less than
 * whatever stands before it. It trusts its callers to send one whole request at a time (no pipelining).
 */
import { createServer, type Socket } from 'node:net';
import { announce } from './announce.ts';
import { smallAnswer, streamedAnswer, streamedMark } from './http-answers.ts';

const headEnd = Buffer.from('\r\n\r\n');

const server = createServer({ noDelay: true }, (socket) => {
  let request = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    request = request.length === 0 ? chunk : Buffer.concat([request, chunk]);
    if (!isWhole(request)) return;
    if (request.includes(streamedMark)) stream(socket, 0);
    else socket.write(smallAnswer);
    request = Buffer.alloc(0);
  });
  socket.on('error', () => socket.destroy());
});

announce(server);

function isWhole(request: Buffer): boolean {
  const end = request.indexOf(headEnd);
  if (end === -1) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(request.toString('latin1', 0, end))?.[1];
  return request.length >= end + headEnd.length + Number(length ?? 0);
}

/** One event in each turn of the event loop, so that they travel one by one, as from a model. */
function stream(socket: Socket, index: number): void {
  const piece = streamedAnswer[index];
  if (piece === undefined || socket.destroyed) return;
  socket.write(piece);
  setImmediate(stream, socket, index + 1);
}
