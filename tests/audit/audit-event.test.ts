/** The text of an event: always storable, never endless, and without a key in it wherever one was put. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventPrefix, eventText, type Occasion, type RecordedEvent } from '../../src/audit/audit-event.ts';
import { occasionOfTests } from '../support/audited.ts';

const time = new Date('2026-01-02T03:04:05.678Z');
const key = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');

const textOf = (occasion: Occasion, after: Record<string, unknown> | null = null): string =>
  eventText(7, time, occasion, {
    action: 'provider.changed',
    target: { kind: 'provider', id: 'groq' },
    after,
  });
const read = (text: string): RecordedEvent => JSON.parse(text) as RecordedEvent;

describe('the text of an event', () => {
  it('says who, what, to what, when, why, with nothing left out', () => {
    const actor = {
      kind: 'admin_token',
      id: '3',
      name: 'nightly',
      role: 'admin',
      address: '10.0.0.1',
      userAgent: 'curl/8',
    } as const;
    expect(read(textOf({ actor, reason: 'quarterly', requestId: 'r-1' }, { source: 'hybrid' }))).toEqual({
      sequence: 7,
      occurred_at: '2026-01-02T03:04:05.678Z',
      actor: {
        kind: 'admin_token',
        id: '3',
        name: 'nightly',
        role: 'admin',
        address: '10.0.0.1',
        user_agent: 'curl/8',
      },
      action: 'provider.changed',
      target: { kind: 'provider', id: 'groq' },
      outcome: 'done',
      reason: 'quarterly',
      request_id: 'r-1',
      before: null,
      after: { source: 'hybrid' },
    });
  });

  it('begins with its number, by which a row that holds another event is known', () => {
    expect(textOf(occasionOfTests).startsWith(eventPrefix(7))).toBe(true);
    expect(eventPrefix(7)).toBe('{"sequence":7,');
  });

  it('holds no key, wherever somebody put one', () => {
    const text = textOf(
      {
        actor: { ...occasionOfTests.actor, name: `me ${key}`, userAgent: key },
        reason: `now ${key}`,
        requestId: key,
      },
      { display_name: key, list: [{ deep: `https://a.example/?key=${key}` }] },
    );
    expect(text).not.toContain('fa4efa4e');
    expect(text.match(/\[redacted\]/g)).toHaveLength(6);
  });

  it('leaves fingerprints, masks and hashes as they are', () => {
    const after = { fingerprint: 'fp_0123456789ab', mask: 'sk-or-v…fa4e', hash: '0f'.repeat(32) };
    expect(read(textOf(occasionOfTests, after)).after).toEqual(after);
  });

  it('can be stored whatever was sent: no NUL, no half surrogate, no endless text, no line break', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 3_000 }), (hostile) => {
        const text = textOf(
          { actor: { ...occasionOfTests.actor, name: hostile, userAgent: hostile }, reason: hostile },
          { display_name: hostile },
        );
        expect(text).not.toMatch(/\\u0000|[\n\r]/);
        expect(text.isWellFormed()).toBe(true);
        expect(text.length).toBeLessThan(16_000);
      }),
    );
    expect(read(textOf({ ...occasionOfTests, reason: `a\0b\ud800` })).reason).toBe('ab\ufffd');
  });
});
