/**
 * The file that holds the encryption key ring: the key on a line, or one ring key a line, the active one
 * first; lines that start with # are comments. A file is made whole or not at all, and never overwritten.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { UsageError } from '../foundation/errors.ts';
import { Secret } from '../foundation/secret.ts';
import { generateEncryptionKey } from './encryption-key.ts';

const ownerOnly = 0o600;
const othersMask = 0o077;
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
  const members = content
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (members.length === 0) {
    throw unreadable(path, 'it holds no key');
  }
  return { text: new Secret(members.join(',')), tooOpen: isTooOpen(stats) };
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
      writeDurably(file, `${key.reveal()}\n`);
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

/** Writes and closes; the mode is set anew because a umask may have narrowed it. */
function writeDurably(file: number, content: string): void {
  try {
    fchmodSync(file, ownerOnly);
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Windows does not open directories; there the file's own entry is as durable as it gets. */
function syncDirectory(path: string): void {
  if (process.platform === 'win32') {
    return;
  }
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
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
