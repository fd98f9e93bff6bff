/**
 * When schedules are due, by the clock and the tables of both engines: so many days after the key came, or
 * before it ends, at most the jitter later, within the window, never beside an open rotation, and by the key
 * that serves.
 */
import { dayMs } from '../../../src/foundation/day.ts';
import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../../src/crypto/key-ring.ts';
import { Secret } from '../../../src/foundation/secret.ts';
import type { KeyActParts } from '../../../src/keys/key-acts.ts';
import { findProvider } from '../../../src/keys/list-providers.ts';
import { cancelRotation } from '../../../src/keys/rotation/rotation-acts.ts';
import {
  findSchedule,
  setSchedule,
  stopSchedule,
  takeDueSchedules,
  type NewSchedule,
} from '../../../src/keys/rotation/schedule-store.ts';
import { startRotation } from '../../../src/keys/rotation/start-rotation.ts';
import { occasionOfTests } from '../../support/audited.ts';
import { describeOnUsualDatabases } from '../../support/keyward-database.ts';
import { keyActPartsOn, rotatingKey, storeFirstKey } from '../../support/rotating.ts';

const slug = 'openrouter';
const plain: NewSchedule = { everyDays: 90, beforeExpiryDays: null, jitterMinutes: 0, window: null };

describeOnUsualDatabases('a schedule', (opened) => {
  let parts: KeyActParts;
  let providerId = 0;

  beforeEach(async () => {
    const ring = KeyRing.parse(generateEncryptionKey());
    parts = await keyActPartsOn(opened(), ring, 'http://127.0.0.1:9/v1');
    await storeFirstKey(parts, rotatingKey(1));
    providerId = (await findProvider(parts.database.kysely, slug))?.id ?? 0;
  });

  const set = async (schedule: Partial<NewSchedule>) =>
    setSchedule(parts, occasionOfTests, slug, { ...plain, ...schedule });
  const take = async (): Promise<readonly number[]> => (await takeDueSchedules(parts, occasionOfTests)).taken;
  const nextAt = async (): Promise<Date | null> =>
    (await findSchedule(parts.database.kysely, providerId))?.next_at ?? null;
  /** Moves when the serving key came, and when it ends. */
  const keyCame = async (daysAgo: number, endsInDays: number | null = null): Promise<Date> => {
    const { rows } = await sql<{ promoted_at: Date }>`
      UPDATE keyward_key_versions
         SET promoted_at = now() AT TIME ZONE 'UTC' - make_interval(days => ${daysAgo}),
             expires_at = now() AT TIME ZONE 'UTC' + make_interval(days => ${endsInDays})
       WHERE provider_id = ${providerId} AND state = 'active' RETURNING promoted_at`.execute(
      parts.database.kysely,
    );
    const [row] = rows;
    if (row === undefined) throw new Error('no key serves');
    return row.promoted_at;
  };
  /** Minutes after midnight by the clock of the database, so many from now. */
  const minuteOfDay = async (fromNow: number): Promise<number> => {
    const { rows } = await sql<{ now: Date }>`SELECT now() AT TIME ZONE 'UTC' AS now`.execute(
      parts.database.kysely,
    );
    const now = rows[0]?.now ?? new Date();
    return (now.getUTCHours() * 60 + now.getUTCMinutes() + fromNow + 1_440) % 1_440;
  };

  it('is due so many days after the key came, once, and not before', async () => {
    await set({});
    const came = await keyCame(89);
    expect(await take()).toEqual([]);
    expect(await nextAt()).toEqual(new Date(came.getTime() + 90 * dayMs));
    await keyCame(91);
    expect(await take()).toEqual([providerId]);
  });

  it('is taken by one of several instances that find it due at once', async () => {
    await set({});
    await keyCame(91);
    const taken = await Promise.all([take(), take(), take()]);
    expect(taken.flat()).toEqual([providerId]);
    expect(await take()).toEqual([]);
  });

  it('is taken by another where the one that took it died before it began anything', async () => {
    await set({});
    await keyCame(91);
    expect(await take()).toEqual([providerId]);
    await sql`UPDATE keyward_rotation_schedules SET taken_at = taken_at - interval '3 minutes'`.execute(
      parts.database.kysely,
    );
    expect(await take()).toEqual([providerId]);
  });

  it('is due so many days before the key ends, and never while nobody knows when that is', async () => {
    await set({ everyDays: null, beforeExpiryDays: 7 });
    await keyCame(400);
    expect([await take(), await nextAt()]).toEqual([[], null]);
    await keyCame(400, 8);
    expect(await take()).toEqual([]);
    expect(await nextAt()).not.toBeNull();
    await keyCame(400, 6);
    expect(await take()).toEqual([providerId]);
  });

  it('is due by what comes first, also where the end of the key becomes known after it was reckoned', async () => {
    await set({ beforeExpiryDays: 7 });
    await keyCame(10);
    expect(await take()).toEqual([]);
    await keyCame(10, 5);
    expect(await take()).toEqual([providerId]);
  });

  it('is put off by the jitter at most, and the dice are thrown once', async () => {
    const came = await keyCame(1);
    const due = came.getTime() + 90 * dayMs;
    const seen = new Set<number>();
    for (let times = 0; times < 5; times += 1) {
      await set({ jitterMinutes: 600 });
      await take();
      const next = (await nextAt())?.getTime() ?? 0;
      expect(next).toBeGreaterThanOrEqual(due);
      expect(next).toBeLessThanOrEqual(due + 600 * 60_000);
      await take();
      expect((await nextAt())?.getTime()).toBe(next);
      seen.add(next);
    }
    expect(seen.size).toBeGreaterThan(1);
  });

  it('takes no window that ends when it begins, which would be any time', async () => {
    await expect(set({ window: { from: 300, to: 300 } })).rejects.toMatchObject({
      code: 'field_invalid',
      param: 'window',
    });
  });

  it('waits for its window, also for one over midnight', async () => {
    await keyCame(91);
    await set({ window: { from: await minuteOfDay(60), to: await minuteOfDay(120) } });
    expect([await take(), await take()]).toEqual([[], []]);
    await set({ window: { from: await minuteOfDay(60), to: await minuteOfDay(-60) } });
    expect(await take()).toEqual([]);
    await set({ window: { from: await minuteOfDay(-60), to: await minuteOfDay(60) } });
    expect(await take()).toEqual([providerId]);
  });

  it('waits for a rotation that somebody began by hand, and is then reckoned from the key that serves', async () => {
    await set({});
    await keyCame(91);
    await startRotation(parts, occasionOfTests, slug, { key: new Secret(rotatingKey(2)) });
    expect(await take()).toEqual([]);
    await cancelRotation(parts, occasionOfTests, slug);
    expect(await take()).toEqual([providerId]);
  });

  it('is not due at the time of a key that was changed meanwhile', async () => {
    await set({});
    await keyCame(89);
    await take();
    await keyCame(91);
    await storeFirstKey(parts, rotatingKey(3));
    expect(await take()).toEqual([]);
    expect((await nextAt())?.getTime()).toBeGreaterThan(Date.now() + 89 * dayMs);
  });

  it('of a provider without a key is due never', async () => {
    await set({});
    await keyCame(91);
    await sql`UPDATE llm_providers SET encrypted_api_key = NULL WHERE id = ${providerId}`.execute(
      parts.database.kysely,
    );
    expect([await take(), await nextAt()]).toEqual([[], null]);
  });

  it('that has stopped is not due, says why in the trail once, and goes on when it is set again', async () => {
    await set({});
    await keyCame(91);
    const stop = async () =>
      stopSchedule(parts.changes, occasionOfTests, providerId, 'The provider said no.');
    expect([await stop(), await stop()]).toEqual([true, false]);
    expect(await take()).toEqual([]);
    const { rows } = await sql<{ event: string }>`
      SELECT event FROM keyward_audit_events WHERE event LIKE '%schedule.stopped%'`.execute(
      parts.database.kysely,
    );
    expect(rows.map(({ event }) => JSON.parse(event) as object)).toMatchObject([
      { target: { id: slug }, outcome: 'failed', after: { stopped_because: 'The provider said no.' } },
    ]);
    await set({});
    expect(await take()).toEqual([providerId]);
  });
});
