/**
 * The callers: a fixed number of connections, each of which sends its next request when its last one is
 * answered. Bare sockets and fixed bytes, so that the callers take little from what they measure. Any
 * answer but a whole 200 ends the run: figures of failures are worth nothing.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Load {
  readonly url: string;
  readonly token: string;
  readonly body: string;
  readonly connections: number;
  readonly durationMs: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly elapsedMs: number;
  /** From the last byte sent to the last byte of the answer, sorted. */
  readonly latenciesMs: readonly number[];
}

/**
 * @param onStart called when all connections stand, right before the first request
 * @throws Error with the head of the answer that was no whole 200
 */
export async function applyLoad(load: Load, onStart: () => void = () => undefined): Promise<LoadResult> {
  const request = requestBytes(load);
  const sockets = await Promise.all(Array.from({ length: load.connections }, async () => open(load.url)));
  try {
    const latenciesMs: number[] = [];
    onStart();
    const startedAt = performance.now();
    const endsAt = startedAt + load.durationMs;
    await Promise.all(sockets.map(async (socket) => ask(socket, request, endsAt, latenciesMs)));
    const elapsedMs = performance.now() - startedAt;
    return {
      requests: latenciesMs.length,
      elapsedMs,
      latenciesMs: latenciesMs.toSorted((a, b) => a - b),
    };
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

function requestBytes({ url, token, body }: Load): Buffer {
  const { host, pathname } = new URL(url);
  const head = [
    `POST ${pathname} HTTP/1.1`,
    `host: ${host}`,
    'accept: application/json',
    `authorization: Bearer ${token}`,
    'content-type: application/json',
    'user-agent: keyward-bench',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** One request after the other, until the time is up. */
async function ask(socket: Socket, request: Buffer, endsAt: number, latenciesMs: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = new Answer();
    let sentAt = performance.now();
    socket.on('data', (chunk) => {
      answer.take(chunk);
      if (answer.fault !== null) reject(new Error(answer.fault));
      if (!answer.complete) return;
      const now = performance.now();
      latenciesMs.push(now - sentAt);
      if (now >= endsAt) {
        resolve();
        return;
      }
      answer = new Answer();
      sentAt = now;
      socket.write(request);
    });
    socket.once('error', reject);
    socket.once('close', () =>
      reject(new Error('The connection was closed before the answer was complete.')),
    );
    socket.write(request);
  });
}

const headEnd = Buffer.from('\r\n\r\n');
const lastChunk = Buffer.from('0\r\n\r\n');

/** Just enough of HTTP/1.1 to know when a 200 is complete: by its length, or by the chunk that ends it. */
class Answer {
  #head: Buffer | undefined;
  #bodyBytesLeft: number | null = null;
  #tail: Buffer = Buffer.alloc(0);
  complete = false;
  fault: string | null = null;

  take(chunk: Buffer): void {
    if (this.#bodyBytesLeft !== null) {
      this.#takeBody(chunk);
      return;
    }
    const head = this.#head === undefined ? chunk : Buffer.concat([this.#head, chunk]);
    this.#head = head;
    const end = head.indexOf(headEnd);
    if (end === -1) return;
    const text = head.toString('latin1', 0, end);
    if (!text.startsWith('HTTP/1.1 200 '))
      this.fault = `The answer was not a 200:\n${head.toString('latin1')}`;
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
    this.#bodyBytesLeft = length === undefined ? Infinity : Number(length);
    this.#takeBody(head.subarray(end + headEnd.length));
  }

  #takeBody(chunk: Buffer): void {
    if (this.#bodyBytesLeft !== null && this.#bodyBytesLeft !== Infinity) {
      this.#bodyBytesLeft -= chunk.length;
      this.complete = this.#bodyBytesLeft <= 0;
      return;
    }
    this.#tail =
      chunk.length >= lastChunk.length
        ? chunk.subarray(-lastChunk.length)
        : Buffer.concat([this.#tail, chunk]).subarray(-lastChunk.length);
    this.complete = this.#tail.equals(lastChunk);
  }
}
