/** The key file: private, made whole or not at all, never overwritten, and read with plain complaints. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEncryptionKeyFile, readEncryptionKeyFile } from '../../src/crypto/encryption-key-file.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { UsageError } from '../../src/foundation/errors.ts';

const moduleUrl = new URL('../../src/crypto/encryption-key-file.ts', import.meta.url).href;
const newKey = () => generateEncryptionKey().reveal();

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keyward-key-file-'));
  path = join(directory, 'encryption.key');
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** A process that makes the key files 0, 1, 2, … in the directory and prints the numbers it made. */
function maker(count: number) {
  const program = `
    const { createEncryptionKeyFile } = await import(${JSON.stringify(moduleUrl)});
    for (let number = 0; number < ${count}; number += 1) {
      try {
        createEncryptionKeyFile(${JSON.stringify(directory)} + '/' + number);
        process.stdout.write(number + '\\n');
      } catch (error) {
        if (!String(error.message).includes('it exists already')) throw error;
      }
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  return { child, ended: once(child, 'close').then(() => output.split('\n').filter(Boolean)) };
}

const finished = () => readdirSync(directory).filter((name) => /^\d+$/.test(name));

/** The ring that the file holds with this content. */
function read(content: string): string {
  writeFileSync(path, content);
  return readEncryptionKeyFile(path).text.reveal();
}

/** Why the file cannot be read. */
function why(target: string): unknown {
  try {
    return readEncryptionKeyFile(target);
  } catch (error) {
    return error instanceof UsageError ? error.message.split('cannot be read: ')[1] : error;
  }
}

describe('createEncryptionKeyFile', () => {
  it('leaves a file of mode 0600 with the key and a newline, and nothing beside it', () => {
    const key = createEncryptionKeyFile(path);
    expect(readFileSync(path, 'utf8')).toBe(`${key.reveal()}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['encryption.key']);
  });

  it('makes the mode 0600 whatever the umask', () => {
    const program = `
      process.umask(0o777);
      const { createEncryptionKeyFile } = await import(${JSON.stringify(moduleUrl)});
      createEncryptionKeyFile(${JSON.stringify(path)});`;
    spawnSync(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'inherit' });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('makes what readEncryptionKeyFile and KeyRing take', () => {
    const key = createEncryptionKeyFile(path);
    const { text, tooOpen } = readEncryptionKeyFile(path);
    expect(text.reveal()).toBe(key.reveal());
    expect(tooOpen).toBe(false);
    expect(KeyRing.parse(text).keyIds).toHaveLength(1);
  });

  it('never overwrites: not a file, not a directory, not a link to nowhere', () => {
    const before = 'what was there before\n';
    writeFileSync(path, before);
    const folder = join(directory, 'folder');
    mkdirSync(folder);
    const link = join(directory, 'link');
    symlinkSync(join(directory, 'nowhere'), link);
    for (const taken of [path, folder, link]) {
      expect(() => createEncryptionKeyFile(taken)).toThrow(
        new UsageError(
          `The encryption key file ${taken} cannot be made: it exists already, and was left as it is.`,
        ),
      );
    }
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(readdirSync(directory).toSorted()).toEqual(['encryption.key', 'folder', 'link']);
  });

  it('says plainly that it cannot: a directory that is not there, a path through a file', () => {
    writeFileSync(path, '');
    expect(() => createEncryptionKeyFile(join(directory, 'missing', 'key'))).toThrow(
      /cannot be made: it, or the directory it would lie in, does not exist\.$/,
    );
    expect(() => createEncryptionKeyFile(join(path, 'key'))).toThrow(
      /cannot be made: a part of its path is not a directory\.$/,
    );
  });

  it('lets one of several processes win each file, and leaves it whole', async () => {
    const count = 40;
    const made = await Promise.all([maker(count), maker(count), maker(count)].map(({ ended }) => ended));
    expect(
      made
        .flat()
        .map(Number)
        .toSorted((a, b) => a - b),
    ).toEqual(Array.from({ length: count }, (_, number) => number));
    for (const name of readdirSync(directory)) {
      expect(KeyRing.parse(readEncryptionKeyFile(join(directory, name)).text).keyIds).toHaveLength(1);
    }
  });

  it('leaves whole files only when it is killed, and temporary ones that others cannot read', async () => {
    for (let round = 0; round < 5; round += 1) {
      const already = finished().length;
      const { child, ended } = maker(1000);
      await new Promise<void>((resolve) => {
        child.stdout.on('data', () => {
          if (finished().length > already + round) {
            resolve();
          }
        });
      });
      child.kill('SIGKILL');
      await ended;
    }
    expect(finished().length).toBeGreaterThan(5);
    for (const name of finished()) {
      expect(readFileSync(join(directory, name))).toHaveLength(45);
    }
    for (const name of readdirSync(directory)) {
      expect(statSync(join(directory, name)).mode & 0o077).toBe(0);
    }
  });
});

