/** What a run found, as a table for people and as one object for programs. */
import { cpus } from 'node:os';
import { table } from '../src/cli/terminal.ts';
import { version } from '../src/foundation/version.ts';
import type { StatementCount } from './database-statements.ts';
import { streamedEvents, type Workload } from './http-answers.ts';
import type { Plan } from './measure.ts';
import type { Figures, Ratio, WorkloadSummary } from './summary.ts';
import type { TargetName } from './targets.ts';

/** Of the CPU time per request, Keyward to the bare proxy. */
const cpuAim = 1.5;

export interface Findings {
  readonly keyward: string;
  readonly node: string;
  readonly machine: string;
  /** Processes that wanted a core in the minute before the run: what else the machine had to do. */
  readonly loadBefore: number;
  /** Where Keyward's database runs: the embedded engine is in its process. */
  readonly engine: 'PostgreSQL' | 'embedded';
  readonly rounds: number;
  readonly connections: number;
  readonly nginx: 'measured' | 'not installed';
  readonly workloads: readonly WorkloadSummary[];
  readonly database: StatementCount;
}

export function findings(
  plan: Plan,
  { loadBefore, embedded }: { readonly loadBefore: number; readonly embedded: boolean },
  workloads: readonly WorkloadSummary[],
  database: StatementCount,
): Findings {
  const hasNginx = workloads.some(({ targets }) => targets.some(({ target }) => target === 'nginx'));
  return {
    keyward: version,
    node: process.version,
    machine: `${process.platform} ${process.arch}, ${cpus().length} cores`,
    loadBefore,
    engine: embedded ? 'embedded' : 'PostgreSQL',
    rounds: plan.rounds,
    connections: plan.connections,
    nginx: hasNginx ? 'measured' : 'not installed',
    workloads,
    database,
  };
}

export function asText(found: Findings): string[] {
  return [
    `Keyward ${found.keyward} on ${found.engine === 'embedded' ? 'its embedded database' : 'a PostgreSQL'}, Node ${found.node}, ${found.machine} (load before: ${found.loadBefore.toFixed(1)}); ${found.rounds === 1 ? 'one rough round' : `medians of ${found.rounds} rounds`}`,
    ...found.workloads.flatMap((workload) => ['', ...workloadText(workload, found.connections)]),
    '',
    statementText(found.database),
    ...(found.nginx === 'measured' ? [] : ['nginx is not installed, so nothing was compared with it.']),
  ];
}

const workloadTitles: Record<Workload, string> = {
  small: 'A small chat answer',
  streamed: `A streamed chat answer of ${streamedEvents} events`,
};

const targetTitles: Record<TargetName, string> = {
  direct: 'provider itself',
  bare: 'bare Node proxy',
  keyward: 'Keyward',
  nginx: 'nginx',
};

function workloadText({ workload, targets, ratios }: WorkloadSummary, connections: number): string[] {
  const heading = ['', 'requests/s', 'CPU/request', 'added latency', 'p99'];
  return [
    `${workloadTitles[workload]} (${connections} connections; latency at one)`,
    ...table([heading, ...targets.map(row), ...ratioRows(ratios)]).map((line) => `  ${line}`),
    ...aimText(ratios),
  ];
}

function row({
  target,
  requestsPerSecond,
  cpuMicrosPerRequest,
  latencyMs,
  addedLatencyMs,
}: Figures): string[] {
  const cpu = cpuMicrosPerRequest === null ? 'not measured' : micros(cpuMicrosPerRequest);
  return [
    targetTitles[target],
    Math.round(requestsPerSecond).toString(),
    target === 'direct' ? '' : cpu,
    ...(addedLatencyMs === null
      ? [`(${micros(latencyMs.median * 1000)})`, `(${micros(latencyMs.p99 * 1000)})`]
      : [micros(addedLatencyMs.median * 1000), micros(addedLatencyMs.p99 * 1000)]),
  ];
}

function ratioRows(ratios: readonly Ratio[]): string[][] {
  return [...new Set(ratios.map(({ to }) => to))].map((to) => {
    const cell = (of: Ratio['of']): string => {
      const ratio = ratios.find((one) => one.to === to && one.of === of);
      return ratio === undefined ? '' : `× ${ratio.median.toFixed(2)}`;
    };
    return [
      `Keyward / ${targetTitles[to]}`,
      cell('requests_per_second'),
      cell('cpu_per_request'),
      cell('added_latency'),
    ];
  });
}

function aimText(ratios: readonly Ratio[]): string[] {
  const ratio = ratios.find(({ of, to }) => of === 'cpu_per_request' && to === 'bare');
  if (ratio === undefined) return [];
  const spread = `${ratio.least.toFixed(2)} to ${ratio.most.toFixed(2)} over the rounds`;
  const verdict = ratio.median <= cpuAim ? 'met' : 'missed';
  return [`  The aim of ${cpuAim} times the bare proxy's CPU is ${verdict} (${spread}).`];
}

function statementText({ requests, statements, background, onHotPath }: StatementCount): string {
  const verdict = onHotPath === 0 ? 'none on the hot path' : `${onHotPath} TOO MANY`;
  return `Database: ${statements} statements during ${requests} requests; polling, signs of life and the usage account for ${background}, the other clocks for less than one in a hundred requests: ${verdict}.`;
}

function micros(value: number): string {
  return `${Math.round(value)} µs`;
}
