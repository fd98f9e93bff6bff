/**
 * The embedded engine in a thread of its own, so that neither making a database nor a long statement keeps
 * the server from answering. Nothing but words crosses: data goes through the engine's socket.
 */
import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

/** What the thread is given. */
export interface EngineThreadData {
  readonly dataDirectory: string;
  readonly socketPath: string;
}

/** What the thread says. */
export type EngineThreadMessage =
  | { readonly said: 'progress'; readonly message: string }
  | { readonly said: 'serving' }
  | { readonly said: 'failed'; readonly message: string };

/** What the thread is told: to end, and how long its guests may stay. */
export interface EndEngine {
  readonly patienceMs: number;
}

export interface EngineThread {
  /** Resolves once the engine has closed its files. */
  close(patienceMs: number): Promise<void>;
}

/**
 * Starts the engine; resolves when it serves at the socket.
 * @param onProgress told what is going on, and when the engine ends by itself
 * @throws Error with the engine's own words when it does not start
 */
export async function startEngineThread(
  data: EngineThreadData,
  onProgress: (message: string) => void,
): Promise<EngineThread> {
  const main = new URL(`./engine-thread-main${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(main, { workerData: data, name: 'keyward-embedded' });
  const ended = once(worker, 'exit');
  let closing = false;
  await new Promise<void>((resolve, reject) => {
    worker.on('message', (message: EngineThreadMessage) => {
      if (message.said === 'progress') onProgress(message.message);
      else if (message.said === 'serving') resolve();
      else reject(new Error(message.message));
    });
    worker.once('error', reject);
    worker.once('exit', () => {
      reject(new Error('the engine ended'));
      if (!closing)
        onProgress('The embedded database has ended by itself. Restart Keyward to start it again.');
    });
  }).catch(async (error: unknown) => {
    closing = true;
    await worker.terminate();
    throw error;
  });
  return {
    close: async (patienceMs) => {
      closing = true;
      worker.postMessage({ patienceMs } satisfies EndEngine);
      await ended;
    },
  };
}
