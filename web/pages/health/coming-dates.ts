/** The dates that come for keys, nearest first: when a rotation is due, when a key ends, when a kind of keys ends. */
import type { KeyWarning, ProviderHealth } from '../../api/views.ts';

export interface ComingDate {
  readonly id: string;
  /** Null: of no one provider. */
  readonly health: ProviderHealth | null;
  readonly what: string;
  readonly at: string;
  readonly daysLeft: number;
  /** The warning that is told of it already; null: too far away. */
  readonly warning: KeyWarning | null;
}

const dayMs = 86_400_000;

const words: Readonly<Record<KeyWarning['kind'], string>> = {
  key_due: 'Rotation due',
  key_overdue: 'Rotation overdue',
  key_expires: 'The key ends',
  key_cut_off: 'Keys of this kind end',
  encryption_key_age: 'The encryption key is a year old',
};

export function comingDates(
  providers: readonly ProviderHealth[],
  others: readonly KeyWarning[],
  now: number,
): ComingDate[] {
  const all = [
    ...providers.flatMap((health) => datesOf(health, now)),
    ...others.map((warning) => ofWarning(null, warning)),
  ];
  return all.toSorted((one, other) => one.at.localeCompare(other.at) || one.id.localeCompare(other.id));
}

/** Dates that are too far away for a warning are counted here from what is known of the key. */
function datesOf(health: ProviderHealth, now: number): ComingDate[] {
  const told = health.warnings.map((warning) => ofWarning(health, warning));
  const isTold = (kind: KeyWarning['kind']): boolean => health.warnings.some((one) => one.kind === kind);
  const { key_since: since, expires_at: ends, policy } = health;
  const afterDays = (days: number): string => new Date(Date.parse(since ?? '') + days * dayMs).toISOString();
  return [
    ...told,
    ...(since !== null && !isTold('key_due')
      ? [untold(health, 'key_due', afterDays(policy.due_days), now)]
      : []),
    ...(since !== null && !isTold('key_overdue')
      ? [untold(health, 'key_overdue', afterDays(policy.overdue_days), now)]
      : []),
    ...(ends !== null && !isTold('key_expires') ? [untold(health, 'key_expires', ends, now)] : []),
  ];
}

function ofWarning(health: ProviderHealth | null, warning: KeyWarning): ComingDate {
  const { kind, at, days_left: daysLeft } = warning;
  return { id: idOf(health, kind), health, what: words[kind], at, daysLeft, warning };
}

function untold(health: ProviderHealth, kind: KeyWarning['kind'], at: string, now: number): ComingDate {
  const daysLeft = Math.ceil((Date.parse(at) - now) / dayMs);
  return { id: idOf(health, kind), health, what: words[kind], at, daysLeft, warning: null };
}

function idOf(health: ProviderHealth | null, kind: string): string {
  return `${health?.provider ?? ''} ${kind}`;
}
