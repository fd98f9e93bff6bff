/**
 * Keyward as people start it: `node bin/keyward.js …` as a process of its own, which sees the variables
 * that it is given and none of those of whoever runs the tests.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const binary = fileURLToPath(new URL('../../bin/keyward.js', import.meta.url));

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class KeywardProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';
  #wake: () => void = () => undefined;

  /** @param input what stands on its standard input, which is no terminal; nothing where absent */
  constructor(args: readonly string[], environment: Readonly<Record<string, string>>, input?: string) {
    const { PATH = '', HOME = '' } = process.env;
    this.#child = spawn(process.execPath, [binary, ...args], {
      env: { PATH, HOME, HEALTH_TEST_WINDOW: 'off', ...environment },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    // A command may end without having read what stood there.
    this.#child.stdin?.on('error', () => undefined).end(input);
    this.#child.stdout?.on('data', (text: Buffer) => {
      this.#stdout += text.toString();
      this.#wake();
    });
    this.#child.stderr?.on('data', (text: Buffer) => {
      this.#stderr += text.toString();
      this.#wake();
    });
    this.#ended = once(this.#child, 'close').then(([exitCode]) => {
      this.#wake();
      return { exitCode: exitCode as number | null, stdout: this.#stdout, stderr: this.#stderr };
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The address of the server, once it has said that it listens. */
  async url(): Promise<string> {
    const [, url = ''] = await this.said(/listens on (http:\S+)/);
    return url;
  }

  /** Waits until the process has said this on either stream. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr);
      if (found !== null) return found;
      if (!this.isRunning)
        throw new Error(`keyward ended before it said ${pattern}: ${this.#stdout}${this.#stderr}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async ended(): Promise<Ended> {
    return this.#ended;
  }
}

/** Starts a server; whoever starts it ends it. */
export function startServerProcess(environment: Readonly<Record<string, string>>): KeywardProcess {
  return new KeywardProcess(['serve'], environment);
}

/** Runs a command to its end. */
export async function runKeyward(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  input?: string,
): Promise<Ended> {
  return new KeywardProcess(args, environment, input).ended();
}
