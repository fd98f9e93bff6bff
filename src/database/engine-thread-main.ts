/**
 * What runs in the engine's thread: opens PGlite, making the database when there is none, and serves it at
 * the socket until it is told to end. A making that is killed leaves no half-made database behind.
 */
import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { messageOf } from '../foundation/errors.ts';
import { serveEmbedded } from './embedded-socket.ts';
import type { EndEngine, EngineThreadData, EngineThreadMessage } from './engine-thread.ts';

const { dataDirectory, socketPath } = workerData as EngineThreadData;

const say = (message: EngineThreadMessage): void => parentPort?.postMessage(message);

async function openEngine(): Promise<PGlite> {
  const finished = join(dataDirectory, 'database');
  const draft = join(dataDirectory, 'database.unfinished');
  if (!existsSync(finished)) {
    say({ said: 'progress', message: `Making the embedded database in ${finished} (a few seconds, once)` });
    rmSync(draft, { recursive: true, force: true });
    await (await start(draft)).close();
    renameSync(draft, finished);
  }
  // Whoever may look into the data directory must not read the database past its socket.
  chmodSync(finished, 0o700);
  return start(finished);
}

async function start(directory: string): Promise<PGlite> {
  const engine = new PGlite(directory, {
    startParams: [...PGlite.defaultStartParams, '-c', 'timezone=UTC'],
  });
  await engine.waitReady;
  return engine;
}

try {
  const engine = await openEngine();
  const socket = await serveEmbedded(engine, socketPath);
  parentPort?.once('message', ({ patienceMs }: EndEngine) => {
    void socket.close(patienceMs).then(async () => engine.close());
  });
  say({ said: 'serving' });
} catch (error) {
  say({ said: 'failed', message: messageOf(error) });
}
