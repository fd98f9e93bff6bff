/** The lock of a data directory: one living process at most, and a dead one never keeps it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockDirectory, type LockOwner, type LockResult } from '../../src/database/directory-lock.ts';
import { processNamespace, processStart } from '../../src/database/process-identity.ts';
import { UsageError } from '../../src/foundation/errors.ts';

const holderProgram = fileURLToPath(new URL('../support/hold-lock-main.ts', import.meta.url));

type Outcome = { held: true; pid: number } | { held: false; owner: LockOwner } | { error: string };

interface Holder {
  readonly process: ChildProcess;
  /** Lets it try; resolves with what came of it. */
  tryNow(): Promise<Outcome>;
  /** Ends its input, upon which it lets go of the lock, and waits for its end. */
  leave(): Promise<void>;
  kill(): Promise<void>;
}

let directory: string;
let socketPath: string;
let lockFile: string;
let children: ChildProcess[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keyward-lock-'));
  socketPath = join(directory, 'door');
  lockFile = join(directory, 'keyward.lock');
  children = [];
});

afterEach(async () => {
  await Promise.all(children.map(end));
  rmSync(directory, { recursive: true, force: true });
});

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function startHolder(): Promise<Holder> {
  const child = spawn(process.execPath, [holderProgram, directory, socketPath], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<unknown> => JSON.parse((await lines.next()).value ?? 'null') as unknown;
  expect(await nextLine()).toBe('ready');
  return {
    process: child,
    tryNow: async () => {
      child.stdin.write('go\n');
      return (await nextLine()) as Outcome;
    },
    leave: async () => {
      child.stdin.end();
      await once(child, 'exit');
    },
    kill: async () => end(child),
  };
}

/** What a process that was killed while it held the lock leaves behind. */
async function leaveDeadLock(): Promise<LockOwner> {
  const holder = await startHolder();
  expect(await holder.tryNow()).toMatchObject({ held: true });
  await holder.kill();
  return JSON.parse(readFileSync(lockFile, 'utf8')) as LockOwner;
}

async function lockHere(): Promise<LockResult> {
  return lockDirectory(directory, socketPath, 'server');
}

function forge(path: string, owner: Partial<LockOwner>): void {
  const own = {
    pid: process.pid,
    namespace: processNamespace(),
    startedAt: processStart(process.pid),
    role: 'server' as const,
    socketPath,
  };
  writeFileSync(path, `${JSON.stringify({ ...own, ...owner })}\n`);
}

describe('a living owner', () => {
  it('keeps the lock, and others learn who has it and where it serves', async () => {
    const holder = await startHolder();
    await holder.tryNow();
    const result = await lockHere();
    expect(result).toMatchObject({ held: false, owner: { pid: holder.process.pid, socketPath } });
  });

  it('keeps it however often others try', async () => {
    const holder = await startHolder();
    await holder.tryNow();
    const rivals = await Promise.all(Array.from({ length: 5 }, startHolder));
    const outcomes = await Promise.all(rivals.map(async (rival) => rival.tryNow()));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ held: false });
    expect(JSON.parse(readFileSync(lockFile, 'utf8'))).toMatchObject({ pid: holder.process.pid });
  });

  it('that is stopped, so that it answers nothing, keeps it too', async () => {
    const holder = await startHolder();
    await holder.tryNow();
    holder.process.kill('SIGSTOP');
    expect(await lockHere()).toMatchObject({ held: false, owner: { pid: holder.process.pid } });
    holder.process.kill('SIGCONT');
  });

  it('of the same process keeps it too', async () => {
    const first = await lockHere();
    expect(await lockHere()).toMatchObject({ held: false, owner: { pid: process.pid } });
    if (first.held) first.release();
  });

  it('that lets go leaves nothing, and the next gets it', async () => {
    const holder = await startHolder();
    await holder.tryNow();
    await holder.leave();
    expect(existsSync(lockFile)).toBe(false);
    const next = await lockHere();
    expect(next.held).toBe(true);
    if (next.held) next.release();
  });
});

describe('a dead owner', () => {
  it('that was killed loses it to the next', async () => {
    const dead = await leaveDeadLock();
    const next = await lockHere();
    expect(next.held).toBe(true);
    expect(JSON.parse(readFileSync(lockFile, 'utf8'))).not.toEqual(dead);
    expect(existsSync(`${lockFile}.takeover`)).toBe(false);
    if (next.held) next.release();
  });

  it('of 20 processes that find its lock at once, exactly one gets it', async () => {
    await leaveDeadLock();
    const rivals = await Promise.all(Array.from({ length: 20 }, startHolder));
    const outcomes = await Promise.all(rivals.map(async (rival) => rival.tryNow()));
    expect(outcomes.filter((outcome) => 'error' in outcome)).toEqual([]);
    const winners = outcomes.flatMap((outcome) => ('held' in outcome && outcome.held ? [outcome.pid] : []));
    expect(winners).toHaveLength(1);
    expect(JSON.parse(readFileSync(lockFile, 'utf8'))).toMatchObject({ pid: winners[0] });
    expect(existsSync(`${lockFile}.takeover`)).toBe(false);
  });

  it('whose process number was given to another process does not pass for it', async () => {
    const bystander = await startHolder();
    forge(lockFile, { pid: bystander.process.pid ?? 0, startedAt: '1' });
    const result = await lockHere();
    expect(result.held).toBe(true);
    if (result.held) result.release();
  });

  it.runIf(process.platform === 'linux')(
    'that nobody has buried yet (a zombie) loses it as well',
    async () => {
      // The shell becomes a program that never asks after its child.
      const parent = spawn(
        'sh',
        [
          '-c',
          `"$0" "$1" "$2" "$3" <&3 & exec sleep 60`,
          process.execPath,
          holderProgram,
          directory,
          socketPath,
        ],
        { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] },
      );
      children.push(parent);
      const lines = createInterface({ input: parent.stdout as NodeJS.ReadableStream })[
        Symbol.asyncIterator
      ]();
      await lines.next();
      (parent.stdio[3] as NodeJS.WritableStream).write('go\n');
      const { pid } = JSON.parse((await lines.next()).value ?? '') as { pid: number };
      process.kill(pid, 'SIGKILL');
      await expect
        .poll(() => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0], { timeout: 10_000 })
        .toBe('Z');
      const result = await lockHere();
      expect(result.held).toBe(true);
      if (result.held) result.release();
    },
  );
});

