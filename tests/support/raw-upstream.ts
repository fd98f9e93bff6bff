/**
 * An upstream that sends what it is told to, byte for byte: for answers that no HTTP library would
 * write, such as one whose end is the end of its connection.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

export class RawUpstream {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(answer: (socket: Socket) => void) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => this.#sockets.delete(socket));
      // The body of a request of ours follows its head at once; what it holds is not looked at.
      socket.once('data', () => answer(socket));
    });
  }

  async listen(): Promise<void> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** @param answer what to send, and then the connection is closed; or a function that does what it likes */
export async function startRawUpstream(answer: string | ((socket: Socket) => void)): Promise<RawUpstream> {
  const upstream = new RawUpstream(
    typeof answer === 'string' ? (socket): void => void socket.end(answer) : answer,
  );
  await upstream.listen();
  return upstream;
}
