/** Callers who leave at any point: the request upstream goes with them, and nothing of them stays. */
import { request as httpRequest } from 'node:http';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { atDepth } from '../support/depth.ts';
import { gatewayAndProvider } from '../support/gateway-and-provider.ts';
import { gatewayToken } from '../support/running-keyward.ts';
import { tellFigure } from '../support/promise-figures.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const room = gatewayAndProvider();
const leavers = atDepth({ usual: 600, thorough: 10_000 });
const atOnce = 50;

const body = JSON.stringify({
  model: 'openrouter/m',
  messages: [{ role: 'user', content: 'word '.repeat(400) }],
  stream: true,
});

/** Leaves after so many bytes of the answer; -1: before it has begun. */
async function leave(afterBytes: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const call = httpRequest(
    {
      port: room.keyward.port,
      path: '/v1/chat/completions',
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${gatewayToken}`, 'content-type': 'application/json' },
    },
    (response) => {
      let seen = 0;
      const look = (chunk?: Buffer): void => {
        seen += chunk?.length ?? 0;
        if (seen >= afterBytes) call.destroy();
      };
      response.on('data', look).on('error', () => undefined);
      look();
    },
  );
  call.on('error', () => undefined).on('close', resolve);
  call.end(body);
  if (afterBytes < 0) setImmediate(() => call.destroy());
  await promise;
}

const sockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap' || name === 'Timeout').length;

async function open(): Promise<number> {
  const metrics = await (await fetch(`${room.keyward.server.url}/metrics`)).text();
  return Number(/^keyward_answers_open (\d+)/m.exec(metrics)?.[1]);
}

describe('callers who leave', () => {
  test('leave nothing behind: no open answer, no socket, no timer, and no memory', async () => {
    room.provider.behave({ chunkLagMs: 1 });
    const round = async (count: number): Promise<void> => {
      for (let left = count; left > 0; left -= atOnce) {
        await Promise.all(
          Array.from({ length: Math.min(atOnce, left) }, async (_, turn) => leave(turn * 40 - 1)),
        );
        // What the stand-in has recorded is not what is looked at.
        room.provider.requests.length = 0;
      }
      await expect.poll(open, { timeout: 20_000 }).toBe(0);
    };
    await round(atOnce * 2);
    const before = { sockets: sockets(), heap: heapInUse() };
    await round(leavers);
    await expect.poll(sockets, { timeout: 20_000 }).toBeLessThanOrEqual(before.sockets + 8);
    const grown = heapInUse() - before.heap;
    tellFigure(
      `callers who leave`,
      `${leavers} left at ${atOnce} points: 0 answers open, heap ${(grown / 1e6).toFixed(1)} MB more`,
    );
    expect(grown).toBeLessThan(30_000_000);
  }, 120_000);
});

function heapInUse(): number {
  collectGarbage();
  return getHeapStatistics().used_heap_size;
}
