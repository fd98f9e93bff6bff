/** What is posted arrives signed and once; whatever the receiver does, the outcome says so, and nothing hangs or leaks. */
import dns from 'node:dns';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Webhook } from 'standardwebhooks';
import type { ChannelSettings } from '../../src/alerts/channel-settings.ts';
import { composeTest } from '../../src/alerts/message.ts';
import { postMessage } from '../../src/alerts/post-message.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { HttpReceiver, TcpReceiver } from '../support/receivers.ts';

const secret = ['whsec', Buffer.from('a-secret-of-the-tests-that-is-long').toString('base64')].join('_');
const now = new Date();
const envelope = { id: 'msg_7_1', queuedAt: now, now, timeoutMs: 1_000 };
const message = composeTest('on call', { now, publicOrigin: undefined });

let receiver: HttpReceiver;
beforeEach(async () => {
  receiver = await new HttpReceiver().listen();
  return async () => receiver.close();
});

const settings = (url = receiver.url): Extract<ChannelSettings, { kind: 'webhook' }> => ({
  kind: 'webhook',
  url: new Secret(url),
  secret: new Secret(secret),
  allowPrivateNetwork: false,
});
const post = async (url?: string) => postMessage(settings(url), message, envelope);

describe('a webhook', () => {
  it('is signed as the library of Standard Webhooks verifies it', async () => {
    expect(await post()).toEqual({ state: 'delivered' });
    const [{ body, headers } = { body: '', headers: {} }] = receiver.received;
    expect(new Webhook(secret).verify(body, headers)).toMatchObject({ type: 'alert.test' });
    expect(headers).toMatchObject({ 'webhook-id': 'msg_7_1', 'content-type': 'application/json' });
    expect(JSON.stringify(receiver.received)).not.toContain(secret);
    expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow(/signature/i);
  });

  it('has the same name at every attempt, and its own time', async () => {
    await post();
    await postMessage(settings(), message, { ...envelope, now: new Date(now.getTime() + 60_000) });
    const [first, second] = receiver.received.map(({ headers }) => headers);
    expect(second?.['webhook-id']).toBe(first?.['webhook-id']);
    expect(second?.['webhook-timestamp']).not.toBe(first?.['webhook-timestamp']);
  });
});

describe('a name that leads elsewhere when it is dialled', () => {
  it.each(['10.0.0.1', '169.254.169.254', 'fd00:ec2::254'])('(%s) is not connected to', async (address) => {
    vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: object, callback: unknown) => {
      (callback as (error: null, found: object[]) => void)(null, [
        { address, family: address.includes(':') ? 6 : 4 },
      ]);
    }) as typeof dns.lookup);
    expect(await post('https://planted.example/hook')).toMatchObject({
      state: 'retry',
      error: expect.stringContaining(`planted.example resolves to ${address}`) as string,
    });
    vi.restoreAllMocks();
  });
});

describe('a receiver that', () => {
  it.each([
    ['fails', 500, {}, { state: 'retry', error: 'It answered 500: oops' }],
    [
      'has enough',
      429,
      { 'retry-after': '120' },
      { state: 'retry', error: 'It answered 429: oops', retryAfterSeconds: 120 },
    ],
    [
      'is gone for good',
      410,
      {},
      { state: 'final', error: 'It answered 410: nobody listens there any more: oops' },
    ],
    ['does not know the address', 404, {}, { state: 'retry', error: 'It answered 404: oops' }],
  ])('%s', async (_what, status, headers, outcome) => {
    receiver.answer = (response) => response.writeHead(status, headers).end('oops');
    expect(await post()).toEqual(outcome);
  });

  it('redirects is not followed', async () => {
    const elsewhere = await new HttpReceiver().listen();
    receiver.answer = (response) => response.writeHead(307, { location: elsewhere.url }).end();
    expect(await post()).toEqual({
      state: 'retry',
      error: 'It answered 307, a redirect, which is not followed.',
    });
    expect(elsewhere.received).toEqual([]);
    await elsewhere.close();
  });

  it('drops the connection before it answers gets it again', async () => {
    receiver.answer = (response) => response.destroy();
    expect(await post()).toMatchObject({
      state: 'retry',
      error: expect.stringMatching(/cannot be reached/) as string,
    });
  });

  it('accepts and breaks off after that has accepted', async () => {
    receiver.answer = (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('thanks', () => response.destroy());
    };
    expect(await post()).toEqual({ state: 'delivered' });
  });

  it('never answers is given up in time', async () => {
    receiver.answer = () => undefined;
    expect(await postMessage(settings(), message, { ...envelope, timeoutMs: 100 })).toMatchObject({
      state: 'retry',
    });
  });

  it('answers without end is read no further than an answer goes', async () => {
    receiver.answer = (response) => {
      response.writeHead(500);
      const more = (): boolean => !response.destroyed && response.write('x'.repeat(8_192), () => more());
      more();
    };
    expect(await post()).toMatchObject({ error: `It answered 500: ${'x'.repeat(200)}` });
  });

  it('speaks no HTTP is not taken for one that took it', async () => {
    const other = await new TcpReceiver((socket) => socket.end('220 mail\r\n')).listen();
    expect(await post(`http://127.0.0.1:${other.port}/`)).toMatchObject({ state: 'retry' });
    await other.close();
  });

  it('is not there is tried again', async () => {
    const { url } = receiver;
    await receiver.close();
    expect(await post(url)).toMatchObject({ state: 'retry' });
    receiver = await new HttpReceiver().listen();
  });
});
