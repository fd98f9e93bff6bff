/** Another process at the database, as a real one is: with its own time zone, and able to be killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ShellLine } from './database-shell-main.ts';

const program = fileURLToPath(new URL('database-shell-main.ts', import.meta.url));

type Row = Record<string, unknown>;

export class DatabaseShell {
  readonly #child;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;
  /** What it said of its progress so far. */
  readonly progress: string[] = [];

  constructor(environment: Readonly<Record<string, string>>, as: 'server' | 'command') {
    this.#child = spawn(process.execPath, [program, as], {
      env: environment,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#ended = once(this.#child, 'exit');
    // Written to after its death, it fails the request that waits for the answer, not the test run.
    this.#child.stdin.on('error', () => undefined);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @throws Error with what it said when it could not open the database */
  async opened(): Promise<this> {
    await this.#answer();
    return this;
  }

  /** Settles when it has said that it is at this. */
  async saysProgress(text: string): Promise<void> {
    while (!this.progress.some((line) => line.includes(text))) this.progress.push(await this.#progressLine());
  }

  async run(sql: string, more: Omit<ShellLine, 'sql'> = {}): Promise<Row[]> {
    this.send(sql, more);
    return this.#answer();
  }

  /** Asks and does not wait. */
  send(sql: string, more: Omit<ShellLine, 'sql'> = {}): void {
    this.#child.stdin.write(`${JSON.stringify({ sql, ...more } satisfies ShellLine)}\n`);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }

  async #answer(): Promise<Row[]> {
    for (;;) {
      const said = await this.#next();
      if (said.error !== undefined) throw new Error(said.error);
      if (said.progress === undefined) return said.rows ?? [];
      this.progress.push(said.progress);
    }
  }

  async #progressLine(): Promise<string> {
    const { progress, error } = await this.#next();
    if (progress === undefined) throw new Error(error ?? 'it said something else');
    return progress;
  }

  async #next(): Promise<{ progress?: string; rows?: Row[]; error?: string }> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the process has ended');
    return JSON.parse(value) as { progress?: string; rows?: Row[]; error?: string };
  }
}
