/** When a rotation is due: by the age of the key or by its end, whichever is first; within the window, in UTC. */
import { describe, expect, it } from 'vitest';
import { dueAt, isInWindow, withinWindow } from '../../../src/keys/rotation/rotation-due.ts';

const since = new Date('2026-01-01T00:00:00Z');
const expiresAt = new Date('2026-03-01T00:00:00Z');
const schedule = { every_days: null, before_expiry_days: null, jitter_minutes: 120 };

describe('a rotation is due', () => {
  it('so many days after the key came, and as much later as the dice say', () => {
    const byAge = { ...schedule, every_days: 30 };
    expect(dueAt(byAge, { since, expiresAt: null }, 0)).toEqual(new Date('2026-01-31T00:00:00Z'));
    expect(dueAt(byAge, { since, expiresAt: null }, 0.5)).toEqual(new Date('2026-01-31T01:00:00Z'));
  });

  it('so many days before the key ends, where that is known, and never where it is not', () => {
    const byEnd = { ...schedule, before_expiry_days: 7 };
    expect(dueAt(byEnd, { since, expiresAt }, 0)).toEqual(new Date('2026-02-22T00:00:00Z'));
    expect(dueAt(byEnd, { since, expiresAt: null }, 0)).toBeNull();
  });

  it('by what comes first of both', () => {
    const both = { ...schedule, every_days: 90, before_expiry_days: 7 };
    expect(dueAt(both, { since, expiresAt }, 0)).toEqual(new Date('2026-02-22T00:00:00Z'));
    expect(dueAt(both, { since, expiresAt: null }, 0)).toEqual(new Date('2026-04-01T00:00:00Z'));
  });
});

describe('the maintenance window', () => {
  const at = (time: string): Date => new Date(`2026-01-01T${time}:00Z`);

  it.each([
    ['02:00', 120, 240, true],
    ['03:59', 120, 240, true],
    ['04:00', 120, 240, false],
    ['01:59', 120, 240, false],
    ['23:30', 1_380, 60, true],
    ['00:59', 1_380, 60, true],
    ['01:00', 1_380, 60, false],
    ['12:00', 600, 600, true],
  ])('at %s is open from minute %i to %i: %s', (time, from, to, open) => {
    expect(isInWindow(at(time), { window_from: from, window_to: to })).toBe(open);
  });

  it('that is not set is always open', () => {
    expect(isInWindow(at('12:00'), { window_from: null, window_to: null })).toBe(true);
  });
});

describe('what is due outside its window', () => {
  const window = { window_from: 120, window_to: 240 };
  it.each([
    ['before it', '2026-01-31T01:00:00Z', '2026-01-31T02:00:00.000Z'],
    ['within it', '2026-01-31T03:30:00Z', '2026-01-31T03:30:00.000Z'],
    ['after it', '2026-01-31T04:00:00Z', '2026-02-01T02:00:00.000Z'],
  ])('%s waits until it opens', (_, at, expected) => {
    expect(withinWindow(new Date(at), window).toISOString()).toBe(expected);
    expect(isInWindow(withinWindow(new Date(at), window), window)).toBe(true);
  });

  it('waits over midnight where the window does', () => {
    const overnight = { window_from: 1_380, window_to: 60 };
    expect(withinWindow(new Date('2026-01-31T02:00:00Z'), overnight).toISOString()).toBe(
      '2026-01-31T23:00:00.000Z',
    );
    expect(withinWindow(new Date('2026-01-31T00:30:00Z'), overnight).toISOString()).toBe(
      '2026-01-31T00:30:00.000Z',
    );
  });
});
