import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../src/foundation/config.ts';
import { createLogger } from '../src/foundation/logger.ts';
import { startServer } from '../src/server.ts';
import {
  runKeyward,
  startServerProcess,
  type Ended,
  type KeywardProcess,
} from './support/keyward-process.ts';
import { openConnection } from './support/raw-http.ts';
import {
  gatewayToken,
  newPlace,
  startKeyward,
  type Place,
  type RunningKeyward,
} from './support/running-keyward.ts';
import { startStandInProvider, type StandInProvider } from './support/stand-in-provider.ts';

const providerKey = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
const askStream = { model: 'openrouter/m', messages: [], stream: true };

/** What tests leave to be ended and removed, the last one first. */
const leftovers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of leftovers.splice(0).toReversed()) await end();
});

/** @param engine `named`: no database is there yet, and one is made where none is named */
async function place(
  engine: Parameters<typeof newPlace>[0] = 'postgres',
  options?: { migrated: boolean },
): Promise<Place> {
  const made = await newPlace(engine, options);
  leftovers.push(async () => made.remove());
  return made;
}

async function standIn(): Promise<StandInProvider> {
  const provider = await startStandInProvider({ keys: [providerKey] });
  leftovers.push(async () => provider.close());
  return provider;
}

async function keywardBefore(
  provider: StandInProvider,
  env: Record<string, string> = {},
): Promise<RunningKeyward> {
  const keyward = await startKeyward({
    env: { OPENROUTER_API_KEY: providerKey, OPENROUTER_BASE_URL: provider.baseUrl, ...env },
  });
  leftovers.push(async () => keyward.stop());
  return keyward;
}

function serverProcess(environment: Readonly<Record<string, string>>): KeywardProcess {
  const server = startServerProcess(environment);
  leftovers.push(async () => {
    if (server.isRunning) server.kill('SIGKILL');
    return server.ended();
  });
  return server;
}

async function freePort(): Promise<number> {
  const taker = createServer();
  await new Promise<void>((resolve) => taker.listen(0, '127.0.0.1', resolve));
  const { port } = taker.address() as AddressInfo;
  await new Promise((resolve) => taker.close(resolve));
  return port;
}

function startHere(environment: Readonly<Record<string, string>>, onProgress: () => void = () => undefined) {
  const log = createLogger({ level: 'silent', format: 'json', scrub: (line) => line });
  return startServer(loadConfig(environment), { log, onProgress, onSnapshot: () => undefined });
}

/** What a start that failed has said, which must be one line on standard error and an exit code of 1. */
function oneLineOf({ exitCode, stdout, stderr }: Ended): string {
  expect([exitCode, stdout, stderr.trimEnd().split('\n').length]).toEqual([1, '', 1]);
  return stderr;
}

