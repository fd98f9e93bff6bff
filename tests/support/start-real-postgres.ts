/**
 * Starts one real PostgreSQL for a test run, in the hands of a keeper process that ends it when this
 * process ends, however that comes about.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface RealPostgres {
  /** Of the database postgres, as superuser. */
  readonly url: string;
  /** Resolves once the server is gone and its directory removed. */
  readonly stop: () => Promise<void>;
}

const keeperFile = fileURLToPath(new URL('postgres-keeper-main.ts', import.meta.url));

/** @param programs the directory of initdb and postgres; those that npm delivers when not said */
export async function startRealPostgres(programs?: string): Promise<RealPostgres> {
  // In a process group of its own, so that a signal to this one's group does not hit it.
  const keeper = spawn(process.execPath, [keeperFile, ...(programs === undefined ? [] : [programs])], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = once(keeper, 'close');
  const firstLine = once(createInterface(keeper.stdout), 'line') as Promise<[string]>;
  const [url] = await Promise.race([
    firstLine,
    ended.then(() => {
      throw new Error('PostgreSQL for the tests did not start; see above.');
    }),
  ]);
  return {
    url,
    stop: async () => {
      keeper.stdin.end();
      await ended;
    },
  };
}
