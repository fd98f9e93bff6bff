/** How old a key is and what that means: whole days of 24 hours in UTC, so that no clock change and no leap day moves it. */
import { dayMs } from '../../foundation/day.ts';

export const ageStates = ['fresh', 'ageing', 'due', 'overdue'] as const;

export type AgeState = (typeof ageStates)[number];

/** From which age in days a key is in each state. */
export interface AgeLimits {
  readonly ageingDays: number;
  readonly dueDays: number;
  readonly overdueDays: number;
}

export const defaultAgeLimits: AgeLimits = { ageingDays: 75, dueDays: 90, overdueDays: 120 };

/** Whole days since then; a time to come counts as now. */
export function ageDays(since: Date, now: Date): number {
  return Math.max(0, Math.floor((now.getTime() - since.getTime()) / dayMs));
}

export function ageStateOf(days: number, { ageingDays, dueDays, overdueDays }: AgeLimits): AgeState {
  if (days >= overdueDays) return 'overdue';
  if (days >= dueDays) return 'due';
  return days >= ageingDays ? 'ageing' : 'fresh';
}

/** When a key that came then reaches this age. */
export function reachesAge(since: Date, days: number): Date {
  return new Date(since.getTime() + days * dayMs);
}
