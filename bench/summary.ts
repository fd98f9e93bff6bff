/**
 * From the samples to what is told: medians over the rounds. Whatever compares two targets is taken
 * within each round first, since only there both met the same machine.
 */
import type { Workload } from './http-answers.ts';
import { workloads, type Sample } from './measure.ts';
import type { TargetName } from './targets.ts';

export interface Figures {
  readonly target: TargetName;
  readonly requestsPerSecond: number;
  readonly cpuMicrosPerRequest: number | null;
  readonly latencyMs: Latency;
  /** More than the provider itself takes; null for the provider. */
  readonly addedLatencyMs: Latency | null;
}

export interface Latency {
  readonly median: number;
  readonly p99: number;
}

export interface Ratio {
  readonly of: 'cpu_per_request' | 'requests_per_second' | 'added_latency';
  readonly to: TargetName;
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface WorkloadSummary {
  readonly workload: Workload;
  readonly targets: readonly Figures[];
  /** Keyward's figure divided by the other's. */
  readonly ratios: readonly Ratio[];
}

export function summarise(samples: readonly Sample[]): WorkloadSummary[] {
  return workloads.map((workload) => summariseWorkload(workload, samples));
}

function summariseWorkload(workload: Workload, samples: readonly Sample[]): WorkloadSummary {
  const byTarget = new Map<TargetName, Sample[]>();
  for (const sample of samples) {
    if (sample.workload !== workload) continue;
    byTarget.set(sample.target, [...(byTarget.get(sample.target) ?? []), sample]);
  }
  const direct = byTarget.get('direct') ?? [];
  const keyward = byTarget.get('keyward') ?? [];
  return {
    workload,
    targets: Array.from(byTarget, ([target, own]) => figuresOf(target, own, direct)),
    ratios: Array.from(byTarget, ([target, own]) =>
      target === 'direct' || target === 'keyward' ? [] : ratiosTo(target, keyward, own, direct),
    ).flat(),
  };
}

function figuresOf(target: TargetName, own: readonly Sample[], direct: readonly Sample[]): Figures {
  const cpu = present(own.map(({ cpuMicrosPerRequest }) => cpuMicrosPerRequest));
  const added = (which: keyof Latency): number =>
    median(own.map((sample, round) => addedLatency(sample, direct[round], which)));
  return {
    target,
    requestsPerSecond: median(own.map(({ requestsPerSecond }) => requestsPerSecond)),
    cpuMicrosPerRequest: cpu.length === 0 ? null : median(cpu),
    latencyMs: {
      median: median(own.map(({ latencyMs }) => latencyMs.median)),
      p99: median(own.map(({ latencyMs }) => latencyMs.p99)),
    },
    addedLatencyMs: target === 'direct' ? null : { median: added('median'), p99: added('p99') },
  };
}

function ratiosTo(
  to: TargetName,
  keyward: readonly Sample[],
  other: readonly Sample[],
  direct: readonly Sample[],
): Ratio[] {
  const compare = (of: Ratio['of'], read: (sample: Sample, round: number) => number | null): Ratio[] => {
    const perRound = present(
      keyward.map((sample, round) => {
        const beside = other[round];
        const [mine, theirs] = [read(sample, round), beside === undefined ? null : read(beside, round)];
        // Where noise hides what the other adds, there is nothing to compare with.
        return mine === null || theirs === null || theirs <= 0 ? null : mine / theirs;
      }),
    );
    if (perRound.length === 0) return [];
    return [{ of, to, median: median(perRound), least: Math.min(...perRound), most: Math.max(...perRound) }];
  };
  return [
    ...compare('cpu_per_request', (sample) => sample.cpuMicrosPerRequest),
    ...compare('requests_per_second', (sample) => sample.requestsPerSecond),
    ...compare('added_latency', (sample, round) => addedLatency(sample, direct[round], 'median')),
  ];
}

function addedLatency(sample: Sample, direct: Sample | undefined, which: keyof Latency): number {
  return sample.latencyMs[which] - (direct?.latencyMs[which] ?? 0);
}

function present(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}
