import { dayMs } from '../../../src/foundation/day.ts';
import { describe, expect, test } from 'vitest';
import { ageDays, ageStateOf, defaultAgeLimits } from '../../../src/keys/health/key-age.ts';
import {
  encryptionKeyWarnings,
  keyWarnings,
  warningStages,
  type DatedProviderKey,
} from '../../../src/keys/health/warnings.ts';
import { cutOffOf } from '../../../src/providers/key-cut-off.ts';
import { providerEntry } from '../../../src/providers/registry.ts';

const since = new Date('2026-01-10T09:30:00Z');
const after = (days: number, from = since): Date => new Date(from.getTime() + days * dayMs);
const key: DatedProviderKey = {
  slug: 'openrouter',
  since,
  expiresAt: null,
  cutOff: null,
  limits: defaultAgeLimits,
  snoozedUntil: null,
};
const toldAt = (days: number, changed: Partial<DatedProviderKey> = {}): string[] =>
  keyWarnings({ ...key, ...changed }, after(days)).map(
    ({ kind, stage, severity, daysLeft }) => `${kind} ${stage} ${severity} ${daysLeft}`,
  );

describe('the age of a key', () => {
  test.each([
    [0, 'fresh'],
    [74, 'fresh'],
    [75, 'ageing'],
    [89, 'ageing'],
    [90, 'due'],
    [91, 'due'],
    [119, 'due'],
    [120, 'overdue'],
  ] as const)('after %i days it is %s', (days, state) => {
    expect(ageDays(since, after(days))).toBe(days);
    expect(ageStateOf(days, defaultAgeLimits)).toBe(state);
  });

  test('a day is over to the millisecond, and a time to come counts as now', () => {
    expect(ageDays(since, new Date(after(90).getTime() - 1))).toBe(89);
    expect(ageDays(since, after(90))).toBe(90);
    expect(ageDays(since, after(-3))).toBe(0);
  });

  test('a leap day is a day like any other', () => {
    const from = new Date('2028-02-28T12:00:00Z');
    expect(ageDays(from, new Date('2028-02-29T12:00:00Z'))).toBe(1);
    expect(ageDays(from, new Date('2028-03-01T12:00:00Z'))).toBe(2);
    expect(ageDays(new Date('2028-02-29T12:00:00Z'), new Date('2029-02-28T12:00:00Z'))).toBe(365);
  });

  test('the clocks of people go forward and back, days in UTC do not', () => {
    // Midnight in Berlin before and after each change: 23 and 25 hours there, a day in UTC between noons.
    expect(ageDays(new Date('2026-03-28T12:00:00Z'), new Date('2026-03-29T12:00:00Z'))).toBe(1);
    expect(ageDays(new Date('2026-03-28T23:00:00Z'), new Date('2026-03-29T22:00:00Z'))).toBe(0);
    expect(ageDays(new Date('2026-10-24T22:00:00Z'), new Date('2026-10-25T23:00:00Z'))).toBe(1);
  });
});

describe('what is coming by the age of a key', () => {
  test.each([
    [59, []],
    [60, ['key_due 30 info 30']],
    [75, ['key_due 30 info 15']],
    [76, ['key_due 14 warning 14']],
    [83, ['key_due 7 warning 7']],
    [89, ['key_due 1 warning 1']],
    [89.5, ['key_due 1 warning 1']],
    [90, ['key_due 0 warning 0', 'key_overdue 30 info 30']],
    [91, ['key_due 0 warning -1', 'key_overdue 30 info 29']],
    [119, ['key_due 0 warning -29', 'key_overdue 1 critical 1']],
    [120, ['key_overdue 0 critical 0']],
    [200, ['key_overdue 0 critical -80']],
  ] as const)('on day %d', (days, told) => {
    expect(toldAt(days)).toEqual(told);
  });

  test('each stage is told in its turn, and it never goes back', () => {
    const stages = Array.from({ length: 92 }, (_, day) => keyWarnings(key, after(day))[0]?.stage).filter(
      (stage) => stage !== undefined,
    );
    expect([...new Set(stages)]).toEqual([...warningStages]);
    expect(stages).toEqual(stages.toSorted((a, b) => b - a));
  });

  test('a snooze silences it to its end, and not longer; another policy moves it', () => {
    expect(toldAt(91, { snoozedUntil: after(92) })).toEqual([]);
    expect(toldAt(92, { snoozedUntil: after(92) })).toHaveLength(2);
    expect(toldAt(31, { limits: { ageingDays: 25, dueDays: 30, overdueDays: 40 } })).toEqual([
      'key_due 0 warning -1',
      'key_overdue 14 warning 9',
    ]);
  });

  test('of a key whose beginning nobody knows nothing is said', () => {
    expect(toldAt(1_000, { since: null })).toEqual([]);
  });
});

