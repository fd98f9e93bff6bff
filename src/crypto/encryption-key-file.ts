/**
 * The file that holds the encryption key ring: the key on a line, or one ring key a line, the active one
 * first; lines that start with # are comments. A file is made whole or not at all, and never overwritten.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  type Stats,
} from 'node:fs';
import { dirname } from 'node:path';
import { UsageError } from '../foundation/errors.ts';
import { Secret } from '../foundation/secret.ts';
import { generateEncryptionKey, parseEncryptionKey } from './encryption-key.ts';
import { replaceFile, syncDirectory, writeDurably } from './replace-file.ts';

const ownerOnly = 0o600;
const othersMask = 0o077;
const permissionBits = 0o777;
/** A server of another user may read the file as a member of its group. */
const widestMode = 0o640;
const maxBytes = 64 * 1024;

const causes: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EEXIST: 'it exists already, and was left as it is',
  ENOENT: 'it, or the directory it would lie in, does not exist',
  ENOTDIR: 'a part of its path is not a directory',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EPERM: 'the file system does not allow it',
};

/**
 * Reads a ring as KeyRing.parse takes it; the keys themselves are not looked at.
 *
 * @returns tooOpen: whether the file's mode lets anyone but its owner read or write it
 * @throws UsageError if there is no such file, it cannot be read, is no file, or holds no key
 */
export function readEncryptionKeyFile(path: string): { text: Secret; tooOpen: boolean } {
  const { content, stats } = read(path);
  const text = ringTextOf(content);
  if (text === undefined) {
    throw unreadable(path, 'it holds no key');
  }
  return { text, tooOpen: isTooOpen(stats) };
}

/** The keys of such a text, as KeyRing.parse takes them; undefined where it holds none. */
export function ringTextOf(content: string): Secret | undefined {
  const members = content
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  return members.length === 0 ? undefined : new Secret(members.join(','));
}

/**
 * Makes a key and a file of mode 0600 that holds it, on the disk when this returns. Of several callers at
 * once one succeeds. If the process is killed, the file is not there or is whole; beside it a temporary
 * file of the same mode, `<path>.<random>.tmp`, may remain.
 *
 * @throws UsageError if the file exists already or cannot be made
 */
export function createEncryptionKeyFile(path: string): Secret {
  const key = generateEncryptionKey();
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = openSync(temporary, 'wx', ownerOnly);
    try {
      writeDurably(file, `${key.reveal()}\n`, ownerOnly);
      // A link, unlike a rename, fails where something exists already.
      linkSync(temporary, path);
    } finally {
      rmSync(temporary);
    }
    syncDirectory(dirname(path));
  } catch (error) {
    throw fileError(`The encryption key file ${path} cannot be made`, error);
  }
  return key;
}

export interface Rewritten {
  /** What else became of the file, in sentences. */
  readonly remarks: readonly string[];
}

/**
 * Adds a new key behind those of the file. The file is replaced whole or stays as it was, except where it is
 * mounted by itself (replaceFile). Its mode stays, unless it lets more people in than its owner and readers of its group.
 * @throws UsageError if it cannot be written
 */
export function addKeyToFile(path: string): Rewritten {
  return rewrite(path, (keys) => [...keys, generateEncryptionKey().reveal()]);
}

/**
 * Puts the key with this id before the others of the file, as addKeyToFile.
 * @throws UsageError if the file does not hold it, or cannot be written
 */
export function putKeyFirst(path: string, id: string): Rewritten {
  return rewrite(path, (keys) => {
    const first = keys.filter((key) => idOf(key) === id);
    if (first.length === 0)
      throw new UsageError(`The encryption key file ${path} holds no key ${id}. It was left as it is.`);
    return [...first, ...keys.filter((key) => idOf(key) !== id)];
  });
}

function idOf(key: string): string {
  return parseEncryptionKey(key).id;
}

/** Comments stay, before the keys, each of which gets a line of its own. */
function rewrite(path: string, edit: (keys: readonly string[]) => readonly string[]): Rewritten {
  const { content: before, stats } = read(path);
  const comments = before.split('\n').filter((line) => line.trim().startsWith('#'));
  const keys = (ringTextOf(before)?.reveal() ?? '').split(',').map((key) => key.trim());
  const content = [...comments, ...edit(keys), ''].join('\n');
  const was = stats.mode & permissionBits;
  const mode = (was & ~widestMode) === 0 ? was : ownerOnly;
  try {
    // What stands behind a link is replaced where it stands.
    const how = replaceFile(realpathSync(path), { before, content, mode, owner: stats });
    return {
      remarks: [
        ...(mode === was ? [] : [`The mode of ${path} was ${inOctal(was)} and is ${inOctal(mode)} now.`]),
        ...(how === 'replaced'
          ? []
          : [`${path} is mounted by itself, so it was written where it stands and not replaced whole.`]),
      ],
    };
  } catch (error) {
    throw fileError(`The encryption key file ${path} cannot be written`, error);
  }
}

function inOctal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function read(path: string): { content: string; stats: Stats } {
  try {
    const file = openSync(path, 'r');
    try {
      const stats = fstatSync(file);
      refuseOddFile(path, stats);
      return { content: readFileSync(file, 'utf8'), stats };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw fileError(`The encryption key file ${path} cannot be read`, error);
  }
}

/** A pipe is welcome: it is how a shell hands over a key that lies in no file. */
function refuseOddFile(path: string, stats: Stats): void {
  if (stats.isDirectory()) {
    throw unreadable(path, 'it is a directory');
  }
  if (!stats.isFile() && !stats.isFIFO()) {
    throw unreadable(path, 'it is not a file');
  }
  if (stats.size > maxBytes) {
    throw unreadable(path, `it is larger than ${maxBytes / 1024} KiB, which no key ring is`);
  }
}

function isTooOpen(stats: Stats): boolean {
  return process.platform !== 'win32' && (stats.mode & othersMask) !== 0;
}

function unreadable(path: string, why: string): UsageError {
  return new UsageError(`The encryption key file ${path} cannot be read: ${why}.`);
}

function fileError(what: string, error: unknown): UsageError {
  if (error instanceof UsageError) {
    return error;
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown cause';
  return new UsageError(`${what}: ${causes[code] ?? code}.`, { cause: error });
}
