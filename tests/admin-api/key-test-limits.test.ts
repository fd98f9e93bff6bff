/** The limits on key tests: by the clock, for each administrator and each provider apart, across instances. */
import { expect, it } from 'vitest';
import { claimKey } from '../../src/admin-api/idempotency-store.ts';
import { KeyTestLimits } from '../../src/admin-api/key-test-limits.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { manualClock } from '../support/manual-clock.ts';

const actor = (id: string): string => `token:${id}`;

describeOnUsualDatabases('limits on key tests', (opened) => {
  const make = (clock = manualClock()) => ({
    clock,
    limits: new KeyTestLimits(opened().database.kysely, clock),
  });

  it('are ten in any sixty seconds, not ten in each minute', async () => {
    const { clock, limits } = make();
    for (let count = 0; count < 10; count += 1) {
      await limits.admit(actor('1'), `provider-${count}`);
      clock.pass(3_000);
    }
    await expect(limits.admit(actor('1'), 'another')).rejects.toThrow(
      expect.objectContaining({ code: 'key_tests_limited', retryAfterSeconds: 30 }) as Error,
    );
    clock.pass(30_000);
    await limits.admit(actor('1'), 'another');
    await expect(limits.admit(actor('1'), 'yet-another')).rejects.toThrow(/10 keys/);
  });

  it('do not count what they refused', async () => {
    const { clock, limits } = make();
    for (let count = 0; count < 10; count += 1) {
      await limits.admit(actor('1'), 'one');
      for (let more = 0; more < 3; more += 1)
        await expect(limits.admit(actor('1'), 'one')).rejects.toThrow(/moment ago/);
      clock.pass(2_000);
    }
    await expect(limits.admit(actor('1'), 'one')).rejects.toThrow(/10 keys/);
  });

  it('tell administrators of the same name apart, and a refused one leaves the provider to others', async () => {
    const { limits } = make();
    for (let count = 0; count < 10; count += 1) await limits.admit(actor('1'), `provider-${count}`);
    await expect(limits.admit(actor('1'), 'last')).rejects.toThrow(/10 keys/);
    await limits.admit(actor('2'), 'last');
  });

  it('let a provider rest after each test, whoever asked', async () => {
    const { clock, limits } = make();
    await limits.admit(actor('1'), 'one');
    await expect(limits.admit(actor('2'), 'one')).rejects.toThrow(
      expect.objectContaining({ code: 'provider_cooling_down', retryAfterSeconds: 2 }) as Error,
    );
    await expect(limits.admitInRound('one')).rejects.toThrow(/moment ago/);
    clock.pass(1_999);
    await expect(limits.admitInRound('one')).rejects.toThrow(/moment ago/);
    clock.pass(1);
    await limits.admitInRound('one');
  });

  it('hold for two instances that are asked at once', async () => {
    const { clock, limits } = make();
    const other = new KeyTestLimits((await opened().reopen()).kysely, clock);
    const asked = await Promise.allSettled(
      Array.from({ length: 24 }, async (_, count) =>
        [limits, other][count % 2]?.admit(actor('1'), `provider-${count}`),
      ),
    );
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    const atOne = await Promise.allSettled(
      Array.from({ length: 8 }, async (_, count) =>
        [limits, other][count % 2]?.admit(actor(`other ${count}`), 'one'),
      ),
    );
    expect(atOne.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of [...asked, ...atOne])
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ status: 429 });
  });

  it('do not block for long after a clock that was wrong, and outlive the tidying of old answers', async () => {
    const { clock, limits } = make();
    const ahead = manualClock(new Date(clock.now().getTime() + 3_600_000));
    const wrong = new KeyTestLimits(opened().database.kysely, ahead);
    for (let count = 0; count < 10; count += 1) await wrong.admit(actor('1'), `provider-${count}`);
    await limits.admit(actor('1'), 'provider-0');
    const claim = { actor: 'admin_token:1', key: 'k', requestHash: 'ab'.repeat(32) };
    await claimKey(opened().database.kysely, claim, clock.now());
    await expect(limits.admit(actor('2'), 'provider-0')).rejects.toThrow(/moment ago/);
  });
});
