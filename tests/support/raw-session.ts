/**
 * A connection to the embedded database that speaks the protocol message by message, for what no driver
 * would do: stopping half-way, never closing, sending rubbish.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { cStrings, frame, FrameReader } from '../../src/database/wire-frames.ts';

const protocol3 = 0x00_03_00_00;

export class RawSession {
  readonly socket: Socket;
  readonly #reader = new FrameReader();
  readonly #received: { type: string; bytes: Buffer }[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(socketPath: string) {
    this.socket = connect({ path: socketPath, allowHalfOpen: true });
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk) => {
      this.#received.push(...this.#reader.read(chunk, () => false));
      for (const goOn of this.#waiting) goOn();
    });
  }

  /** Says who it is and waits until it may ask. */
  async start(): Promise<this> {
    await once(this.socket, 'connect');
    const body = cStrings('user', 'postgres', 'database', 'postgres', '');
    const head = Buffer.alloc(8);
    head.writeInt32BE(body.length + 8);
    head.writeInt32BE(protocol3, 4);
    this.socket.write(Buffer.concat([head, body]));
    await this.receives('Z');
    return this;
  }

  send(type: string, body: Buffer = Buffer.alloc(0)): this {
    this.socket.write(frame(type, body));
    return this;
  }

  query(text: string): this {
    return this.send('Q', cStrings(text));
  }

  /** Waits for a message of this type and forgets it and those before it. */
  async receives(type: string): Promise<Buffer> {
    for (;;) {
      const at = this.#received.findIndex((message) => message.type === type);
      const found = this.#received[at];
      if (found !== undefined) {
        this.#received.splice(0, at + 1);
        return found.bytes;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await promise;
      this.#waiting.delete(resolve);
    }
  }

  /** Gone without a word. */
  async vanish(): Promise<void> {
    this.socket.destroy();
    await once(this.socket, 'close');
  }
}
