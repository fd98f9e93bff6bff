/**
 * One measurement of one target, and the rounds: every target has its turn in every round, so that what
 * else the machine does at the time hits all of them alike.
 */
import { chatRequest, type Workload } from './http-answers.ts';
import { cpuMicros } from './cpu-time.ts';
import { applyLoad, type LoadResult } from './load.ts';
import { callerToken, type Target, type TargetName } from './targets.ts';

export interface Plan {
  readonly rounds: number;
  readonly warmUpMs: number;
  /** How many callers ask at once where throughput is measured. */
  readonly connections: number;
  readonly throughputMs: number;
  /** With one caller. */
  readonly latencyMs: number;
}

export interface Sample {
  readonly target: TargetName;
  readonly workload: Workload;
  readonly requestsPerSecond: number;
  /** Of the gateway's process; null where there is none, or the system does not tell. */
  readonly cpuMicrosPerRequest: number | null;
  /** With one caller. */
  readonly latencyMs: { readonly median: number; readonly p99: number };
}

export const workloads: readonly Workload[] = ['small', 'streamed'];

export interface Measured {
  /** Of one target and workload: in the order of the rounds. */
  readonly samples: readonly Sample[];
  /** How many requests each target answered, with and without being measured. */
  readonly answered: ReadonlyMap<TargetName, number>;
}

/** Takes all the samples; nothing that happens before the code is warm counts. */
export async function measure(
  targets: readonly Target[],
  plan: Plan,
  onProgress: (message: string) => void,
): Promise<Measured> {
  const samples: Sample[] = [];
  const answered = new Map<TargetName, number>();
  const apply: Apply = async ({ name, url }, { workload, ...how }, onStart) => {
    const body = chatRequest(workload);
    const result = await applyLoad({ url, token: callerToken, body, ...how }, onStart);
    answered.set(name, (answered.get(name) ?? 0) + result.requests);
    return result;
  };
  onProgress('warming up');
  const warmUp = { connections: plan.connections, durationMs: plan.warmUpMs };
  for (const workload of workloads) {
    for (const target of targets) await apply(target, { workload, ...warmUp });
  }
  for (let round = 1; round <= plan.rounds; round += 1) {
    onProgress(`round ${round} of ${plan.rounds}`);
    for (const workload of workloads) samples.push(...(await sampleAll(targets, workload, plan, apply)));
  }
  return { samples, answered };
}

type Apply = (
  target: Target,
  load: { workload: Workload; connections: number; durationMs: number },
  onStart?: () => void,
) => Promise<LoadResult>;

/** One turn for each: first all under load, then all with one caller, so that what is compared lies close together. */
async function sampleAll(
  targets: readonly Target[],
  workload: Workload,
  plan: Plan,
  apply: Apply,
): Promise<Sample[]> {
  const underLoad = new Map<Target, Pick<Sample, 'requestsPerSecond' | 'cpuMicrosPerRequest'>>();
  for (const target of targets) {
    const load = { workload, connections: plan.connections, durationMs: plan.throughputMs };
    let cpuBefore: number | null = null;
    const { requests, elapsedMs } = await apply(target, load, () => {
      cpuBefore = cpuOf(target);
    });
    const cpuAfter = cpuOf(target);
    underLoad.set(target, {
      requestsPerSecond: (requests / elapsedMs) * 1000,
      cpuMicrosPerRequest: cpuBefore === null || cpuAfter === null ? null : (cpuAfter - cpuBefore) / requests,
    });
  }
  const samples: Sample[] = [];
  for (const [target, figures] of underLoad) {
    const load = { workload, connections: 1, durationMs: plan.latencyMs };
    const { latenciesMs } = await apply(target, load);
    const latencyMs = { median: quantile(latenciesMs, 0.5), p99: quantile(latenciesMs, 0.99) };
    samples.push({ target: target.name, workload, ...figures, latencyMs });
  }
  return samples;
}

function cpuOf({ pid }: Target): number | null {
  return pid === null ? null : cpuMicros(pid);
}

/** @param sorted ascending, not empty */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
