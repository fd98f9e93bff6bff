/** The limits on key tests: by the clock, for each administrator and each provider apart. */
import { describe, expect, it } from 'vitest';
import type { Actor } from '../../src/audit/audit-event.ts';
import { KeyTestLimits } from '../../src/admin-api/key-test-limits.ts';
import { manualClock } from '../support/manual-clock.ts';

const actor = (id: string): Actor => ({
  kind: 'admin_token',
  id,
  name: 'the same name',
  role: 'admin',
  address: null,
  userAgent: null,
});

describe('limits on key tests', () => {
  it('are ten in any sixty seconds, not ten in each minute', () => {
    const clock = manualClock();
    const limits = new KeyTestLimits(clock);
    for (let count = 0; count < 10; count += 1) {
      limits.admit(actor('1'), `provider-${count}`);
      clock.pass(3_000);
    }
    expect(() => limits.admit(actor('1'), 'another')).toThrow(
      expect.objectContaining({ code: 'key_tests_limited', retryAfterSeconds: 30 }) as Error,
    );
    clock.pass(30_000);
    limits.admit(actor('1'), 'another');
    expect(() => limits.admit(actor('1'), 'yet-another')).toThrow(/10 keys/);
  });

  it('do not count what they refused', () => {
    const clock = manualClock();
    const limits = new KeyTestLimits(clock);
    for (let count = 0; count < 10; count += 1) {
      limits.admit(actor('1'), 'one');
      for (let more = 0; more < 5; more += 1)
        expect(() => limits.admit(actor('1'), 'one')).toThrow(/moment ago/);
      clock.pass(2_000);
    }
    expect(() => limits.admit(actor('1'), 'one')).toThrow(/10 keys/);
  });

  it('tell administrators of the same name apart, and a refused one leaves the provider to others', () => {
    const clock = manualClock();
    const limits = new KeyTestLimits(clock);
    for (let count = 0; count < 10; count += 1) limits.admit(actor('1'), `provider-${count}`);
    expect(() => limits.admit(actor('1'), 'last')).toThrow(/10 keys/);
    limits.admit(actor('2'), 'last');
  });

  it('let a provider rest after each test, whoever asked', () => {
    const clock = manualClock();
    const limits = new KeyTestLimits(clock);
    limits.admit(actor('1'), 'one');
    expect(() => limits.admit(actor('2'), 'one')).toThrow(
      expect.objectContaining({ code: 'provider_cooling_down', retryAfterSeconds: 2 }) as Error,
    );
    expect(() => limits.admitInRound('one')).toThrow(/moment ago/);
    clock.pass(1_999);
    expect(() => limits.admitInRound('one')).toThrow(/moment ago/);
    clock.pass(1);
    limits.admitInRound('one');
  });
});
