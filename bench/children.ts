/**
 * The processes and the directory that a run makes. All of them go with it: at its end, at an error, at
 * Ctrl-C. Only processes that were started here are ever ended.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// On a machine that other work keeps busy the embedded database takes its time.
const readyTimeoutMs = 120_000;
const stopTimeoutMs = 5_000;

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface ListeningProcess {
  readonly pid: number;
  readonly url: string;
}

export class Children {
  /** Empty at first, removed at the end. */
  readonly directory: string = mkdtempSync(join(tmpdir(), 'keyward-bench-'));
  readonly #running = new Set<ChildProcess>();

  constructor() {
    process.once('exit', () => this.#cleanUp());
    for (const [signal, exitCode] of [
      ['SIGHUP', 129],
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      process.once(signal, () => process.exit(exitCode));
    }
  }

  /** Starts a server; resolves once it says `listens on http://…`, or something else that `ready` finds in its words. */
  async startServer(
    program: Program,
    ready: (said: string) => string | undefined | Promise<string | undefined> = announcedUrl,
  ): Promise<ListeningProcess> {
    const child = this.#start(program);
    const said = listenTo(child);
    const deadline = performance.now() + readyTimeoutMs;
    for (;;) {
      const url = await ready(said.text);
      if (url !== undefined && child.pid !== undefined) return { pid: child.pid, url };
      if (!this.#running.has(child) || performance.now() > deadline)
        throw new Error(`${nameOf(program)} does not listen.\n${said.text}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Runs a program to its end. @throws Error with what it said when it fails */
  async run(program: Program, input = ''): Promise<string> {
    const child = this.#start(program);
    const said = listenTo(child);
    child.stdin?.end(input);
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject).once('close', resolve);
    });
    if (code !== 0) throw new Error(`${nameOf(program)} failed (exit code ${String(code)}).\n${said.text}`);
    return said.text;
  }

  /** Ends every process in good order and removes the directory. */
  async stop(): Promise<void> {
    await Promise.all(Array.from(this.#running, async (child) => end(child)));
    this.#cleanUp();
  }

  #start({ command, args, env = {} }: Program): ChildProcess {
    const child = spawn(command, args, {
      cwd: this.directory,
      env: { PATH: process.env['PATH'], ...env },
      stdio: 'pipe',
      // A Ctrl-C at the terminal is for the bench alone: it ends the others itself.
      detached: true,
    });
    this.#running.add(child);
    const forget = (): void => {
      this.#running.delete(child);
    };
    child.once('exit', forget).once('error', forget);
    return child;
  }

  #cleanUp(): void {
    for (const child of this.#running) child.kill('SIGKILL');
    // What was just killed may still have written a file.
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  }
}

function announcedUrl(said: string): string | undefined {
  return /listens on (http:\S+)/.exec(said)?.[1];
}

function listenTo(child: ChildProcess): { text: string } {
  const said = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      said.text += chunk.toString();
    });
  }
  return said;
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}

function nameOf({ command, args }: Program): string {
  return [command, ...args].join(' ');
}