describe('readEncryptionKeyFile', () => {
  it('takes a ring of one key a line, of commas, or of both, with comments and blank lines', () => {
    const keys = [newKey(), newKey(), newKey()];
    const [first, second, third] = keys;
    const ring = keys.join(',');
    expect(read(ring)).toBe(ring);
    expect(read(`${keys.join('\n')}\n`)).toBe(ring);
    expect(read(`# new, since May\n${first}\n\n  # old\n  ${second},${third}  \n`)).toBe(ring);
    expect(read(`\ufeff# from Windows\r\n${keys.join('\r\n')}\r\n`)).toBe(ring);
  });

  it('leaves faults of the keys to KeyRing, which sees a file saved as UTF-16', () => {
    writeFileSync(path, Buffer.from(`${newKey()}\n`, 'utf16le'));
    expect(() => KeyRing.parse(readEncryptionKeyFile(path).text)).toThrow('as text saved as UTF-16 does');
  });

  it.each([
    ['600', false],
    ['400', false],
    ['640', true],
    ['604', true],
    ['620', true],
  ])('says of the mode %s whether it is too open: %s', (mode, tooOpen) => {
    writeFileSync(path, newKey());
    chmodSync(path, Number.parseInt(mode, 8));
    expect(readEncryptionKeyFile(path).tooOpen).toBe(tooOpen);
  });

  it.each([
    ['an empty file', ''],
    ['blank lines', '\n \n'],
    ['comments only', '# the key goes here\n'],
  ])('finds no key in %s', (_, content) => {
    expect(() => read(content)).toThrow(
      new UsageError(`The encryption key file ${path} cannot be read: it holds no key.`),
    );
  });

  it('says plainly that there is no file, or that it is something else', () => {
    expect(why(path)).toBe('it, or the directory it would lie in, does not exist.');
    expect(why(directory)).toBe('it is a directory.');
    expect(why('/dev/null')).toBe('it is not a file.');
    writeFileSync(path, Buffer.alloc(64 * 1024 + 1, '#'));
    expect(why(path)).toBe('it is larger than 64 KiB, which no key ring is.');
    expect(why(join(path, 'key'))).toBe('a part of its path is not a directory.');
  });

  it.skipIf(process.getuid?.() === 0)('says plainly that it may not read the file', () => {
    writeFileSync(path, newKey(), { mode: 0o000 });
    expect(() => readEncryptionKeyFile(path)).toThrow(/cannot be read: permission denied\.$/);
  });

  it('reads from a pipe, as a shell hands a key over', () => {
    const key = newKey();
    const program = `
      const { readEncryptionKeyFile } = await import(${JSON.stringify(moduleUrl)});
      process.stdout.write(readEncryptionKeyFile('/dev/stdin').text.reveal());`;
    const shell = `cat | "$NODE" --input-type=module --eval "$PROGRAM"`;
    const env = { NODE: process.execPath, PROGRAM: program, PATH: '/usr/bin:/bin' };
    const { stdout } = spawnSync('sh', ['-c', shell], { input: `${key}\n`, env, encoding: 'utf8' });
    expect(stdout).toBe(key);
  });
});
