/** Runs the real command line as processes: a server that is waited for, and commands whose words are kept. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const keywardPath = fileURLToPath(new URL('../bin/keyward.js', import.meta.url));

export type Environment = Readonly<Record<string, string | undefined>>;

export interface RunningKeyward {
  readonly url: string;
  readonly gatewayToken: string;
  /** What it said at its start, up to the addresses and tokens. */
  readonly firstWords: string;
  stop(): Promise<void>;
}

/** Starts a server on a new directory and waits until it listens. */
export async function startKeyward(environment: Environment): Promise<RunningKeyward> {
  const child = spawn(process.execPath, [keywardPath, 'serve'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = await untilReady(child);
  const url = /listens on (\S+)/.exec(said)?.[1];
  const gatewayToken = /Gateway token\s+(\S+)/.exec(said)?.[1];
  if (url === undefined || gatewayToken === undefined) throw new Error(`Keyward did not start:\n${said}`);
  return {
    url,
    gatewayToken,
    firstWords: said.split('\nTry it')[0] ?? said,
    stop: async () => {
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function untilReady(child: ChildProcess): Promise<string> {
  let said = '';
  for await (const chunk of child.stdout ?? []) {
    said += String(chunk);
    if (said.includes('Ctrl-C ends it.')) break;
  }
  return said;
}

/** Runs one command with this input; gives all that it said. */
export async function runKeyward(
  args: readonly string[],
  environment: Environment,
  input: string,
): Promise<string> {
  const child = spawn(process.execPath, [keywardPath, ...args], { env: environment });
  child.stdin.end(input);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return out + err;
}
