/** A file that appears under its name when all of it lies on the disk, or not at all; mode 0600. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { lstat, link, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf, messageOf, UsageError } from '../foundation/errors.ts';

const ownerOnly = 0o600;

export interface PlaceOptions {
  /** Whether a file of that name may be replaced. */
  readonly overwrite: boolean;
}

/**
 * Before the work, so that it is not in vain.
 * @throws UsageError with exit code 2
 */
export async function refuseTaken(path: string, { overwrite }: PlaceOptions): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined || (overwrite && stats.isFile())) return;
  const advice = stats.isFile()
    ? 'Name another file, or say --force to replace it.'
    : 'It is no file. Name another one.';
  throw new UsageError(`${path} is there already. ${advice}`, { exitCode: 2 });
}

/**
 * @param parts what is to lie in it; what they return is passed on
 * @throws UsageError when it cannot be written; then nothing is left of it
 */
export async function placeFile<T>(
  path: string,
  parts: AsyncGenerator<Buffer, T>,
  options: PlaceOptions,
): Promise<T> {
  const draft = `${path}.unfinished-${randomBytes(4).toString('hex')}`;
  const stopWatching = removedBySignals(draft);
  try {
    const result = await write(draft, parts);
    await settle(draft, path, options);
    return result;
  } catch (error) {
    throw isFileFault(error) ? unwritten(path, error) : error;
  } finally {
    await rm(draft, { force: true });
    stopWatching();
  }
}

/** Whoever is told to end does so, and takes the draft along. @returns a function that ends this */
function removedBySignals(draft: string): () => void {
  const end = (signal: NodeJS.Signals): void => {
    rmSync(draft, { force: true });
    process.kill(process.pid, signal);
  };
  for (const signal of endingSignals) process.once(signal, end);
  return () => {
    for (const signal of endingSignals) process.off(signal, end);
  };
}

const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Told apart from what went wrong with the contents: a connection that breaks is no fault of the file. */
function isFileFault(error: unknown): boolean {
  const call = error instanceof Error && 'syscall' in error ? String(error.syscall) : '';
  return fileCalls.has(call) && codeOf(error) in reasons;
}

const fileCalls: ReadonlySet<string> = new Set(['open', 'write', 'fsync', 'close', 'link', 'rename']);

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
  EFBIG: 'it is larger than the file system allows',
  EIO: 'the disk does not take it',
  EACCES: 'permission denied',
  EPERM: 'the file system does not allow it',
  EROFS: 'the file system is read-only',
  ENOENT: 'the directory does not exist',
  ENOTDIR: 'a part of its path is no directory',
  ENAMETOOLONG: 'the name is too long',
  EEXIST: 'it is there by now',
};

function unwritten(path: string, error: unknown): UsageError {
  const why = reasons[codeOf(error)] ?? messageOf(error);
  return new UsageError(`${path} cannot be written: ${why}. Nothing is left of it.`, { cause: error });
}

async function write<T>(draft: string, parts: AsyncGenerator<Buffer, T>): Promise<T> {
  const file = await open(draft, 'wx', ownerOnly);
  try {
    for (;;) {
      const { done, value } = await parts.next();
      if (done === true) {
        await file.sync();
        return value;
      }
      await file.writeFile(value);
    }
  } finally {
    await file.close();
    await parts.return(undefined as T).catch(() => undefined);
  }
}

async function settle(draft: string, path: string, { overwrite }: PlaceOptions): Promise<void> {
  if (overwrite) await rename(draft, path);
  else await withoutReplacing(draft, path);
  const directory = await open(dirname(path), 'r');
  // Some file systems do not sync a directory; the file itself is on the disk by then.
  await directory.sync().catch(() => undefined);
  await directory.close();
}

/** Unlike a rename a link never replaces a file that is there. */
async function withoutReplacing(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (error) {
    if (!withoutLinks.has(codeOf(error))) throw error;
    await (await open(path, 'wx', ownerOnly)).close();
    await rename(draft, path);
  }
}

/** What file systems say that know no links, as that of a memory stick. */
const withoutLinks: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);
