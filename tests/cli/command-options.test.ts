/** What people type: points in time, always in UTC, and no date that is none; reasons that say something. */
import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { pointInTime, reason, timeToCome } from '../../src/cli/command-options.ts';

describe('a point in time', () => {
  it.each([
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2026-01-31T12:30', '2026-01-31T12:30:00.000Z'],
    ['2026-01-31 12:30:15', '2026-01-31T12:30:15.000Z'],
    ['2026-01-31T12:30:15.250Z', '2026-01-31T12:30:15.250Z'],
    ['2026-01-31T12:30+02:00', '2026-01-31T10:30:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(pointInTime(text).toISOString()).toBe(expected);
  });

  it.each([
    ['30m', 30 * 60_000],
    ['36h', 36 * 3_600_000],
    ['90d', 90 * 86_400_000],
  ])('%s is that long ago', (text, ageMs) => {
    expect(Math.abs(Date.now() - ageMs - pointInTime(text).getTime())).toBeLessThan(10_000);
  });

  it.each([
    '',
    'yesterday',
    '2026-02-30',
    '2026-13-01',
    '2026-01-31T25:00',
    '31.01.2026',
    '2026-1-1',
    '5',
    '5y',
    '-5d',
    '2026-02-30T10:00',
  ])('%j is none', (text) => {
    expect(() => pointInTime(text)).toThrow(InvalidArgumentError);
  });
});

describe('a time to come', () => {
  it('is a date that is not over, and no age', () => {
    expect(timeToCome('2099-01-31').toISOString()).toBe('2099-01-31T00:00:00.000Z');
    for (const text of ['2020-01-31', '36h', 'tomorrow'])
      expect(() => timeToCome(text), text).toThrow(InvalidArgumentError);
  });
});

describe('a reason', () => {
  it('says something, without the blanks around it', () => {
    const parse = reason().parseArg;
    expect(parse?.(' urgent ', undefined)).toBe('urgent');
    expect(() => parse?.('   ', undefined)).toThrow(InvalidArgumentError);
  });
});
