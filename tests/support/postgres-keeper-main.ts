/**
 * The process that owns the PostgreSQL of a test run. It starts one in a temporary directory, prints its
 * URL on one line, and stops and removes it as soon as its standard input ends: so however its parent
 * dies, also by SIGKILL, the server does not outlive it. Its argument is the directory of the programs, where
 * they are not to be those that npm delivers.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { chooseUser, giveTo, prepareBinaries, temporaryRoot } from './postgres-binaries.ts';

const user = await chooseUser();
const work = await mkdtemp(join(await temporaryRoot(user), 'keyward-test-postgres-'));
const data = join(work, 'data');
const password = randomBytes(18).toString('base64url');

interface Program {
  readonly process: ChildProcess;
  readonly stderr: Readable;
  /** Resolves once its last process is gone: each of them holds stderr. */
  readonly ended: Promise<void>;
}

let program: Program | undefined;
let stopping = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.stdin.resume().on('close', () => void stop(0));

try {
  await chmod(work, 0o700);
  const bin = process.argv[2] ?? (await prepareBinaries(work, user));
  await initialise(bin);
  process.stdout.write(`${await serve(bin)}\n`);
} catch (error) {
  if (!stopping) {
    complain(error);
    await stop(1);
  }
}

/** Ends what runs, waits until every process of it is gone, and removes the directory. */
async function stop(exitCode: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  program?.process.kill('SIGQUIT');
  await program?.ended;
  await rm(work, { recursive: true, force: true, maxRetries: 5 });
  process.exit(exitCode);
}

async function initialise(bin: string): Promise<void> {
  const passwordFile = join(work, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  await giveTo(user, work);
  const initdb = start(join(bin, 'initdb'), [
    `--pgdata=${data}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ]);
  let said = '';
  initdb.stderr.on('data', (text: Buffer) => (said += text.toString()));
  await initdb.ended;
  if (initdb.process.exitCode !== 0) throw new Error(`initdb failed: ${said}`);
}

/** @returns the URL, once the server accepts connections */
async function serve(bin: string, attemptsLeft = 5): Promise<string> {
  const port = await freePort();
  const postgres = start(join(bin, 'postgres'), ['-D', data, ...settings({ port })]);
  const lines: string[] = [];
  const ready = await new Promise<boolean>((resolve) => {
    createInterface(postgres.stderr).on('line', (line) => {
      lines.push(line);
      if (lines.length > 50) lines.shift();
      if (line.includes('database system is ready to accept connections')) resolve(true);
    });
    void postgres.ended.then(() => resolve(false));
  });
  if (ready) {
    void postgres.ended.then(async () => {
      if (!stopping) complain(new Error(`The PostgreSQL of this test run ended:\n${lines.join('\n')}`));
      return stop(1);
    });
    return `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  }
  const portTaken = lines.some((line) => line.includes('could not bind'));
  if (portTaken && attemptsLeft > 1 && !stopping) return serve(bin, attemptsLeft - 1);
  throw new Error(`postgres did not start:\n${lines.join('\n')}`);
}

/** Fast rather than durable: the data is thrown away. */
function settings({ port }: { port: number }): string[] {
  const parameters = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 200,
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    autovacuum: 'off',
    logging_collector: 'off',
    lc_messages: 'C',
  };
  return Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

function start(file: string, parameters: string[]): Program {
  if (stopping) throw new Error('told to stop');
  const process = spawn(file, parameters, { ...user, cwd: work, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<void>((resolve) => {
    process.once('error', complain).once('close', () => resolve());
  });
  program = { process, stderr: process.stderr, ended };
  return program;
}

function complain(about: unknown): void {
  process.stderr.write(`${inspect(about)}\n`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
