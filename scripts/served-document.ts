/** The document of the admin API as a real server gives it, with settings that nobody has touched. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../src/foundation/config.ts';
import { createLogger } from '../src/foundation/logger.ts';
import { startServer } from '../src/server.ts';

export async function servedDocument(): Promise<string> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'keyward-document-'));
  try {
    const server = await startServer(
      loadConfig({ HOST: '127.0.0.1', PORT: '0', KEYWARD_DATA_DIR: dataDirectory }),
      {
        log: createLogger({ level: 'fatal', format: 'json', scrub: (line) => line }),
        onProgress: () => undefined,
        onSnapshot: () => undefined,
      },
    );
    try {
      const answer = await fetch(`${server.url}/api/openapi.json`, { headers: { connection: 'close' } });
      return `${await answer.text()}\n`;
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(dataDirectory, { recursive: true, force: true });
  }
}