describe('an owner in another number space (a container, a machine before its restart)', () => {
  it('lives while its socket answers, even if no process here bears its number', async () => {
    const dead = await leaveDeadLock();
    forge(lockFile, { ...dead, namespace: 'another' });
    const door = createServer((socket) => socket.destroy()).listen(socketPath);
    await once(door, 'listening');
    expect(await lockHere()).toMatchObject({ held: false, owner: { namespace: 'another', socketPath } });
    door.close();
    await once(door, 'close');
  });

  it('is dead when its socket does not answer, even if a process here bears its number', async () => {
    forge(lockFile, { namespace: 'another' });
    const result = await lockHere();
    expect(result.held).toBe(true);
    if (result.held) result.release();
  });

  it('is dead when its socket lies there and nobody listens', async () => {
    const dead = await leaveDeadLock();
    writeFileSync(socketPath, '');
    forge(lockFile, { ...dead, namespace: 'another' });
    expect(await lockHere()).toMatchObject({ held: true });
  });

  it('with the same process number is not robbed of its lock when this one lets go', async () => {
    const result = await lockHere();
    forge(lockFile, { namespace: 'another' });
    if (result.held) result.release();
    expect(existsSync(lockFile)).toBe(true);
  });
});

describe('what is no lock', () => {
  it.each(['', '\0\0\0', 'null', '[]', '{}', '{"pid":"12"}', '{"pid":-1}', '{"pid":12}', '{"pid":12'])(
    'content %j is refused by a line that names the file and says what to do',
    async (content) => {
      writeFileSync(lockFile, content);
      await expect(lockHere()).rejects.toThrow(UsageError);
      await expect(lockHere()).rejects.toThrow(
        `${lockFile} is not a lock of Keyward. Make sure that no Keyward uses the directory, then remove it.`,
      );
      expect(readFileSync(lockFile, 'utf8')).toBe(content);
    },
  );

  it('a directory that is none is refused by one line', async () => {
    writeFileSync(join(directory, 'file'), '');
    const refusal = lockDirectory(join(directory, 'file'), socketPath, 'server');
    await expect(refusal).rejects.toThrow(UsageError);
    await expect(refusal).rejects.toThrow(/^The data directory cannot be written: .*ENOTDIR/);
  });

  it.skipIf(process.getuid?.() === 0)(
    'a directory without the right to write is refused by one line',
    async () => {
      chmodSync(directory, 0o500);
      await expect(lockHere()).rejects.toThrow(/^The data directory cannot be written: .*EACCES/);
      chmodSync(directory, 0o700);
    },
  );
});

describe('a takeover', () => {
  it('that was killed half-way stops the next start with a line that says what to do', async () => {
    await leaveDeadLock();
    const guard = `${lockFile}.takeover`;
    copyFileSync(lockFile, guard);
    await expect(lockHere()).rejects.toThrow(
      `A start was killed while it took over the data directory. Make sure that no Keyward uses it, then remove ${guard}`,
    );
    rmSync(guard);
    expect(await lockHere()).toMatchObject({ held: true });
  });

  it('never takes the lock of a process that took it over while this one was looking', async () => {
    const rival = await startHolder();
    const dead = await leaveDeadLock();
    forge(lockFile, { ...dead, namespace: 'another' });
    // It has read the dead owner now, and waits for an answer at that one's socket.
    const taking = lockHere();
    const { pid = 0 } = rival.process;
    forge(lockFile, { pid, startedAt: processStart(pid) });
    expect(await taking).toMatchObject({ held: false, owner: { pid } });
    expect(JSON.parse(readFileSync(lockFile, 'utf8'))).toMatchObject({ pid });
    expect(existsSync(`${lockFile}.takeover`)).toBe(false);
  });

  it('that a living process is at is left to it', async () => {
    await leaveDeadLock();
    const rival = await startHolder();
    forge(`${lockFile}.takeover`, {
      pid: rival.process.pid ?? 0,
      startedAt: processStart(rival.process.pid ?? 0),
    });
    expect(await lockHere()).toMatchObject({ held: false, owner: { pid: rival.process.pid } });
    expect(existsSync(`${lockFile}.takeover`)).toBe(true);
  });
});
