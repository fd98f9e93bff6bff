/** Keyward on a terminal, as util-linux's `script` makes one: what is shown there, and what a person types. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const binary = fileURLToPath(new URL('../../bin/keyward.js', import.meta.url));

/** Whether this machine has a `script` of that kind. */
export function hasTerminal(): boolean {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux');
  } catch {
    return false;
  }
}

export class TerminalProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<{ exitCode: number | null; shown: string }>;
  #shown = '';
  #wake: () => void = () => undefined;

  constructor(args: readonly string[], environment: Readonly<Record<string, string>>) {
    const { PATH = '', HOME = '' } = process.env;
    const words = [process.execPath, binary, ...args].map((word) => `'${word}'`).join(' ');
    // Without a size the terminal has no columns, and every character of a question stands on a line of its own.
    const command = `stty cols 200 rows 40; exec ${words}`;
    this.#child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
      env: {
        PATH,
        HOME,
        TERM: 'xterm-256color',
        SHELL: '/bin/sh',
        HEALTH_TEST_WINDOW: 'off',
        ...environment,
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stdout?.on('data', (text: Buffer) => {
      this.#shown += text.toString();
      this.#wake();
    });
    this.#ended = once(this.#child, 'close').then(([exitCode]) => {
      this.#wake();
      return { exitCode: exitCode as number | null, shown: this.#shown };
    });
  }

  /** Waits until this is on the screen. */
  async shows(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#shown)) {
      if (this.#child.exitCode !== null)
        throw new Error(`it ended before it showed ${pattern}: ${this.#shown}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** As when the window is closed. */
  close(): void {
    if (this.#child.exitCode === null) this.#child.kill('SIGTERM');
  }

  async ended(): Promise<{ exitCode: number | null; shown: string }> {
    return this.#ended;
  }
}
