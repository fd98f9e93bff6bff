/**
 * Tells two processes that bear the same number apart: by the number space they live in and by when
 * they started.
 * Source: proc(5): /proc/[pid]/stat fields 3 (state) and 22 (starttime), /proc/[pid]/ns/pid; /proc/sys/kernel/random/boot_id.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Names the space in which process numbers mean something: one boot of one machine, one container. */
export function processNamespace(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

/** When the process started, in the kernel's own words; null when there is no such process or no telling. */
export function processStart(pid: number): string | null {
  if (process.platform !== 'linux') return askPs(pid, 'lstart=');
  return readStat(pid)?.[19] ?? null;
}

/** Whether the process has ended and only its parent has not asked after it: it keeps its number until then. */
export function isUnburied(pid: number): boolean {
  const state = process.platform === 'linux' ? readStat(pid)?.[0] : askPs(pid, 'state=');
  return state?.startsWith('Z') ?? false;
}

/** What /proc says of a process, from the third field on. */
function readStat(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

function askPs(pid: number, field: string): string | null {
  try {
    // In one time zone and language, whatever those of whoever asks: the answers are compared.
    const env = { PATH: '/bin:/usr/bin', TZ: 'UTC', LC_ALL: 'C' };
    return execFileSync('ps', ['-o', field, '-p', String(pid)], { encoding: 'utf8', env }).trim() || null;
  } catch {
    return null;
  }
}
