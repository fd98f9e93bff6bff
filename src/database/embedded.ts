/**
 * The embedded database: PGlite in `<data directory>/database`, owned by one process that serves it at
 * a Unix socket to every other. It does not fsync: it survives a killed process, not a power cut.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { codeOf, messageOf, UsageError } from '../foundation/errors.ts';
import type { ConnectionSettings } from './database.ts';
import { lockDirectory, socketAnswers, type LockOwner } from './directory-lock.ts';
import { startEngineThread, type EngineThread } from './engine-thread.ts';

/** The shortest limit of a Unix socket's path among the systems that Node runs on, less its final zero. */
const maxSocketPathBytes = 103;
const socketName = '.s.PGSQL.5432';

/** Making a database takes seconds on a slow machine. */
const ownerPatienceMs = 30_000;
const askOwnerMs = 50;

/** How long a command that is done stays for other commands that use its engine. */
const guestPatienceMs = 10_000;

export interface EmbeddedDatabase {
  readonly settings: ConnectionSettings;
  /** The engine is another process's, which may end it at any time. */
  readonly shared: boolean;
  close(): Promise<void>;
}

export interface OpenEmbeddedOptions {
  /** A server wants the engine for itself; a command shares that of whoever has it. */
  readonly as: LockOwner['role'];
  /** Told what is going on while a new database is made. */
  readonly onProgress: (message: string) => void;
}

/** Whether a database has been made there. */
export function isEmbeddedThere(dataDirectory: string): boolean {
  return existsSync(join(dataDirectory, 'database'));
}

/**
 * Opens the embedded database, making it when there is none.
 * @throws UsageError with one line that says what to do
 */
export async function openEmbedded(
  dataDirectory: string,
  options: OpenEmbeddedOptions,
): Promise<EmbeddedDatabase> {
  makeDirectory(dataDirectory);
  const socketPath = chooseSocketPath(dataDirectory);
  let keepsSocket = false;
  try {
    const owner = await lockOrOwner(dataDirectory, socketPath, options.as);
    keepsSocket = 'release' in owner;
    if ('release' in owner) return await own(dataDirectory, socketPath, owner.release, options);
    return { settings: socketSettings(owner.socketPath, dataDirectory), shared: true, close: async () => {} };
  } finally {
    if (!keepsSocket) removeSocketDirectory(socketPath, dataDirectory);
  }
}

/** The lock, or for a command also the owner who shares its engine. */
async function lockOrOwner(
  dataDirectory: string,
  socketPath: string,
  as: LockOwner['role'],
): Promise<{ readonly release: () => void } | LockOwner> {
  const deadline = performance.now() + ownerPatienceMs;
  for (;;) {
    const lock = await lockDirectory(dataDirectory, socketPath, as);
    if (lock.held) return lock;
    const { owner } = lock;
    if (as === 'server' && owner.role === 'server') throw alreadyRuns(owner, dataDirectory);
    if (as === 'command' && (await socketAnswers(owner.socketPath))) return owner;
    // The owner is starting, stopping, or a command that is over in a moment.
    if (performance.now() > deadline) throw ownerHangs(owner, dataDirectory);
    await new Promise((resolve) => setTimeout(resolve, askOwnerMs));
  }
}

async function own(
  dataDirectory: string,
  socketPath: string,
  releaseLock: () => void,
  { as, onProgress }: OpenEmbeddedOptions,
): Promise<EmbeddedDatabase> {
  let engine: EngineThread | undefined;
  const close = async (): Promise<void> => {
    await engine?.close(as === 'command' ? guestPatienceMs : 0);
    releaseLock();
    removeSocketDirectory(socketPath, dataDirectory);
  };
  try {
    engine = await startEngine(dataDirectory, socketPath, onProgress);
    return { settings: socketSettings(socketPath, dataDirectory), shared: false, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function alreadyRuns({ pid }: LockOwner, dataDirectory: string): UsageError {
  return new UsageError(
    `Another Keyward (process ${pid}) already runs on ${dataDirectory}. Stop it first, or set KEYWARD_DATA_DIR to another directory.`,
  );
}

function ownerHangs({ pid }: LockOwner, dataDirectory: string): UsageError {
  return new UsageError(
    `The Keyward on ${dataDirectory} (process ${pid}) does not let anybody at its database. If it hangs, end it and try again.`,
  );
}

/** @throws UsageError with one line that says what to do */
async function startEngine(
  dataDirectory: string,
  socketPath: string,
  onProgress: (message: string) => void,
): Promise<EngineThread> {
  try {
    return await startEngineThread({ dataDirectory, socketPath }, onProgress);
  } catch (error) {
    throw new UsageError(
      `The embedded database in ${join(dataDirectory, 'database')} does not open: ${messageOf(error)}. Check the free space and the rights of the directory; a copy of the directory can be put back in its place.`,
      { cause: error },
    );
  }
}

/** Level by level: Node's own recursive mkdir does not end below /proc. */
function makeDirectory(path: string, dataDirectory = path): void {
  if (isDirectory(path)) return;
  if (!existsSync(path)) makeDirectory(dirname(path), dataDirectory);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process that starts at this moment may have been first.
    if (codeOf(error) === 'EEXIST' && isDirectory(path)) return;
    throw new UsageError(
      `The data directory ${dataDirectory} cannot be made: ${messageOf(error)}. Set KEYWARD_DATA_DIR to a directory that you can write.`,
      { cause: error },
    );
  }
}

/** What lies behind a directory that one may not enter is none: making it tells why. */
function isDirectory(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false;
  }
}

function chooseSocketPath(dataDirectory: string): string {
  const path = join(dataDirectory, socketName);
  if (Buffer.byteLength(path) <= maxSocketPathBytes) return path;
  return join(mkdtempSync(join(tmpdir(), 'keyward-')), socketName);
}

function removeSocketDirectory(socketPath: string, dataDirectory: string): void {
  if (socketPath === join(dataDirectory, socketName)) return;
  rmSync(dirname(socketPath), { recursive: true, force: true });
}

function socketSettings(socketPath: string, dataDirectory: string): ConnectionSettings {
  return {
    description: `embedded database in ${dataDirectory}`,
    pool: {
      host: dirname(socketPath),
      port: 5432,
      user: 'postgres',
      database: 'postgres',
      ssl: false,
      keepAlive: false,
    },
  };
}
