/** What the API says of health, tests and alerts, in words for people. */
import type { DailyTest, ProviderHealth } from '../../api/views.ts';
import { wordsOf, type Said } from '../../parts/verdict.tsx';

export const healthWords: Readonly<Record<ProviderHealth['health'], Said>> = {
  healthy: { word: 'Healthy', color: 'green' },
  degraded: { word: 'Degraded', color: 'orange' },
  unhealthy: { word: 'Unhealthy', color: 'red' },
  unknown: { word: 'Unknown', color: 'gray' },
};

/** @param unserved how many do not serve */
export function countsOf(
  counts: Readonly<Record<ProviderHealth['health'], number>>,
  unserved: number,
): string {
  const told = (['unhealthy', 'degraded', 'unknown', 'healthy'] as const)
    .filter((status) => counts[status] > 0)
    .map((status) => `${counts[status]} ${status}`);
  if (unserved > 0) told.unshift(`${unserved} ${unserved === 1 ? 'does' : 'do'} not serve`);
  return told.length === 0 ? 'no key serves yet' : told.join(', ');
}

/** One day of one provider: a mark for those who see it, and words for all. */
export interface Cell {
  readonly mark: string;
  readonly tone: 'good' | 'warn' | 'bad' | 'quiet';
  readonly words: string;
}

const tones: Readonly<Record<string, Cell['tone']>> = {
  green: 'good',
  yellow: 'warn',
  orange: 'warn',
  red: 'bad',
};

export function cellOf({ state, verdict, remark, response_time_ms: took }: DailyTest): Cell {
  if (state === 'missed') return { mark: '–', tone: 'warn', words: 'missed: nobody ran it that day' };
  if (state === 'waiting') return { mark: '·', tone: 'quiet', words: 'waiting for its time' };
  if (state === 'running') return { mark: '…', tone: 'quiet', words: 'running now' };
  if (verdict === null) return { mark: '·', tone: 'quiet', words: remark ?? 'nothing was asked' };
  const { word, color } = wordsOf(verdict);
  const tone = tones[color] ?? 'quiet';
  const mark = { good: '✓', warn: '!', bad: '✕', quiet: '?' }[tone];
  return { mark, tone, words: took === null ? word.toLowerCase() : `${word.toLowerCase()}, ${took} ms` };
}

export const legend: readonly Cell[] = [
  { mark: '✓', tone: 'good', words: 'valid' },
  { mark: '!', tone: 'warn', words: 'no proof either way' },
  { mark: '✕', tone: 'bad', words: 'refused' },
  { mark: '–', tone: 'warn', words: 'missed' },
  { mark: '·', tone: 'quiet', words: 'waiting, or nothing to ask' },
];

export const alertKindWords: Readonly<Record<string, string>> = {
  key_dead: 'Dead key',
  key_out_of_credit: 'Out of credit',
  key_unreadable: 'Unreadable key',
  provider_unreachable: 'Provider does not answer',
  network: 'Network outage',
  rotation_rolled_back: 'Rotation rolled back',
  rotation_schedule_stopped: 'Schedule of rotations stopped',
  key_due: 'Rotation due',
  key_overdue: 'Rotation overdue',
  key_expires: 'Key ends',
  key_cut_off: 'Keys of this kind end',
  encryption_key_age: 'Age of the encryption key',
  daily_test_missed: 'Daily test missed',
  audit_unwritable: 'Audit trail cannot be written',
};

export function wordsOfKind(kind: string): string {
  return alertKindWords[kind] ?? kind.replaceAll('_', ' ');
}

const dayMs = 86_400_000;

/** A day in UTC, so many before today: `2026-03-29`. */
export function dayBefore(days: number, from = Date.now()): string {
  return new Date(from - days * dayMs).toISOString().slice(0, 10);
}

export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

/** `in 5 days`, `today`, `3 days ago`. */
export function sayDaysLeft(days: number): string {
  if (days === 0) return 'today';
  return days > 0 ? `in ${counted(days, 'day')}` : `${counted(-days, 'day')} ago`;
}
