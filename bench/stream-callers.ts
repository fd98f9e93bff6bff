/** The callers of bench:streams: those who stay, those who do not read, and those who leave. */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { finished } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Kind, StreamProvider } from './stream-provider.ts';
import { callerToken } from './targets.ts';

interface Open {
  readonly call: ClientRequest;
  readonly response: IncomingMessage;
}

interface Asked {
  readonly kind: Kind;
  readonly name?: string;
  /** Whether what comes is read. */
  readonly reads?: boolean;
}

export async function openStream(url: string, asked: Asked): Promise<Open> {
  const call = callStream(url, asked);
  return new Promise((resolve, reject) => {
    call.once('error', reject).once('response', (response: IncomingMessage) => {
      response.on('error', () => undefined);
      if (asked.reads !== false) response.resume();
      resolve({ call, response });
    });
  });
}

function callStream(url: string, { kind, name }: Asked): ClientRequest {
  const call = startCall(url, 'application/json');
  const model = `openrouter/${name === undefined ? kind : `${kind}-${name}`}`;
  call.end(JSON.stringify({ model, messages: [], stream: true }));
  return call;
}

function startCall(url: string, contentType: string): ClientRequest {
  const headers = { authorization: `Bearer ${callerToken}`, 'content-type': contentType };
  return httpRequest(url, { method: 'POST', agent: false, headers }).on('error', () => undefined);
}

/** So many calls, 50 at once, each read to its end; one in ten leaves in the middle. */
export async function quickCalls(url: string, calls: number): Promise<void> {
  for (let left = calls; left > 0; left -= 50) {
    await Promise.all(
      Array.from({ length: Math.min(left, 50) }, async (_, turn) => {
        const { call, response } = await openStream(url, { kind: 'quick' });
        if (turn % 10 === 0) call.destroy();
        await finished(response).catch(() => undefined);
      }),
    );
  }
}

export const leavingPoints = [
  'before the head',
  'in the middle',
  'in an upload',
  'while nothing is read',
] as const;
export type LeavingPoint = (typeof leavingPoints)[number];

/** @returns milliseconds from the caller's leaving until the provider's side of the call is closed */
export async function leave(
  url: string,
  provider: StreamProvider,
  point: LeavingPoint,
  name: string,
): Promise<number> {
  const { arrived, closedAt } = provider.watch(name);
  const call = await begin[point](url, name);
  await arrived;
  // By then the buffers on the way are mostly full, and the provider is held back.
  if (point === 'while nothing is read') await pause(500);
  const leftAt = performance.now();
  call.destroy();
  return (await closedAt) - leftAt;
}

const begin: Readonly<
  Record<LeavingPoint, (url: string, name: string) => ClientRequest | Promise<ClientRequest>>
> = {
  'before the head': (url, name) => callStream(url, { kind: 'silent', name }),
  'in the middle': async (url, name) => (await openStream(url, { kind: 'slow', name })).call,
  'while nothing is read': async (url, name) =>
    (await openStream(url, { kind: 'flood', name, reads: false })).call,
  'in an upload': (url, name) => {
    const call = startCall(
      new URL(`/api/v1/llm/passthrough/openrouter/upload/${name}`, url).href,
      'application/octet-stream',
    );
    // At a pace: a caller's leaving is behind all that it has sent, which travels on to the provider first.
    call.write(Buffer.alloc(64 * 1024));
    const timer = setInterval(() => call.write(Buffer.alloc(1_024)), 10);
    call.once('close', () => clearInterval(timer));
    return call;
  },
};