describe('a start that cannot serve ends with one clear line and a non-zero exit:', () => {
  test('a port in use, and nothing is left behind', async () => {
    const { environment } = await place('named');
    const taker = createServer();
    await new Promise<void>((resolve) => taker.listen(0, '127.0.0.1', resolve));
    leftovers.push(async () => taker.close());
    const { port } = taker.address() as AddressInfo;
    const directory = join(environment['KEYWARD_DATA_DIR'] ?? '', 'new');
    const ended = await runKeyward(['serve'], {
      ...environment,
      KEYWARD_DATA_DIR: directory,
      PORT: String(port),
    });
    expect(oneLineOf(ended)).toMatch(
      new RegExp(`^keyward: .*port ${port} is in use on 127\\.0\\.0\\.1.*PORT`),
    );
    expect(existsSync(directory)).toBe(false);
  });

  test('a second process on the same directory, and the first serves on', async () => {
    const { environment } = await place('embedded');
    const first = serverProcess(environment);
    const url = await first.url();
    const second = await runKeyward(['serve'], environment);
    expect(oneLineOf(second)).toMatch(
      new RegExp(`^keyward: Another Keyward \\(process ${first.pid}\\) already runs on .*KEYWARD_DATA_DIR`),
    );
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  });

  test('a data directory that cannot be made', async () => {
    const { environment } = await place('named');
    const file = join(environment['KEYWARD_DATA_DIR'] ?? '', 'a-file');
    await writeFile(file, '');
    const ended = await runKeyward(['serve'], { ...environment, KEYWARD_DATA_DIR: join(file, 'data') });
    expect(oneLineOf(ended)).toMatch(
      /^keyward: The data directory .*a-file\/data cannot be made: .*Set KEYWARD_DATA_DIR/,
    );
  });

  // Nobody can write here, root neither.
  test.runIf(process.platform === 'linux')('a data directory that cannot be written', async () => {
    const { environment } = await place('named');
    const ended = await runKeyward(['serve'], { ...environment, KEYWARD_DATA_DIR: '/proc/self' });
    expect(oneLineOf(ended)).toMatch(/^keyward: The data directory cannot be written/);
  });

  test.skipIf(process.getuid?.() === 0)('a data directory without the right to write', async () => {
    const { environment } = await place('named');
    const directory = join(environment['KEYWARD_DATA_DIR'] ?? '', 'read-only');
    await mkdir(directory);
    await chmod(directory, 0o500);
    const ended = await runKeyward(['serve'], { ...environment, KEYWARD_DATA_DIR: directory });
    expect(oneLineOf(ended)).toMatch(/^keyward: The data directory cannot be written.*EACCES/);
  });

  test('an address that this machine has not got', async () => {
    const { environment } = await place('named');
    const ended = await runKeyward(['serve'], { ...environment, HOST: '203.0.113.1' });
    expect(oneLineOf(ended)).toMatch(/^keyward: .*this machine has no address 203\.0\.113\.1.*HOST/);
  });

  test('an open door on a public address', async () => {
    const { environment } = await place('named');
    const ended = await runKeyward(['serve'], { ...environment, HOST: '0.0.0.0', GATEWAY_AUTH: 'open' });
    expect(oneLineOf(ended)).toMatch(
      /^keyward: .*GATEWAY_AUTH=open needs a HOST that is a loopback or private address/,
    );
  });

  test('after which the port is free again', async () => {
    const { environment } = await place('embedded');
    const port = String(await freePort());
    const file = join(environment['KEYWARD_DATA_DIR'] ?? '', 'a-file');
    await writeFile(file, '');
    await expect(
      startHere({ ...environment, PORT: port, KEYWARD_DATA_DIR: join(file, 'x') }),
    ).rejects.toThrow(/cannot be made/);
    const server = await startHere({ ...environment, PORT: port });
    leftovers.push(async () => server.stop());
    expect(server.url).toBe(`http://127.0.0.1:${port}`);
  });
});

