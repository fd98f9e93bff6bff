/**
 * One process at a time on an embedded data directory: a file that names the owner's process. It is
 * never taken from a living process and is taken over from a dead one; a process number that was
 * used again does not pass for its former bearer.
 */
import { linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { codeOf, messageOf, UsageError } from '../foundation/errors.ts';
import { isUnburied, processNamespace, processStart } from './process-identity.ts';

export interface LockOwner {
  readonly pid: number;
  readonly namespace: string;
  readonly startedAt: string | null;
  /** A server stays; a command is over in a moment. */
  readonly role: 'server' | 'command';
  /** The Unix socket at which the owner serves the database. */
  readonly socketPath: string;
}

export type LockResult =
  | { readonly held: true; readonly release: () => void }
  | { readonly held: false; readonly owner: LockOwner };

/**
 * Takes the lock of `directory`, or tells who has it.
 * @param socketPath where this process will serve the database once it holds the lock
 * @throws UsageError when the directory cannot be written, or a takeover was killed half-way
 */
export async function lockDirectory(
  directory: string,
  socketPath: string,
  role: LockOwner['role'],
): Promise<LockResult> {
  const path = join(directory, 'keyward.lock');
  const me: LockOwner = {
    pid: process.pid,
    namespace: processNamespace(),
    startedAt: processStart(process.pid),
    role,
    socketPath,
  };
  if (create(path, me)) return { held: true, release: () => releaseLock(path) };
  const owner = readOwner(path);
  if (owner !== null && (await isAlive(owner))) return { held: false, owner };
  return takeOver(path, me);
}

/** Under a second lock, so that of two processes that found the same dead owner only one goes on. */
async function takeOver(path: string, me: LockOwner): Promise<LockResult> {
  const guard = `${path}.takeover`;
  if (!create(guard, me)) {
    const rival = readOwner(guard);
    if (rival !== null && !(await isAlive(rival))) {
      throw new UsageError(
        `A start was killed while it took over the data directory. Make sure that no Keyward uses it, then remove ${guard}`,
      );
    }
    return { held: false, owner: rival ?? readOwner(path) ?? me };
  }
  try {
    const owner = readOwner(path);
    if (owner !== null && (await isAlive(owner))) return { held: false, owner };
    if (owner !== null) unlinkSync(path);
    if (!create(path, me)) return { held: false, owner: readOwner(path) ?? me };
    return { held: true, release: () => releaseLock(path) };
  } finally {
    unlinkSync(guard);
  }
}

/** True when the file was made by this call: it appears with its whole content or not at all. */
function create(path: string, owner: LockOwner): boolean {
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, `${JSON.stringify(owner)}\n`, { mode: 0o600 });
  } catch (error) {
    throw new UsageError(
      `The data directory cannot be written: ${messageOf(error)}. Make it writable, or set KEYWARD_DATA_DIR to another directory.`,
      { cause: error },
    );
  }
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw new UsageError(`The data directory cannot be locked: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    unlinkSync(draft);
  }
}

function readOwner(path: string): LockOwner | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw new UsageError(`The lock of the data directory cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
  try {
    const owner = JSON.parse(text) as LockOwner;
    const isWhole = typeof owner.namespace === 'string' && typeof owner.socketPath === 'string';
    if (Number.isInteger(owner.pid) && owner.pid > 0 && isWhole) return owner;
  } catch {
    // Said below.
  }
  throw new UsageError(
    `${path} is not a lock of Keyward. Make sure that no Keyward uses the directory, then remove it.`,
  );
}

async function isAlive(owner: LockOwner): Promise<boolean> {
  // The number means nothing in another container or after a reboot; the socket still answers for the living.
  if (owner.namespace !== processNamespace()) return socketAnswers(owner.socketPath);
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
  }
  if (isUnburied(owner.pid)) return false;
  const startedAt = processStart(owner.pid);
  return owner.startedAt === null || startedAt === null || owner.startedAt === startedAt;
}

/** Whether somebody serves a database at the socket. */
export async function socketAnswers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function releaseLock(path: string): void {
  const owner = readOwner(path);
  if (owner?.pid === process.pid && owner.namespace === processNamespace()) unlinkSync(path);
}
