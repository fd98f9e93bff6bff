/**
 * The yardstick, a process of its own: the least that node:http and an undici Pool can do for a caller.
 * Reads the body, puts the provider's key in, streams the answer back. No checks, no errors told, no metrics.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { Pool, type Dispatcher } from 'undici';
import { announce } from './announce.ts';

const [origin = '', path = '', authorization = ''] = process.argv.slice(2);
const pool = new Pool(origin, { connections: 512, pipelining: 1, allowH2: false });
const headers = { 'content-type': 'application/json', authorization };

class Relay implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  onRequestStart(): void {
    // Required by the pool.
  }

  onResponseStart(_controller: unknown, status: number, provider: IncomingHttpHeaders): void {
    const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...headers } = provider;
    this.#response.writeHead(status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#response.write(chunk)) return;
    controller.pause();
    this.#response.once('drain', () => controller.resume());
  }

  onResponseEnd(): void {
    this.#response.end();
  }

  onResponseError(): void {
    this.#response.destroy();
  }
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    pool.dispatch({ path, method: 'POST', headers, body }, new Relay(response));
  });
});

announce(server);
