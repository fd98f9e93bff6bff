/** A time beside another as people say it: to the nearest whole unit, and never a time to come for one that has passed. */
const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
/** The largest unit that still says it exactly enough: days are counted up to a hundred. */
const steps: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number, fewerThan: number])[] = [
  ['minute', minute, 60],
  ['hour', hour, 24],
  ['day', day, 100],
  ['month', 30.4375 * day, 24],
  ['year', 365.25 * day, Number.POSITIVE_INFINITY],
];
/** The clock of the page stands still for so many seconds: what lies this little ahead may have passed. */
const clockStepSeconds = 20;

const words = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

/** @param from both in milliseconds since 1970 */
export function sayWhen(at: number, from: number): string {
  const seconds = (at - from) / 1_000;
  if (Math.abs(seconds) < minute) return seconds > clockStepSeconds ? 'in a moment' : 'just now';
  const [unit, length] = steps.find(
    ([, size, fewerThan]) => Math.round(Math.abs(seconds) / size) < fewerThan,
  ) ?? ['year', 365.25 * day];
  return words.format(Math.round(seconds / length), unit);
}
