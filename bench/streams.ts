/**
 * `npm run bench:streams`: what open streams cost in memory, what a reader who does not read makes Keyward hold, and,
 * with --soak, whether memory stays where it is. The provider and the callers are in this process, Keyward in its own.
 */
import { createServer, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { Children } from './children.ts';
import { callerToken, startKeyward } from './targets.ts';

const help = `Usage: npm run bench:streams -- [options]

  --streams <n>     how many are open at once (1000)
  --soak <minutes>  then streams come and go for so long, and the memory is watched (0)
  --help            this text`;

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '1000' },
    soak: { type: 'string', default: '0' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(help);
else await main(Number(values.streams), Number(values.soak));

async function main(streams: number, soakMinutes: number): Promise<void> {
  const upstream = await startUpstream();
  const children = new Children();
  try {
    const { url } = await startKeyward(children, upstream.origin, undefined);
    await soak(url, 500);
    const idleBytes = await memory(url);
    console.error(`${streams} streams are opened`);
    const open = await Promise.all(Array.from({ length: streams }, async () => openStream(url, 'slow')));
    await pause(5_000);
    const openBytes = await memory(url);
    console.log(
      `${streams} open streams: ${mebibytes(openBytes)} MiB in all, ${mebibytes(idleBytes)} MiB before, ${kibibytes((openBytes - idleBytes) / streams)} KiB each`,
    );
    for (const { call } of open) call.destroy();
    await pause(2_000);

    const readers = 400;
    const restedBytes = await memory(url);
    const held = await Promise.all(
      Array.from({ length: readers }, async () => openStream(url, 'flood', false)),
    );
    await pause(5_000);
    const heldBytes = await memory(url);
    console.log(
      `${readers} readers who do not read, before a provider that sends all it can: ${kibibytes((heldBytes - restedBytes) / readers)} KiB each`,
    );
    for (const { call } of held) call.destroy();
    if (soakMinutes > 0) await watch(url, soakMinutes);
  } finally {
    await children.stop();
    upstream.close();
  }
}

async function watch(url: string, minutes: number): Promise<void> {
  const samples: number[] = [];
  const endsAt = performance.now() + minutes * 60_000;
  let calls = 0;
  for (let minute = 1; performance.now() < endsAt; minute += 1) {
    const until = performance.now() + 60_000;
    while (performance.now() < Math.min(until, endsAt)) calls += await soak(url, 200);
    samples.push(await memory(url));
    console.error(`minute ${minute}: ${mebibytes(samples.at(-1) ?? 0)} MiB after ${calls} calls`);
  }
  const warm = samples.slice(Math.floor(samples.length / 3));
  const [first, last] = [median(warm.slice(0, 3)), median(warm.slice(-3))];
  console.log(
    `${calls} streams in ${minutes} minutes: ${mebibytes(first)} MiB after warm-up, ${mebibytes(last)} MiB at the end (${((last / first - 1) * 100).toFixed(1)} %)`,
  );
}

/** So many calls, 50 at once, each read to its end or left in the middle. */
async function soak(url: string, calls: number): Promise<number> {
  for (let left = calls; left > 0; left -= 50) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, turn) => {
        const { call, response } = await openStream(url, 'quick');
        if (turn % 10 === 0) call.destroy();
        await finished(response).catch(() => undefined);
      }),
    );
  }
  return calls;
}

interface Open {
  readonly call: ClientRequest;
  readonly response: IncomingMessage;
}

async function openStream(url: string, kind: string, reads = true): Promise<Open> {
  return new Promise((resolve, reject) => {
    const call = httpRequest(
      url,
      {
        method: 'POST',
        agent: false,
        headers: { authorization: `Bearer ${callerToken}`, 'content-type': 'application/json' },
      },
      (response) => {
        response.on('error', () => undefined);
        if (reads) response.resume();
        resolve({ call, response });
      },
    );
    call.on('error', reject);
    call.end(JSON.stringify({ model: `openrouter/${kind}`, messages: [], stream: true }));
  });
}

/** Sends an event now and then, or 40 at once, or as much as is taken. */
async function startUpstream(): Promise<{ origin: string; close(): void }> {
  const event = `data: ${JSON.stringify({ choices: [{ delta: { content: 'x'.repeat(100) } }] })}\n\n`;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.once('end', () => {
      const text = Buffer.concat(parts).toString();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      if (text.includes('"slow"')) {
        const timer = setInterval(() => response.write(event), 1_000);
        response.write(event);
        response.once('close', () => clearInterval(timer));
      } else if (text.includes('"flood"')) {
        const block = event.repeat(500);
        const more = (): void => {
          if (!response.destroyed) response.write(block, () => more());
        };
        more();
      } else response.end(`${event.repeat(40)}data: [DONE]\n\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Resident bytes of Keyward's process. */
async function memory(url: string): Promise<number> {
  const text = await (await fetch(new URL('/metrics', url))).text();
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}

function kibibytes(bytes: number): string {
  return (bytes / 1024).toFixed(0);
}
