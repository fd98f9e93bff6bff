/** The key file: private, made whole or not at all, never overwritten, and read with plain complaints. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  addKeyToFile,
  createEncryptionKeyFile,
  putKeyFirst,
  readEncryptionKeyFile,
} from '../../src/crypto/encryption-key-file.ts';
import { generateEncryptionKey, parseEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { UsageError } from '../../src/foundation/errors.ts';

const moduleUrl = new URL('../../src/crypto/encryption-key-file.ts', import.meta.url).href;
const newKey = () => generateEncryptionKey().reveal();

/** Whether a file can be mounted over another here, as containers do it. */
const canMount = spawnSync('unshare', ['-rm', 'true']).status === 0;

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

describe('a file whose ring is changed', () => {
  const [one, other] = [newKey(), newKey()];
  const idOf = (key: string): string => parseEncryptionKey(key).id;
  const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trim().split('\n');

  it('gets a new key behind the others, and keeps its comments and its mode', () => {
    writeFileSync(path, `# ours\n${one},${other}\n`, { mode: 0o600 });
    const there = readdirSync(directory);
    addKeyToFile(path);
    const [comment, ...keys] = linesOf(path);
    expect([comment, ...keys.slice(0, 2)]).toEqual(['# ours', one, other]);
    expect(keys).toHaveLength(3);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(there);
  });

  it('has the wanted key first, the others as they were, also behind a link', () => {
    writeFileSync(path, `${one}\n${other}\n`, { mode: 0o600 });
    const link = `${path}.link`;
    symlinkSync(path, link);
    putKeyFirst(link, idOf(other));
    expect(linesOf(path)).toEqual([other, one]);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });

  it('keeps every comment as it was, the keys on lines of their own behind them', () => {
    const third = newKey();
    writeFileSync(path, `# ours\n\n${one}, ${other}\n  # indented, since May\n${third}\n#last`, {
      mode: 0o600,
    });
    putKeyFirst(path, idOf(third));
    const comments = ['# ours', '  # indented, since May', '#last'];
    expect(linesOf(path)).toEqual([...comments, third, one, other]);
    addKeyToFile(path);
    expect(linesOf(path).slice(0, -1)).toEqual([...comments, third, one, other]);
    expect(KeyRing.parse(readEncryptionKeyFile(path).text).keyIds).toHaveLength(4);
  });

  it('has one first that stood amidst several on a line, and the order of the others', () => {
    const keys = [newKey(), newKey(), newKey(), newKey()];
    writeFileSync(path, keys.join(','));
    putKeyFirst(path, idOf(keys[2] ?? ''));
    expect(linesOf(path)).toEqual([keys[2], keys[0], keys[1], keys[3]]);
  });

  it('is read by its owner alone afterwards, however open it was and whatever the umask', () => {
    writeFileSync(path, `${one}\n${other}\n`);
    chmodSync(path, 0o644);
    const program = `
      process.umask(0o777);
      const { addKeyToFile, putKeyFirst } = await import(${JSON.stringify(moduleUrl)});
      addKeyToFile(${JSON.stringify(path)});
      putKeyFirst(${JSON.stringify(path)}, ${JSON.stringify(idOf(other))});`;
    const { status } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: 'inherit',
    });
    expect(status).toBe(0);
    expect(linesOf(path).slice(0, 2)).toEqual([other, one]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it.each([0o600, 0o640, 0o440, 0o400])('keeps the mode %o, and says nothing of it', (mode) => {
    writeFileSync(path, `${one}\n${other}\n`);
    chmodSync(path, mode);
    expect([addKeyToFile(path), putKeyFirst(path, idOf(other))]).toEqual([{ remarks: [] }, { remarks: [] }]);
    expect(statSync(path).mode & 0o777).toBe(mode);
  });

  it.each([
    [0o644, '0644'],
    [0o660, '0660'],
    [0o750, '0750'],
  ])('has a wider mode than 0640 (%o) narrowed, and says so', (mode, was) => {
    writeFileSync(path, `${one}\n`);
    chmodSync(path, mode);
    expect(addKeyToFile(path)).toEqual({ remarks: [`The mode of ${path} was ${was} and is 0600 now.`] });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('is left as it is where it does not hold the key that is to come first', () => {
    const content = `${one}\n${other}\n`;
    writeFileSync(path, content, { mode: 0o600 });
    const unknown = idOf(newKey());
    expect(refusal(() => putKeyFirst(path, unknown))).toBe(
      `The encryption key file ${path} holds no key ${unknown}. It was left as it is.`,
    );
    expect(readFileSync(path, 'utf8')).toBe(content);
    expect(readdirSync(directory)).toEqual(['encryption.key']);
  });

  it.skipIf(!canMount)(
    'is written where it stands when it is mounted by itself, and nothing stays beside it',
    () => {
      const outside = join(directory, 'outside');
      writeFileSync(outside, `# ours\n${one}\n${other}\n`, { mode: 0o640 });
      chmodSync(outside, 0o640);
      writeFileSync(path, '');
      const program = `
      const { addKeyToFile, putKeyFirst } = await import(${JSON.stringify(moduleUrl)});
      const path = ${JSON.stringify(path)};
      console.log(JSON.stringify([addKeyToFile(path), putKeyFirst(path, ${JSON.stringify(idOf(other))})]));`;
      const { stdout, stderr } = spawnSync(
        'unshare',
        ['-rm', 'sh', '-c', 'mount --bind "$FROM" "$TO" && "$NODE" --input-type=module --eval "$PROGRAM"'],
        {
          env: {
            FROM: outside,
            TO: path,
            NODE: process.execPath,
            PROGRAM: program,
            PATH: '/usr/bin:/bin:/sbin',
          },
          encoding: 'utf8',
        },
      );
      expect(stderr).toBe('');
      const told = { remarks: [expect.stringContaining('mounted by itself') as string] };
      expect(JSON.parse(stdout)).toEqual([told, told]);
      expect(linesOf(outside).slice(0, 3)).toEqual(['# ours', other, one]);
      expect(linesOf(outside)).toHaveLength(4);
      expect(statSync(outside).mode & 0o777).toBe(0o640);
      expect(readdirSync(directory).toSorted()).toEqual(['encryption.key', 'outside']);
    },
  );

  it('is another file in its place: whoever reads the old one reads all of it', () => {
    const before = `${one}\n${other}\n`;
    writeFileSync(path, before, { mode: 0o600 });
    for (const change of [() => addKeyToFile(path), () => putKeyFirst(path, idOf(other))]) {
      const content = readFileSync(path, 'utf8');
      const reader = openSync(path, 'r');
      try {
        change();
        expect(readFileSync(reader, 'utf8')).toBe(content);
      } finally {
        closeSync(reader);
      }
      expect(readFileSync(path, 'utf8')).not.toBe(content);
    }
  });

  it('is whole whenever it is read, and when who changes it is killed', async () => {
    writeFileSync(path, `# ours\n${one}\n${other}\n`, { mode: 0o600 });
    const orders = [`# ours\n${one}\n${other}\n`, `# ours\n${other}\n${one}\n`];
    const program = `
      const { putKeyFirst } = await import(${JSON.stringify(moduleUrl)});
      for (;;) for (const id of ${JSON.stringify([other, one].map(idOf))}) putKeyFirst(${JSON.stringify(path)}, id);`;
    for (let round = 0; round < 3; round += 1) {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const ended = once(child, 'close');
      const seen = new Set<string>();
      for (let changes = 0, last = ''; changes < 10 + round;) {
        const content = readFileSync(path, 'utf8');
        seen.add(content);
        if (content !== last) changes += 1;
        last = content;
        // Lets the test end by its timeout where nothing changes any more.
        await new Promise(setImmediate);
      }
      child.kill('SIGKILL');
      await ended;
      seen.add(readFileSync(path, 'utf8'));
      expect([...seen].toSorted()).toEqual(orders.toSorted());
    }
    for (const name of readdirSync(directory)) {
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    }
  });

  it('is changed where it stands, behind links that lead elsewhere', () => {
    const mounted = join(directory, 'mounted');
    mkdirSync(mounted);
    const target = join(mounted, 'ring');
    writeFileSync(target, `${one}\n`, { mode: 0o600 });
    const outer = join(directory, 'outer');
    symlinkSync('mounted/ring', path);
    symlinkSync('encryption.key', outer);
    addKeyToFile(outer);
    expect(linesOf(target)).toHaveLength(2);
    expect(lstatSync(target).isFile()).toBe(true);
    expect([path, outer].map((link) => readlinkSync(link))).toEqual(['mounted/ring', 'encryption.key']);
    expect(readdirSync(directory).toSorted()).toEqual(['encryption.key', 'mounted', 'outer']);
    expect(readdirSync(mounted)).toEqual(['ring']);
  });

  it('stays as it was where a key in it is faulty, and the fault shows no key', () => {
    const faulty = `${one.slice(0, 20)}${one.slice(22)}`;
    const content = `${other}\n${faulty}\n`;
    writeFileSync(path, content, { mode: 0o600 });
    const error = refusal(() => putKeyFirst(path, idOf(other)));
    expect(error).toContain('it has 42 characters');
    expect(error).not.toContain(faulty.slice(0, 8));
    expect(readFileSync(path, 'utf8')).toBe(content);
    expect(readdirSync(directory)).toEqual(['encryption.key']);
  });

  it('is not made where there was none', () => {
    for (const change of [addKeyToFile, (file: string) => putKeyFirst(file, idOf(one))])
      expect(refusal(() => change(path))).toBe(
        `The encryption key file ${path} cannot be read: it, or the directory it would lie in, does not exist.`,
      );
    expect(readdirSync(directory)).toEqual([]);
  });

  it.skipIf(process.getuid?.() === 0)('stays as it was in a directory that nobody may write', () => {
    const content = `# ours\n${one}\n${other}\n`;
    writeFileSync(path, content, { mode: 0o600 });
    chmodSync(directory, 0o500);
    try {
      for (const change of [() => addKeyToFile(path), () => putKeyFirst(path, idOf(other))])
        expect(refusal(change)).toBe(`The encryption key file ${path} cannot be written: permission denied.`);
      expect(readFileSync(path, 'utf8')).toBe(content);
      expect(readdirSync(directory)).toEqual(['encryption.key']);
    } finally {
      chmodSync(directory, 0o700);
    }
  });
});

/** What the UsageError says; another error, or none, fails the test. */
function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}
