/**
 * A provider that repeats whatever key it is sent, in every way that providers have been seen to: in errors,
 * as such or encoded, in headers, in pages, and in the fields of good answers.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export const echoes = [
  'error',
  'error in base64',
  'error in a URL',
  'header',
  'page',
  'label of a good key',
  'name of a model',
  'redirect',
] as const;

type Echo = (typeof echoes)[number];

export interface EchoingProvider {
  readonly origin: string;
  /** How it answers from now on. */
  echo(how: Echo): void;
  /** How many requests carried a key. */
  readonly keysSeen: number;
  close(): Promise<void>;
}

export async function startEchoingProvider(): Promise<EchoingProvider> {
  let how: Echo = 'error';
  let keysSeen = 0;
  const server: Server = createServer((request, response) => {
    const key = keyOf(request);
    if (key !== '') keysSeen += 1;
    request.resume().once('end', () => {
      const { status, headers = {}, body } = answers[how](key);
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    echo: (next) => {
      how = next;
    },
    get keysSeen() {
      return keysSeen;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function keyOf({ headers }: IncomingMessage): string {
  const bearer = headers.authorization?.replace(/^Bearer /, '');
  return String(headers['x-api-key'] ?? headers['x-goog-api-key'] ?? bearer ?? '');
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

const error = (message: string): unknown => ({
  error: { message, type: 'invalid_request_error', code: message },
});

const answers: Readonly<Record<Echo, (key: string) => Answer>> = {
  error: (key) => ({ status: 401, body: error(`Incorrect API key provided: ${key}`) }),
  'error in base64': (key) => ({
    status: 400,
    body: error(`Basic ${Buffer.from(`user:${key}`).toString('base64')}`),
  }),
  'error in a URL': (key) => ({
    status: 403,
    body: error(`GET /models?key=${encodeURIComponent(key)} is forbidden`),
  }),
  header: (key) => ({
    status: 429,
    headers: { 'x-echo': key, 'retry-after': '1', 'www-authenticate': `Bearer error="${key}"` },
    body: error('Too many requests'),
  }),
  page: (key) => ({
    status: 502,
    headers: { 'content-type': 'text/html' },
    body: `<html><body><pre>Authorization: Bearer ${key}</pre></body></html>`,
  }),
  'label of a good key': (key) => ({
    status: 200,
    body: { data: { label: key, name: key, usage: 1, limit: 2, limit_remaining: 1, expires_at: key } },
  }),
  'name of a model': (key) => ({
    status: 200,
    body: { object: 'list', data: [{ id: key, object: 'model' }] },
  }),
  redirect: (key) => ({
    status: 307,
    headers: { location: `https://elsewhere.test/?key=${encodeURIComponent(key)}` },
    body: '',
  }),
};
