/**
 * A caller who speaks HTTP by hand, to the byte: for requests that no client library would send, and to
 * see answers as they lie on the wire.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** In lower case; the last one of a name wins. */
  readonly headers: Readonly<Record<string, string>>;
  /** Without chunk framing. */
  readonly body: string;
}

export class RawConnection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    const changed = (): void => this.#wake();
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      changed();
    });
    // A reset is one way in which a connection ends; 'close' follows.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#ended = true;
      changed();
    });
    socket.once('end', () => {
      this.#ended = true;
      changed();
    });
  }

  /** Settles when the kernel has the bytes, or the other side has closed. */
  async send(bytes: string | Buffer): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.write(bytes, () => resolve()));
  }

  /** Reads nothing until `listen`, as a program does that sends everything before it looks for an answer. */
  stopListening(): void {
    this.#socket.pause();
  }

  listen(): void {
    this.#socket.resume();
  }

  /** Says that nothing more will be sent, and goes on listening. */
  async finish(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.end(resolve));
  }

  /** The next whole answer; interim ones (1xx) count as answers. */
  async answer(): Promise<RawAnswer> {
    for (;;) {
      const taken = takeAnswer(this.#received);
      if (taken !== undefined) {
        this.#received = taken.rest;
        return taken.answer;
      }
      if (this.#ended)
        throw new Error(
          `the connection ended without a whole answer; received: ${this.#received.toString('latin1')}`,
        );
      await this.#changed();
    }
  }

  /** Everything that has arrived and was not taken as an answer, once it holds `text`. */
  async until(text: string): Promise<string> {
    while (!this.#received.includes(text)) {
      if (this.#ended) throw new Error(`the connection ended before ${JSON.stringify(text)}`);
      await this.#changed();
    }
    return this.#received.toString('utf8');
  }

  /** Settles when the other side has closed; with everything that was not taken as an answer. */
  async rest(): Promise<string> {
    while (!this.#ended) await this.#changed();
    return this.#received.toString('utf8');
  }

  close(): void {
    this.#socket.destroy();
  }

  async #changed(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }
}

export async function openConnection(port: number): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return new RawConnection(socket);
}

function takeAnswer(bytes: Buffer): { answer: RawAnswer; rest: Buffer } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const status = Number(statusLine.split(' ')[1]);
  const after = bytes.subarray(headEnd + 4);
  const bodiless = status < 200 || status === 204 || status === 304;
  const taken =
    headers['transfer-encoding'] === 'chunked'
      ? takeChunks(after)
      : takeLength(after, bodiless ? 0 : Number(headers['content-length'] ?? 0));
  if (taken === undefined) return undefined;
  return { answer: { status, headers, body: taken.body.toString('utf8') }, rest: taken.rest };
}

function takeLength(bytes: Buffer, length: number): { body: Buffer; rest: Buffer } | undefined {
  if (bytes.length < length) return undefined;
  return { body: bytes.subarray(0, length), rest: bytes.subarray(length) };
}

function takeChunks(bytes: Buffer): { body: Buffer; rest: Buffer } | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const end = lineEnd + 2 + size;
    if (bytes.length < end + 2) return undefined;
    if (size === 0) return { body: Buffer.concat(chunks), rest: bytes.subarray(end + 2) };
    chunks.push(bytes.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}
