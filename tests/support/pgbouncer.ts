/**
 * A PgBouncer in transaction mode before a PostgreSQL of the tests, where this machine has one: each
 * transaction of a client may run on another of its few server connections.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './free-port.ts';
import { chooseUser, giveTo, temporaryRoot } from './postgres-binaries.ts';

export interface PgBouncer {
  /** The same database by way of the pooler. */
  readonly through: (url: string) => string;
  readonly stop: () => Promise<void>;
}

/** Debian keeps it where ordinary users do not look. */
const searchPath = `${process.env['PATH'] ?? ''}:/usr/sbin`;

export function hasPgBouncer(): boolean {
  try {
    execFileSync('pgbouncer', ['--version'], { env: { PATH: searchPath }, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** @param serverUrl of a superuser of the PostgreSQL that it stands before */
export async function startPgBouncer(
  serverUrl: string,
  { serverConnections }: { serverConnections: number },
): Promise<PgBouncer> {
  const user = await chooseUser();
  const directory = await mkdtemp(join(await temporaryRoot(user), 'keyward-test-pgbouncer-'));
  const configuration = join(directory, 'pgbouncer.ini');
  const port = await freePort();
  await writeFile(configuration, settings(new URL(serverUrl), port, serverConnections), { mode: 0o600 });
  await giveTo(user, directory);
  await chmod(directory, 0o700);
  // The shell ends the pooler when this process ends, however that comes about.
  const script = 'pgbouncer "$1" & pooler=$!; cat >/dev/null; kill -INT $pooler; wait $pooler';
  const child = spawn('sh', ['-c', script, 'sh', configuration], {
    ...user,
    cwd: directory,
    env: { PATH: searchPath },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface(child.stderr)
      .on('line', (line) => {
        lines.push(line);
        if (line.includes('process up')) resolve();
        if (line.includes('FATAL')) reject(new Error(lines.join('\n')));
      })
      .on('close', () => reject(new Error(`pgbouncer ended: ${lines.join('\n')}`)));
  });
  return {
    through: (url) => {
      const pooled = new URL(url);
      pooled.port = String(port);
      return pooled.href;
    },
    stop: async () => {
      child.stdin.end();
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function settings(server: URL, port: number, serverConnections: number): string {
  const { hostname, username, password } = server;
  return `[databases]
* = host=${hostname} port=${server.port} user=${username} password=${decodeURIComponent(password)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${serverConnections}
max_client_conn = 200
`;
}
