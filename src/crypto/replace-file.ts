/**
 * Gives a file another content. The file is replaced whole or stays as it was; where nothing can take its place,
 * as with one that is mounted by itself, it is written where it stands, and what it held lies beside it meanwhile.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { codeOf, messageOf, UsageError } from '../foundation/errors.ts';

const ownerOnly = 0o600;

export interface Replacement {
  readonly before: string;
  readonly content: string;
  readonly mode: number;
  /** Stays what it was. */
  readonly owner: { readonly uid: number; readonly gid: number };
}

/**
 * On the disk when this returns.
 * @param target no link
 * @returns `in place` where the file was written where it stands
 * @throws the error of the file system; UsageError that names the copy, where a write in place broke off
 */
export function replaceFile(target: string, replacement: Replacement): 'replaced' | 'in place' {
  const { content, mode, owner } = replacement;
  const temporary = besides(target, 'tmp');
  const file = openSync(temporary, 'wx', ownerOnly);
  try {
    if (process.platform !== 'win32') fchownSync(file, owner.uid, owner.gid);
    writeDurably(file, content, mode);
    try {
      renameSync(temporary, target);
    } catch (error) {
      if (codeOf(error) !== 'EBUSY') throw error;
      writeInPlace(target, replacement);
      return 'in place';
    }
  } finally {
    rmSync(temporary, { force: true });
  }
  syncDirectory(dirname(target));
  return 'replaced';
}

function writeInPlace(target: string, { before, content, mode }: Replacement): void {
  const copy = besides(target, 'before');
  writeDurably(openSync(copy, 'wx', ownerOnly), before, ownerOnly);
  syncDirectory(dirname(copy));
  const file = openSync(target, 'r+');
  try {
    const bytes = Buffer.from(content, 'utf8');
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at, at);
    ftruncateSync(file, bytes.length);
    fchmodSync(file, mode);
    fsyncSync(file);
  } catch (error) {
    throw new UsageError(
      `${target} was being written where it stands, and that broke off: ${messageOf(error)}. What it held before lies in ${copy}: copy it back.`,
      { cause: error },
    );
  } finally {
    closeSync(file);
  }
  rmSync(copy);
}

function besides(path: string, ending: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.${ending}`;
}

/** Writes, syncs and closes; the mode is set anew because a umask may have narrowed it. */
export function writeDurably(file: number, content: string, mode: number): void {
  try {
    fchmodSync(file, mode);
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Windows does not open directories; there the file's own entry is as durable as it gets. */
export function syncDirectory(path: string): void {
  if (process.platform === 'win32') return;
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
