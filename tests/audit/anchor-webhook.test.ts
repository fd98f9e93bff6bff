/** Heads reach the operator's address, signed so that the receiver can tell them from others', and no other address. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebhookAnchor } from '../../src/audit/anchor-webhook.ts';
import { headIn } from '../../src/audit/read-anchors.ts';
import { signatureHeaders } from '../../src/crypto/webhook-signature.ts';
import { systemClock } from '../../src/foundation/clock.ts';
import { Secret } from '../../src/foundation/secret.ts';

// The example of the reference libraries of Standard Webhooks.
const example = {
  secret: new Secret(['whsec', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'].join('_')),
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  at: new Date(1_614_265_330_000),
  body: '{"test": 2432232314}',
};

const head = { sequence: 12, hash: 'ab'.repeat(32), at: '2026-01-01T00:00:00.000Z' };

interface Received {
  readonly request: IncomingMessage;
  readonly body: string;
}

describe('the webhook', () => {
  let server: Server;
  let url: string;
  let received: Received[];
  let answer: (response: ServerResponse) => void;
  beforeEach(async () => {
    received = [];
    answer = (response) => response.writeHead(204).end();
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        received.push({ request, body });
        answer(response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/heads`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const anchor = () => new WebhookAnchor({ url, secret: example.secret, clock: systemClock });

  it('posts the head with a signature over what was sent', async () => {
    await anchor().note(head);
    expect(received).toHaveLength(1);
    const [{ request, body } = { request: undefined, body: '' }] = received;
    expect(request?.method).toBe('POST');
    expect(request?.url).toBe('/heads');
    expect(headIn(body)).toEqual({ sequence: 12, hash: head.hash });
    const {
      'webhook-id': id,
      'webhook-timestamp': seconds,
      'webhook-signature': signature,
    } = request?.headers ?? {};
    const at = new Date(Number(seconds) * 1000);
    expect(Math.abs(at.getTime() - Date.now())).toBeLessThan(60_000);
    expect(signatureHeaders(example.secret, { id: String(id), at, body })['webhook-signature']).toBe(
      signature,
    );
  });

  it('repeats a head as the same message, and sends the next as another', async () => {
    const one = anchor();
    answer = (response) => response.writeHead(503).end();
    await expect(one.note(head)).rejects.toThrow('the receiver answered 503');
    answer = (response) => response.writeHead(200).end('thanks');
    await one.note(head);
    await one.note({ ...head, sequence: 13 });
    const ids = received.map(({ request }) => request.headers['webhook-id']);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).not.toBe(ids[1]);
  });

  it('does not follow a redirect', async () => {
    answer = (response) => response.writeHead(307, { location: `${url}/elsewhere` }).end();
    await expect(anchor().note(head)).rejects.toThrow('the receiver answered 307');
    expect(received).toHaveLength(1);
  });

  it('gives up when it is told to', async () => {
    answer = () => undefined;
    const over = new AbortController();
    const noting = anchor().note(head, over.signal);
    await expect.poll(() => received.length).toBe(1);
    over.abort();
    await expect(noting).rejects.toThrow(/abort/i);
  });

  it('gives up in time when the receiver does not answer', async () => {
    answer = () => undefined;
    const inHaste = new WebhookAnchor({ url, secret: example.secret, clock: systemClock, timeoutMs: 500 });
    await expect(inHaste.note(head)).rejects.toThrow(/timeout/i);
    expect(received).toHaveLength(1);
  });

  it('does not wait for the end of an answer: a 2xx is one from its first line', async () => {
    // Longer than this test may take.
    const patient = new WebhookAnchor({ url, secret: example.secret, clock: systemClock, timeoutMs: 60_000 });
    answer = (response) => response.writeHead(200, { 'content-length': 10 }).write('x');
    await patient.note(head);
    answer = (response) => response.writeHead(500, { 'content-length': 10 }).write('x');
    await expect(patient.note(head)).rejects.toThrow('the receiver answered 500');
  });

  it('gives its receiver five seconds', async () => {
    const timeouts = vi.spyOn(AbortSignal, 'timeout');
    await anchor().note(head);
    expect(timeouts.mock.calls).toEqual([[5_000]]);
    timeouts.mockRestore();
  });

  it('says when nobody is there', async () => {
    server.close();
    await expect(anchor().note(head)).rejects.toThrow('ECONNREFUSED');
  });
});
