/**
 * What is coming for a key, told ahead of time: one pure function that yields a warning for each date within
 * thirty days, or past. Who is told, and how often, is decided elsewhere.
 */
import { dayMs, dayOf } from '../../foundation/day.ts';
import type { KeyCutOff } from '../../providers/key-cut-off.ts';
import { reachesAge, type AgeLimits } from './key-age.ts';

export const warningKinds = [
  'key_due',
  'key_overdue',
  'key_expires',
  'key_cut_off',
  'encryption_key_age',
] as const;

type WarningKind = (typeof warningKinds)[number];

/** The days before a date at which somebody is told; 0 once it has come. */
export const warningStages = [30, 14, 7, 1, 0] as const;

type WarningStage = (typeof warningStages)[number];

export interface Warning {
  readonly kind: WarningKind;
  readonly severity: 'info' | 'warning' | 'critical';
  /** When it comes, or came. */
  readonly at: Date;
  /** Whole days until then, rounded up; 0 or less: it has come. */
  readonly daysLeft: number;
  /** The last of the stages that is reached. It grows worse, so that each is told once. */
  readonly stage: WarningStage;
  /** A sentence without secrets. */
  readonly message: string;
  /** What to do, as a command or a sentence. */
  readonly advice: string;
}

export interface DatedProviderKey {
  readonly slug: string;
  /** Since when the key is known; null: not known. */
  readonly since: Date | null;
  /** When the key ends, as the provider or an administrator says. */
  readonly expiresAt: Date | null;
  /** The cut-off of keys of this kind. */
  readonly cutOff: KeyCutOff | null;
  readonly limits: AgeLimits;
  /** Until then its age warns nobody. Its end and a cut-off do all the same: they stop callers. */
  readonly snoozedUntil: Date | null;
}

/** Sorted by when they come. */
export function keyWarnings(key: DatedProviderKey, now: Date): Warning[] {
  return [...ageWarnings(key, now), ...endWarnings(key, now)].toSorted((a, b) => Number(a.at) - Number(b.at));
}

/** How old an encryption key may grow. */
const encryptionKeyDays = 365;

/** @param firstUsedAt when the active encryption key encrypted for the first time */
export function encryptionKeyWarnings(firstUsedAt: Date | null, now: Date): Warning[] {
  if (firstUsedAt === null) return [];
  const at = reachesAge(firstUsedAt, encryptionKeyDays);
  return warn(at, now, {
    kind: 'encryption_key_age',
    message: (when) => `The encryption key is a year old ${when}.`,
    advice: 'keyward encryption-key rotate',
    worst: 'warning',
  });
}

function ageWarnings({ slug, since, limits, snoozedUntil }: DatedProviderKey, now: Date): Warning[] {
  if (since === null || (snoozedUntil !== null && snoozedUntil > now)) return [];
  const dueAt = reachesAge(since, limits.dueDays);
  const overdueAt = reachesAge(since, limits.overdueDays);
  const advice = `keyward keys rotate ${slug}`;
  if (now < dueAt) {
    return warn(dueAt, now, {
      kind: 'key_due',
      message: (when) => `The rotation of the key of ${slug} is due ${when}.`,
      advice,
      worst: 'warning',
    });
  }
  const due = warn(dueAt, now, {
    kind: 'key_due',
    message: (when) => `The rotation of the key of ${slug} has been due ${when}.`,
    advice,
    worst: 'warning',
  });
  const overdue = warn(overdueAt, now, {
    kind: 'key_overdue',
    message: (when) => `The rotation of the key of ${slug} is overdue ${when}.`,
    advice,
    worst: 'critical',
  });
  return now < overdueAt ? [...due, ...overdue] : overdue;
}

function endWarnings({ slug, expiresAt, cutOff }: DatedProviderKey, now: Date): Warning[] {
  return [
    ...(expiresAt === null
      ? []
      : warn(expiresAt, now, {
          kind: 'key_expires',
          message: (when) => `The key of ${slug} ends ${when}.`,
          advice: `keyward keys rotate ${slug}`,
          worst: 'critical',
        })),
    ...(cutOff === null
      ? []
      : warn(cutOff.at, now, {
          kind: 'key_cut_off',
          message: (when) => `${cutOff.message} That is ${when}.`,
          precision: cutOff.precision,
          advice: cutOff.advice,
          worst: 'critical',
        })),
  ];
}

function warn(
  at: Date,
  now: Date,
  words: {
    readonly kind: WarningKind;
    readonly message: (when: string) => string;
    readonly advice: string;
    readonly worst: 'warning' | 'critical';
    readonly precision?: KeyCutOff['precision'];
  },
): Warning[] {
  const daysLeft = daysUntil(at, now);
  const stage = stageAt(daysLeft);
  if (stage === null) return [];
  const { kind, message, advice, worst, precision = 'day' } = words;
  const when = precision === 'day' ? inWords(at, now, daysLeft) : monthInWords(at, now, daysLeft);
  const severity = stage === 30 ? 'info' : stage > 1 ? 'warning' : worst;
  return [{ kind, severity, at, daysLeft, stage, advice, message: message(when) }];
}

/** Rounded up: while a minute is left of a day, it is a day. */
function daysUntil(at: Date, now: Date): number {
  const days = Math.ceil((at.getTime() - now.getTime()) / dayMs);
  return days === 0 ? 0 : days;
}

/** Null: it is too far away to be said. */
function stageAt(daysLeft: number): WarningStage | null {
  return warningStages.toReversed().find((stage) => daysLeft <= stage) ?? null;
}

/** Of a date of which only the month is known: it may be any day of it. */
function monthInWords(at: Date, now: Date, daysLeft: number): string {
  const month = at.toLocaleDateString('en-US', { month: 'long', year: 'numeric', timeZone: 'UTC' });
  if (daysLeft > 0)
    return `in ${daysLeft} ${daysLeft === 1 ? 'day' : 'days'} at the earliest, some day in ${month}`;
  return monthOf(now) === monthOf(at) ? 'this month, any day' : `past: ${month} is over`;
}

function monthOf(time: Date): string {
  return time.toISOString().slice(0, 7);
}

function inWords(at: Date, now: Date, daysLeft: number): string {
  const date = dayOf(at);
  if (daysLeft <= 0) return `since ${date}`;
  if (date === dayOf(now)) return `today (${date})`;
  return `in ${daysLeft} ${daysLeft === 1 ? 'day' : 'days'} (${date})`;
}
