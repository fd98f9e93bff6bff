/**
 * The provider of bench:streams, in its own process: what it sends follows from the model's name. It tells when the
 * request of a name has arrived, and when its connection has closed.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * slow: an event a second; quick: 40 events at once; silent: not even a head; flood: as much as is taken, in large
 * pieces; events: as much as is taken, event by event.
 */
export type Kind = 'slow' | 'quick' | 'silent' | 'flood' | 'events';

const event = `data: ${JSON.stringify({ choices: [{ delta: { content: 'x'.repeat(100) } }] })}\n\n`;
const atOnce = 500;
const block = event.repeat(atOnce);
const chunks = `${event.length.toString(16)}\r\n${event}\r\n`.repeat(atOnce);

interface Watched {
  readonly arrived: PromiseWithResolvers<void>;
  readonly closedAt: PromiseWithResolvers<number>;
}

export class StreamProvider {
  readonly #server = createServer((request, response) => this.#answer(request, response));
  readonly #watched = new Map<string, Watched>();

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** @param name of a request that will come: in its model, or at the end of its address */
  watch(name: string): { arrived: Promise<void>; closedAt: Promise<number> } {
    const watched = { arrived: Promise.withResolvers<void>(), closedAt: Promise.withResolvers<number>() };
    this.#watched.set(name, watched);
    return { arrived: watched.arrived.promise, closedAt: watched.closedAt.promise };
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const upload = /\/upload\/(\w+)$/.exec(request.url ?? '')?.[1];
    if (upload !== undefined) {
      request.once('data', () => this.#came(upload, response)).on('error', () => undefined);
      return;
    }
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.once('end', () => {
      const [, kind = 'quick', name] =
        /"model":"([a-z]+)(?:-(\w+))?"/.exec(Buffer.concat(parts).toString()) ?? [];
      if (name !== undefined) this.#came(name, response);
      send[kind as Kind](response);
    });
  }

  #came(name: string, response: ServerResponse): void {
    const watched = this.#watched.get(name);
    this.#watched.delete(name);
    response.once('close', () => watched?.closedAt.resolve(performance.now()));
    watched?.arrived.resolve();
  }
}

function begin(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
}

const send: Readonly<Record<Kind, (response: ServerResponse) => void>> = {
  silent: () => undefined,
  quick: (response) => {
    begin(response);
    response.end(`${event.repeat(40)}data: [DONE]\n\n`);
  },
  slow: (response) => {
    begin(response);
    const timer = setInterval(() => response.write(event), 1_000);
    response.write(event);
    response.once('close', () => clearInterval(timer));
  },
  flood: (response) => {
    begin(response);
    const more = (): void => {
      if (!response.destroyed) response.write(block, () => more());
    };
    more();
  },
  events: (response) => {
    begin(response);
    response.flushHeaders();
    // Chunk by chunk as Node would write them, but ready beforehand, so that Keyward is what there is to wait for.
    const { socket } = response;
    const more = (fault?: Error | null): void => {
      if (!fault) socket?.write(chunks, more);
    };
    more();
  },
};
