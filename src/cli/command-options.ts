/** What several commands have in common in how they are called. */
import { InvalidArgumentError, Option } from 'commander';

/** Takes the exit code of a command that does not just succeed. */
export type Settle = (exitCode: number) => void;

export const json = (): Option => new Option('--json', 'print one JSON object for programs');

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a number.');
  return Number(text);
}

/** Any number of them: what is too many the command says. */
export function milliseconds(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a number of milliseconds.');
  return Number(text);
}

const unitsMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A date or a time in UTC, or how long ago: `2026-01-31`, `2026-01-31T12:00Z`, `36h`, `90d`. */
export function pointInTime(text: string): Date {
  const age = /^(\d{1,6})([mhd])$/.exec(text);
  if (age !== null) return new Date(Date.now() - Number(age[1]) * unitsMs[age[2] as keyof typeof unitsMs]);
  const parts = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(
    text,
  );
  // Without a zone it is UTC, as everywhere in Keyward; JavaScript would take the zone of this machine.
  const [, date = '', clock = '00:00', zone = 'Z'] = parts ?? [];
  const time = new Date(`${date}T${clock}${zone}`);
  if (!isDate(date) || Number.isNaN(time.getTime()))
    throw new InvalidArgumentError(
      'It must be a date or time like 2026-01-31 or 2026-01-31T12:00Z, or an age like 36h or 90d.',
    );
  return time;
}

/** JavaScript takes 31 February for 3 March. */
function isDate(text: string): boolean {
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
