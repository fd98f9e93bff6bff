/** A file that appears when it is whole: with its mode, in nobody's place, and not at all where it fails. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { placeFile, refuseTaken } from '../../src/backup/place-file.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

const root = useTemporaryDirectory();
const fresh = { overwrite: false };

let directories = 0;
async function newDirectory(): Promise<string> {
  const path = join(root(), `${(directories += 1)}`);
  await mkdir(path);
  return path;
}

async function* parts(...texts: string[]): AsyncGenerator<Buffer, string> {
  for (const text of texts) yield Buffer.from(text);
  return 'returned';
}

async function* failing(error: Error): AsyncGenerator<Buffer, string> {
  yield Buffer.from('begun');
  throw error;
}

describe('a file that is written', () => {
  it('is there alone, of mode 0600, and what the parts return is passed on', async () => {
    const directory = await newDirectory();
    const path = join(directory, 'a');
    expect(await placeFile(path, parts('one ', 'two'), fresh)).toBe('returned');
    expect(await readFile(path, 'utf8')).toBe('one two');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(['a']);
  });

  it('is not to be seen before it is whole', async () => {
    const directory = await newDirectory();
    const path = join(directory, 'a');
    const seen: string[][] = [];
    const watched = (async function* () {
      yield Buffer.from('one');
      seen.push(await readdir(directory));
      return 'done';
    })();
    await placeFile(path, watched, fresh);
    expect(seen[0]).toEqual([expect.stringMatching(/^a\.unfinished-[0-9a-f]{8}$/)]);
  });

  it('replaces another only where that is asked for', async () => {
    const path = join(await newDirectory(), 'a');
    await writeFile(path, 'old');
    await expect(refuseTaken(path, fresh)).rejects.toThrow(
      'is there already. Name another file, or say --force',
    );
    await expect(placeFile(path, parts('new'), fresh)).rejects.toThrow(
      'cannot be written: it is there by now',
    );
    expect(await readFile(path, 'utf8')).toBe('old');
    await refuseTaken(path, { overwrite: true });
    await placeFile(path, parts('new'), { overwrite: true });
    expect(await readFile(path, 'utf8')).toBe('new');
  });

  it('never replaces a directory or a link', async () => {
    const directory = await newDirectory();
    await symlink('/dev/null', join(directory, 'link'));
    for (const path of [directory, join(directory, 'link')])
      await expect(refuseTaken(path, { overwrite: true })).rejects.toThrow('It is no file');
  });
});

describe('nothing is left of a file', () => {
  it('whose contents fail, and their fault is told as it is', async () => {
    const directory = await newDirectory();
    const fault = new Error('the connection was lost');
    await expect(placeFile(join(directory, 'a'), failing(fault), fresh)).rejects.toBe(fault);
    expect(await readdir(directory)).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('whose process is ended by %s', async (signal) => {
    const directory = await newDirectory();
    const module = new URL('../../src/backup/place-file.ts', import.meta.url).href;
    const program = `const { placeFile } = await import(${JSON.stringify(module)});
      async function* endless() { for (;;) { yield Buffer.alloc(1000); await new Promise(setImmediate); } }
      await placeFile(${JSON.stringify(join(directory, 'a'))}, endless(), { overwrite: false });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    await expect.poll(async () => readdir(directory)).toHaveLength(1);
    child.kill(signal);
    expect(await ended).toEqual([null, signal]);
    expect(await readdir(directory)).toEqual([]);
  });

  it('where the directory is not there, and it is said', async () => {
    const path = join(await newDirectory(), 'none', 'a');
    await expect(placeFile(path, parts('one'), fresh)).rejects.toThrow(
      `${path} cannot be written: the directory does not exist. Nothing is left of it.`,
    );
  });

  it('for which the disk has no space, and it is said', async (context) => {
    const directory = await newDirectory();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory], { stdio: 'ignore' });
    } catch {
      context.skip('no disk can be mounted here');
    }
    onTestFinished(() => void execFileSync('umount', [directory]));
    const large = (async function* () {
      for (let part = 0; part < 3_000; part += 1) yield Buffer.alloc(1_000);
      return 'done';
    })();
    const path = join(directory, 'a');
    await expect(placeFile(path, large, fresh)).rejects.toThrow(
      `${path} cannot be written: the disk is full. Nothing is left of it.`,
    );
    expect(await readdir(directory)).toEqual([]);
  });
});
