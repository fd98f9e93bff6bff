/**
 * What is compared: the provider itself, and before it the bare proxy, Keyward with everything on, and
 * nginx where it is installed. All on loopback, each gateway in one process, all before the same provider.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateEncryptionKey } from '../src/crypto/encryption-key.ts';
import type { Children } from './children.ts';

export type TargetName = 'direct' | 'bare' | 'keyward' | 'nginx';

export interface Target {
  readonly name: TargetName;
  /** Where chat requests go. */
  readonly url: string;
  /** The gateway's process; null for the provider itself, which is not measured. */
  readonly pid: number | null;
}

/** How often Keyward looks for changed keys: its default, said again because the bench counts with it. */
export const keywardPollMs = 1_000;

const gatewayToken = ['kwg', 'bench', 'stand-in', 'token'].join('_');
const adminToken = ['kwa', 'bench', 'stand-in', 'token'].join('_');
const providerKey = `sk-or-v1-${'0123456789abcdef'.repeat(4)}`;

/** What every caller presents; only Keyward looks at it. */
export const callerToken = gatewayToken;

const basePath = '/api/v1';
const chatPath = `${basePath}/chat/completions`;

/** Starts all of them. */
export async function startTargets(children: Children, how: HowKeywardRuns): Promise<Target[]> {
  const upstream = await children.startServer(ownProgram('upstream.ts'));
  const direct: Target = { name: 'direct', url: upstream.url + chatPath, pid: null };
  const bare = await startBareProxy(children, upstream.url);
  const keyward = await startKeyward(children, upstream.url, how);
  const nginx = nginxIsInstalled() ? [await startNginx(children, upstream.url)] : [];
  return [direct, bare, keyward, ...nginx];
}

function ownProgram(file: string, ...args: string[]): { command: string; args: string[] } {
  return { command: process.execPath, args: [fileURLToPath(new URL(file, import.meta.url)), ...args] };
}

async function startBareProxy(children: Children, upstreamUrl: string): Promise<Target> {
  const program = ownProgram('bare-proxy.ts', upstreamUrl, chatPath, `Bearer ${providerKey}`);
  const { pid, url } = await children.startServer(program);
  return { name: 'bare', url: url + chatPath, pid };
}

interface HowKeywardRuns {
  /** Options of Node. */
  readonly nodeOptions?: readonly string[];
  /** Added to the variables that every bench needs. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Keyward on a PostgreSQL, in the place of its embedded database. */
export function onPostgres({ url }: { readonly url: string }): Readonly<Record<string, string>> {
  return { DATABASE_URL: url, BYOK_ENCRYPTION_KEY: generateEncryptionKey().reveal() };
}

/** As an operator runs it: a token for callers, the provider's key encrypted in the database. */
export async function startKeyward(
  children: Children,
  upstreamUrl: string,
  { nodeOptions = [], env: added = {} }: HowKeywardRuns = {},
): Promise<Target> {
  const env = {
    PORT: '0',
    KEYWARD_DATA_DIR: join(children.directory, 'keyward'),
    KEYWARD_ADMIN_TOKEN: adminToken,
    KEYWARD_GATEWAY_TOKEN: gatewayToken,
    OPENROUTER_BASE_URL: upstreamUrl + basePath,
    SNAPSHOT_POLL_MS: String(keywardPollMs),
    ...added,
  };
  const { command, args } = ownProgram('../bin/keyward.js');
  const { pid, url } = await children.startServer({
    command,
    args: [...nodeOptions, ...args, 'serve'],
    env,
  });
  await children.run({ command, args: [...args, 'keys', 'set', 'openrouter'], env }, providerKey);
  return { name: 'keyward', url: `${url}/api/v1/llm/chat/completions`, pid };
}

function nginxIsInstalled(): boolean {
  return spawnSync('nginx', ['-v']).error === undefined;
}

/** One process and nothing switched on that the others do not do: no log, no buffering of streams. */
async function startNginx(children: Children, upstreamUrl: string): Promise<Target> {
  const prefix = join(children.directory, 'nginx');
  mkdirSync(prefix);
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (what) => `${what}_temp_path ${prefix}/${what};`,
  );
  const configuration = `
daemon off;
master_process off;
pid ${prefix}/pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary.join('\n  ')}
  upstream provider {
    server ${new URL(upstreamUrl).host};
    keepalive 512;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 1000000000;
    location = ${chatPath} {
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Authorization "Bearer ${providerKey}";
      proxy_buffering off;
    }
  }
}
`;
  const file = join(prefix, 'nginx.conf');
  writeFileSync(file, configuration);
  const program = { command: 'nginx', args: ['-p', prefix, '-e', 'stderr', '-c', file] };
  const origin = `http://127.0.0.1:${port}`;
  const { pid } = await children.startServer(program, async () =>
    (await accepts(port)) ? origin : undefined,
  );
  return { name: 'nginx', url: origin + chatPath, pid };
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
