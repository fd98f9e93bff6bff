/** What Keyward's process holds at one moment: by its own metrics, after its garbage was collected. */
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cpuMicros } from './cpu-time.ts';
import type { Target } from './targets.ts';

/** For the start of a process that `stateOf` is to look at. */
export const collectable: readonly string[] = [
  '--expose-gc',
  `--import=${fileURLToPath(new URL('collect-on-signal.ts', import.meta.url))}`,
];

export interface ProcessState {
  /** All of it, with the embedded engine where there is one, and with what the allocator keeps for later. */
  readonly residentBytes: number;
  /** Heap and buffers that are in use: those of the gateway's thread, without the engine, which has one of its own. */
  readonly heldBytes: number;
  readonly sockets: number;
  readonly timers: number;
  readonly openAnswers: number;
}

export async function stateOf({ url, pid }: Target): Promise<ProcessState> {
  for (let times = 0; times < 2; times += 1) {
    if (pid !== null) process.kill(pid, 'SIGUSR2');
    // Buffers are given back a turn after their collection.
    await pause(300);
  }
  const text = await (await fetch(new URL('/metrics', url))).text();
  const figure = (name: string): number => {
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1) ?? 0);
  };
  return {
    residentBytes: figure('process_resident_memory_bytes'),
    heldBytes: figure('nodejs_heap_size_used_bytes') + figure('nodejs_external_memory_bytes'),
    sockets: figure('nodejs_active_resources{type="TCPSocketWrap"}'),
    timers: figure('nodejs_active_resources{type="Timeout"}'),
    openAnswers: figure('keyward_answers_open'),
  };
}

/** Of Keyward and of this process, since some moment before. */
export function cpuMillis({ pid }: Target): number {
  const { user, system } = process.cpuUsage();
  return ((pid === null ? null : cpuMicros(pid)) ?? 0) / 1_000 + (user + system) / 1_000;
}
