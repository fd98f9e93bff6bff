/** Rules let through what they say; quiet hours end when they say, on every day, whatever the wall clocks of people do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alertKinds } from '../../src/alerts/condition.ts';
import { channelRules, endOfQuiet, isMeantFor, readRules, sendAt } from '../../src/alerts/routing.ts';

const rules = (fields: object = {}) => channelRules.parse(fields);
const alert = { severity: 'warning', kind: 'key_dead', provider: 'groq' } as const;

describe('a rule', () => {
  it.each([
    [{}, true],
    [{ min_severity: 'critical' }, false],
    [{ min_severity: 'info' }, true],
    [{ kinds: ['key_dead', 'network'] }, true],
    [{ kinds: ['network'] }, false],
    [{ providers: ['groq'] }, true],
    [{ providers: ['openai'] }, false],
  ])('%j lets a warning of a dead key of groq through: %j', (fields, passes) => {
    expect(isMeantFor(rules(fields), alert)).toBe(passes);
  });

  it('of providers lets through what concerns all of them', () => {
    expect(isMeantFor(rules({ providers: ['openai'] }), { ...alert, provider: undefined })).toBe(true);
  });

  it('is entered with kinds that there are, and kept with those of another version', () => {
    expect(channelRules.safeParse({ kinds: Object.keys(alertKinds) }).success).toBe(true);
    expect(channelRules.safeParse({ kinds: ['key_deed'] }).success).toBe(false);
    expect(readRules({ kinds: ['key_deed'] }).kinds).toEqual(['key_deed']);
  });

  it('that nobody can read lets everything through rather than nothing', () => {
    for (const broken of [null, 'x', { min_severity: 'loud' }])
      expect(isMeantFor(readRules(broken), { ...alert, severity: 'info' })).toBe(true);
  });
});

describe('quiet hours', () => {
  const night = { from: 22 * 60, to: 7 * 60 };
  const at = (text: string): Date => new Date(`2026-${text}:00.000Z`);

  it.each([
    ['03-01T21:59', null],
    ['03-01T22:00', '03-02T07:00'],
    ['03-01T23:59', '03-02T07:00'],
    ['03-02T00:00', '03-02T07:00'],
    ['03-02T06:59', '03-02T07:00'],
    ['03-02T07:00', null],
    // Europe and America move their clocks in these nights.
    ['03-28T23:30', '03-29T07:00'],
    ['03-07T23:30', '03-08T07:00'],
    ['12-31T23:30', '2027'],
  ])('of the night at %s end at %s', (now, end) => {
    const expected = end === '2027' ? new Date('2027-01-01T07:00:00.000Z') : end === null ? null : at(end);
    expect(endOfQuiet(night, at(now))).toEqual(expected);
  });

  it('from a minute to the same minute are none', () => {
    expect(endOfQuiet({ from: 60, to: 60 }, at('03-01T01:00'))).toBeNull();
  });

  it('always end within a day, and are over then', () => {
    const minute = fc.integer({ min: 0, max: 1_439 });
    fc.assert(
      fc.property(
        minute,
        minute,
        fc.date({ noInvalidDate: true, min: at('01-01T00:00'), max: new Date('2126-01-01') }),
        (from, to, now) => {
          const end = endOfQuiet({ from, to }, now);
          if (end === null) return;
          expect(end.getTime()).toBeGreaterThan(now.getTime());
          expect(end.getTime() - now.getTime()).toBeLessThanOrEqual(86_400_000);
          expect(endOfQuiet({ from, to }, end)).toBeNull();
        },
      ),
    );
  });

  it('hold back what is not bad enough, and nothing else', () => {
    const now = at('03-01T23:00');
    const channel = { quiet: night, rules: rules() };
    expect(sendAt(channel, 'critical', now)).toEqual(now);
    expect(sendAt(channel, 'warning', now)).toEqual(at('03-02T07:00'));
    expect(sendAt({ ...channel, rules: rules({ quiet_min_severity: 'warning' }) }, 'warning', now)).toEqual(
      now,
    );
    expect(sendAt({ ...channel, quiet: null }, 'info', now)).toEqual(now);
  });
});
