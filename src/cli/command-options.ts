/** What several commands have in common in how they are called. */
import { InvalidArgumentError, Option } from 'commander';
import { plainLine } from '../foundation/visible-text.ts';

/** Takes the exit code of a command that does not just succeed. */
export type Settle = (exitCode: number) => void;

export const json = (): Option => new Option('--json', 'print one JSON object for programs');

const longestReason = 500;

export const expires = (): Option =>
  new Option('--expires <time>', 'when the key ends, where the provider does not say').argParser(timeToCome);

/** As the admin API takes it in a body. */
export const reason = (): Option =>
  new Option('--reason <text>', 'why, in your words; it goes into the audit trail').argParser((text) => {
    if (text.length > longestReason || !plainLine.test(text))
      throw new InvalidArgumentError(`It must be one line of at most ${longestReason} characters.`);
    if (text.trim() === '') throw new InvalidArgumentError('It must say something.');
    return text.trim();
  });

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new InvalidArgumentError('It must be a whole number from 0 to 999999999.');
  return Number(text);
}

/** As the admin API takes a time to wait. */
export function seconds(text: string): number {
  if (!/^\d{1,8}$/.test(text) || Number(text) > mostSeconds)
    throw new InvalidArgumentError(`It must be a whole number of seconds from 0 to ${mostSeconds}.`);
  return Number(text);
}

const mostSeconds = 31_536_000;

/** Any number of them: what is too many the command says. */
export function milliseconds(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a number of milliseconds.');
  return Number(text);
}

/** `5`, `0.5`: above 0, 100 at most. */
export function percentage(text: string): number {
  const value = Number(text);
  if (!/^\d{1,3}(?:\.\d{1,2})?$/.test(text) || value <= 0 || value > 100)
    throw new InvalidArgumentError('It must be a share in percent, above 0 and at most 100.');
  return value;
}

const unitsMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `30m`, `8h`, `3d`: in milliseconds. */
export function duration(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? [];
  if (unit === undefined) throw new InvalidArgumentError('It must be a time like 30m, 8h or 3d.');
  return Number(count) * unitsMs[unit as keyof typeof unitsMs];
}

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

/** When a key ends: a date or time in UTC that is to come. */
export function timeToCome(text: string): Date {
  const words = 'It must be a date or time to come, like 2027-01-31 or 2027-01-31T12:00Z.';
  if (/^\d{1,6}[mhd]$/.test(text)) throw new InvalidArgumentError(words);
  const time = pointInTime(text);
  if (time.getTime() <= Date.now()) throw new InvalidArgumentError(words);
  return time;
}

/** JavaScript takes 31 February for 3 March. */
function isDate(text: string): boolean {
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