describe('a start', () => {
  test('while the database is not open yet lives, and answers all else with 503 not_ready', async () => {
    const { environment } = await place('embedded', { migrated: false });
    const port = await freePort();
    const early: Promise<Response>[] = [];
    const ask = (path: string, method: string): unknown =>
      early.push(fetch(`http://127.0.0.1:${port}${path}`, { method }));
    const server = await startHere({ ...environment, PORT: String(port) }, () => {
      if (early.length > 0) return;
      ask('/v1/chat/completions', 'POST');
      ask('/health/ready', 'GET');
      ask('/health/live', 'GET');
    });
    leftovers.push(async () => server.stop());
    const [chat, ready, live] = await Promise.all(early);
    expect([chat?.status, ready?.status, live?.status]).toEqual([503, 503, 200]);
    expect(await chat?.json()).toMatchObject({ error: { code: 'not_ready', type: 'api_error' } });
    expect(await live?.json()).toEqual({ status: 'live' });
  });

  test('that makes its database does not keep the port waiting', { timeout: 120_000 }, async () => {
    const { environment } = await place('named');
    const port = await freePort();
    let lives = 0;
    const making = new AbortController();
    let asking: Promise<void> | undefined;
    const ask = async (): Promise<void> => {
      while (!making.signal.aborted && lives < 20)
        if ((await fetch(`http://127.0.0.1:${port}/health/live`)).ok) lives += 1;
    };
    const dataDirectory = join(environment['KEYWARD_DATA_DIR'] ?? '', 'new');
    const server = await startHere(
      { ...environment, PORT: String(port), KEYWARD_DATA_DIR: dataDirectory },
      () => {
        asking ??= ask();
      },
    );
    leftovers.push(async () => server.stop());
    making.abort();
    await asking;
    expect(lives).toBe(20);
  });

  test('shows tokens that it made, and the next start does not', async () => {
    const { environment } = await place();
    const { KEYWARD_GATEWAY_TOKEN: _gateway, KEYWARD_ADMIN_TOKEN: _admin, ...without } = environment;
    const first = await startHere(without);
    const token = first.firstTokens.gateway?.reveal();
    expect(token).toMatch(/^kwg_/);
    expect(first.firstTokens.admin?.reveal()).toMatch(/^kwa_/);
    await first.stop();
    const second = await startHere(without);
    leftovers.push(async () => second.stop());
    expect(second.firstTokens).toEqual({ admin: undefined, gateway: undefined });
    const asked = await fetch(`${second.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{}',
    });
    expect(asked.status).toBe(400);
  });

  test('takes over the directory of a server that was killed', async () => {
    const { environment } = await place('embedded');
    const killed = serverProcess(environment);
    await killed.url();
    killed.kill('SIGKILL');
    await killed.ended();
    const next = serverProcess(environment);
    expect((await fetch(`${await next.url()}/health/ready`)).status).toBe(200);
  });
});

const chat = (): string => {
  const body = '{"model":"openrouter/m"}';
  return `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${gatewayToken}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
};

async function accepts(port: number): Promise<boolean> {
  return openConnection(port).then(
    (connection) => {
      connection.close();
      return true;
    },
    () => false,
  );
}

describe('a stop', () => {
  test('lets the requests in flight finish, refuses new ones, and ends by itself', async () => {
    const provider = await standIn();
    const keyward = await keywardBefore(provider);
    provider.behave({ cut: { afterBytes: 100, ending: 'stall' } });
    const inFlight = await keyward.chat(askStream);
    await provider.waitForStall();
    const stopped = keyward.stop();
    await expect.poll(async () => accepts(keyward.port)).toBe(false);
    provider.release('rest');
    expect(await inFlight.text()).toMatch(/data: \[DONE\]\n\n$/);
    const finishedAt = performance.now();
    await stopped;
    // The caller would keep its connection for seconds.
    expect(performance.now() - finishedAt).toBeLessThan(3_000);
  });

  test('cuts what is not finished in time, and the caller sees that', async () => {
    const provider = await standIn();
    const keyward = await keywardBefore(provider, { SHUTDOWN_TIMEOUT_MS: '200' });
    provider.behave({ cut: { afterBytes: 100, ending: 'stall' } });
    const inFlight = await keyward.chat(askStream);
    await provider.waitForStall();
    const began = performance.now();
    const outcome = Promise.allSettled([inFlight.text()]);
    await keyward.stop();
    expect(await outcome).toMatchObject([{ status: 'rejected' }]);
    expect(performance.now() - began).toBeGreaterThanOrEqual(200);
    await provider.waitForDisconnect();
  });

  test('tells a caller who has heard nothing in time why, before it cuts', async () => {
    const provider = await standIn();
    const keyward = await keywardBefore(provider, { SHUTDOWN_TIMEOUT_MS: '200' });
    provider.behave({ insteadOfHeaders: 'stall' });
    const waiting = keyward.chat();
    await provider.waitForStall();
    await keyward.stop();
    const answer = await waiting;
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ error: { code: 'not_ready' } });
  });

  test('tells a caller who has a next request on the same connection to take another one', async () => {
    const provider = await standIn();
    const keyward = await keywardBefore(provider);
    provider.behave({ insteadOfHeaders: 'stall', requests: 1 });
    const connection = await openConnection(keyward.port);
    await connection.send(chat());
    await provider.waitForStall();
    const stopped = keyward.stop();
    await expect.poll(async () => accepts(keyward.port)).toBe(false);
    await connection.send(chat());
    await provider.waitForRequest(2);
    provider.release('rest');
    expect(await connection.answer()).toMatchObject({ status: 200, headers: { connection: 'keep-alive' } });
    expect(await connection.answer()).toMatchObject({ status: 200, headers: { connection: 'close' } });
    expect(await connection.rest()).toBe('');
    await stopped;
  });

  test('does not wait for connections that rest between requests, or never sent one', async () => {
    const provider = await standIn();
    const keyward = await keywardBefore(provider);
    const silent = await openConnection(keyward.port);
    const resting = await openConnection(keyward.port);
    await resting.send(chat());
    expect((await resting.answer()).status).toBe(200);
    const began = performance.now();
    await keyward.stop();
    expect(performance.now() - began).toBeLessThan(3_000);
    await Promise.all([silent.rest(), resting.rest()]);
  });

  test.each([
    ['SIGTERM', 'embedded'],
    ['SIGINT', 'postgres'],
  ] as const)('by %s ends the process in good order: exit 0 (%s)', async (signal, engine) => {
    const provider = await standIn();
    const { environment } = await place(engine);
    const server = serverProcess({
      ...environment,
      OPENROUTER_API_KEY: providerKey,
      OPENROUTER_BASE_URL: provider.baseUrl,
    });
    const url = await server.url();
    provider.behave({ cut: { afterBytes: 100, ending: 'stall' } });
    const inFlight = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gatewayToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(askStream),
    });
    await provider.waitForStall();
    const began = performance.now();
    server.kill(signal);
    await server.said(new RegExp(`${signal}: finishing the requests in flight`));
    provider.release('rest');
    expect(await inFlight.text()).toMatch(/data: \[DONE\]\n\n$/);
    expect((await server.ended()).exitCode).toBe(0);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(existsSync(join(environment['KEYWARD_DATA_DIR'] ?? '', 'keyward.lock'))).toBe(false);
  });
});