describe('what is coming by dates', () => {
  test.each([
    [31, undefined],
    [30, 'info'],
    [14, 'warning'],
    [7, 'warning'],
    [1, 'critical'],
    [0, 'critical'],
    [-5, 'critical'],
  ] as const)('a key that ends in %i days', (left, severity) => {
    const [told] = keyWarnings({ ...key, expiresAt: after(left) }, since);
    expect(told?.severity).toBe(severity);
    if (told !== undefined) expect(told).toMatchObject({ kind: 'key_expires', daysLeft: left });
  });

  test('a snooze of the age does not hide an end or a cut-off', () => {
    const cutOff = {
      prefix: 'x',
      at: after(100),
      precision: 'day' as const,
      message: 'No more x.',
      advice: 'Take y.',
    };
    const told = keyWarnings({ ...key, expiresAt: after(95), cutOff, snoozedUntil: after(300) }, after(94));
    expect(told.map(({ kind, message }) => [kind, message])).toEqual([
      ['key_expires', 'The key of openrouter ends in 1 day (2026-04-15).'],
      ['key_cut_off', 'No more x. That is in 6 days (2026-04-20).'],
    ]);
  });

  test('what comes on the same day is told as today, and what comes tomorrow is not', () => {
    const expiresAt = new Date('2026-04-15T09:30:00Z');
    const told = (time: string) =>
      keyWarnings({ ...key, since: null, expiresAt }, new Date(time))[0]?.message;
    expect(told('2026-04-15T00:00:00Z')).toBe('The key of openrouter ends today (2026-04-15).');
    expect(told('2026-04-14T23:59:00Z')).toBe('The key of openrouter ends in 1 day (2026-04-15).');
  });

  test('the encryption key is told of when it is a year old', () => {
    const told = (days: number) =>
      encryptionKeyWarnings(since, after(days)).map(({ stage, severity, advice }) => [
        stage,
        severity,
        advice,
      ]);
    expect(told(334)).toEqual([]);
    expect(told(335)).toEqual([[30, 'info', 'keyward encryption-key rotate']]);
    expect(told(364)).toEqual([[1, 'warning', 'keyward encryption-key rotate']]);
    expect(told(365)).toEqual([[0, 'warning', 'keyward encryption-key rotate']]);
    expect(encryptionKeyWarnings(null, after(1_000))).toEqual([]);
  });

  test('the cut-off of Google stands in its entry, and is about its old keys alone', () => {
    const google = providerEntry('google');
    expect(cutOffOf(google, 'AIzaSyA…wxyz')?.at.toISOString()).toBe('2026-09-01T00:00:00.000Z');
    expect(cutOffOf(google, 'AQ.Ab8R…wxyz')).toBeNull();
    expect(cutOffOf(providerEntry('openai'), 'AIzaSyA…wxyz')).toBeNull();
  });

  test('of a cut-off of which only the month is known no day is made up', () => {
    const cutOff = cutOffOf(providerEntry('google'), 'AIzaSyA…wxyz');
    const told = (day: string) =>
      keyWarnings({ ...key, since: null, cutOff }, new Date(`${day}T12:00:00Z`)).map(
        ({ severity, message }) => [severity, message.replace(/^.* AIza\. /, '')],
      );
    expect(told('2026-08-01')).toEqual([]);
    expect(told('2026-08-03')).toEqual([
      ['info', 'That is in 29 days at the earliest, some day in September 2026.'],
    ]);
    expect(told('2026-08-31')).toEqual([
      ['critical', 'That is in 1 day at the earliest, some day in September 2026.'],
    ]);
    expect(told('2026-09-20')).toEqual([['critical', 'That is this month, any day.']]);
    expect(told('2026-11-29')).toEqual([['critical', 'That is past: September 2026 is over.']]);
  });
});
