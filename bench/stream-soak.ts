/**
 * Streams come and go for a long time, and the memory is watched. What it may take of the processor is bounded, so that
 * it can run beside other work; each minute is told as it ends.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { kibibytes, mebibytes, median, percent } from './figures.ts';
import { cpuMillis, stateOf, type ProcessState } from './process-state.ts';
import { leave, leavingPoints, quickCalls } from './stream-callers.ts';
import type { StreamProvider } from './stream-provider.ts';
import type { Target } from './targets.ts';

export interface SoakPlan {
  readonly minutes: number;
  /** Share of one core that Keyward and the bench may take together. */
  readonly cores: number;
}

/** What memory may change by after warm-up, the first third of the time. */
const bound = 0.05;
const callsAtOnce = 50;

/** @returns whether the memory stayed within the bound */
export async function soak(
  target: Target,
  provider: StreamProvider,
  { minutes, cores }: SoakPlan,
): Promise<boolean> {
  const samples: ProcessState[] = [];
  const began = { at: performance.now(), cpu: cpuMillis(target) };
  const endsAt = began.at + minutes * 60_000;
  let calls = 0;
  for (let minute = 1; performance.now() < endsAt - 1_000; minute += 1) {
    const until = Math.min(began.at + minute * 60_000, endsAt);
    while (performance.now() < until) {
      await quickCalls(target.url, callsAtOnce);
      for (const [turn, point] of leavingPoints.entries())
        await leave(target.url, provider, point, `soak${calls}x${turn}`);
      calls += callsAtOnce + leavingPoints.length;
      while ((cpuMillis(target) - began.cpu) / (performance.now() - began.at) > cores) await pause(50);
    }
    const state = await stateOf(target);
    samples.push(state);
    const used = (cpuMillis(target) - began.cpu) / (performance.now() - began.at);
    console.log(
      `minute ${minute}: ${mebibytes(state.residentBytes)} MiB resident, ${kibibytes(state.heldBytes)} KiB held by the gateway, ${state.sockets} sockets, ${state.timers} timers, ${calls} calls, ${used.toFixed(2)} cores`,
    );
  }
  const warm = samples.slice(Math.floor(samples.length / 3));
  const span = Math.max(1, Math.floor(warm.length / 3));
  const trend = (of: (state: ProcessState) => number): { first: number; last: number; change: number } => {
    const first = median(warm.slice(0, span).map(of));
    const last = median(warm.slice(-span).map(of));
    return { first, last, change: last / first - 1 };
  };
  const resident = trend(({ residentBytes }) => residentBytes);
  const held = trend(({ heldBytes }) => heldBytes);
  const holds = resident.change <= bound && held.change <= bound;
  console.log(
    `${calls} calls in ${minutes} minutes, after warm-up: ${mebibytes(resident.first)} to ${mebibytes(resident.last)} MiB resident (${percent(resident.change)}), ${kibibytes(held.first)} to ${kibibytes(held.last)} KiB held by the gateway (${percent(held.change)}): ${holds ? 'within' : 'NOT within'} ${percent(bound)}`,
  );
  return holds;
}
