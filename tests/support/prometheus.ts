/** Debian's Prometheus, where this machine has it: promtool, and a whole server that scrapes a Keyward of the tests. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './free-port.ts';

/** Debian's package brings both. */
export function hasPrometheus(): boolean {
  try {
    for (const program of ['promtool', 'prometheus'])
      execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** @returns its exit code and all that it said */
export function promtool(args: readonly string[], input = ''): { exitCode: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return { exitCode: status, said: stdout + stderr };
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [seconds: number, value: string];
}

interface Rule {
  readonly name: string;
  readonly health: string;
  readonly state: string;
}

export interface Prometheus {
  readonly query: (expression: string) => Promise<readonly Sample[]>;
  readonly rules: () => Promise<readonly Rule[]>;
  readonly stop: () => Promise<void>;
}

/**
 * Scrapes each second, as the job keyward.
 * @param target host and port
 * @param ruleFile absolute
 */
export async function startPrometheus(target: string, ruleFile: string): Promise<Prometheus> {
  const directory = await mkdtemp(join(tmpdir(), 'keyward-test-prometheus-'));
  const port = await freePort();
  const configuration = join(directory, 'prometheus.yml');
  await writeFile(configuration, settings(target, ruleFile));
  const child = spawn(
    'prometheus',
    [
      `--config.file=${configuration}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = once(child, 'close');
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface(child.stderr)
      .on('line', (line) => {
        lines.push(line);
        if (line.includes('Server is ready')) resolve();
      })
      .on('close', () => reject(new Error(`prometheus ended: ${lines.join('\n')}`)));
  });
  const ask = async (path: string): Promise<Record<string, unknown>> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    const { status, error, data } = (await response.json()) as Record<string, unknown>;
    if (status !== 'success') throw new Error(`prometheus: ${String(error)}`);
    return data as Record<string, unknown>;
  };
  return {
    query: async (expression) =>
      (await ask(`query?query=${encodeURIComponent(expression)}`))['result'] as Sample[],
    rules: async () => {
      const { groups } = (await ask('rules')) as { groups: { rules: Rule[] }[] };
      return groups.flatMap(({ rules }) => rules);
    },
    stop: async () => {
      process.off('exit', kill);
      kill();
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function settings(target: string, ruleFile: string): string {
  return `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [${JSON.stringify(ruleFile)}]
scrape_configs:
  - job_name: keyward
    static_configs: [{ targets: [${JSON.stringify(target)}] }]
`;
}
