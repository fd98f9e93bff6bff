/** The processor time that a process has used, all its threads together. */
import { readFileSync } from 'node:fs';

/** What Linux shows user space, on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** In microseconds, to 10 ms; null where the system does not tell (it is read from /proc, so: off Linux). */
export function cpuMicros(pid: number): number | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // The second field is the program's name in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])];
  return ((userTicks + systemTicks) / ticksPerSecond) * 1_000_000;
}
