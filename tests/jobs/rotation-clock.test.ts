/**
 * What the clock does without being asked, before a stand-in that makes and revokes keys: it begins what is
 * due, stops a schedule after one failure and says so, and adopts or revokes what lives at the provider; each
 * with its event.
 */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { createLogger } from '../../src/foundation/logger.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { RotationClock } from '../../src/jobs/rotation-clock.ts';
import { newInstanceId } from '../../src/keys/instances.ts';
import type { KeyActParts } from '../../src/keys/key-acts.ts';
import { findProvider, type ListedProvider } from '../../src/keys/list-providers.ts';
import { setManagement } from '../../src/keys/rotation/management-store.ts';
import { mintRotation } from '../../src/keys/rotation/mint-rotation.ts';
import { cancelRotation } from '../../src/keys/rotation/rotation-acts.ts';
import { findRotation } from '../../src/keys/rotation/rotation-store.ts';
import { findSchedule, setSchedule } from '../../src/keys/rotation/schedule-store.ts';
import { sweepProvider } from '../../src/keys/rotation/sweep-keys.ts';
import { occasionOfTests } from '../support/audited.ts';
import { openOn, type OpenedDatabase } from '../support/keyward-database.ts';
import { keyActPartsOn, rotatingKey, storeFirstKey } from '../support/rotating.ts';
import { managementKey, StandInManagement } from '../support/stand-in-management.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

const slug = 'openrouter';
/** What the clock does next, it may have begun already. */
const isOnItsWay: unknown = expect.stringMatching(/^(?:staged|tested|canary)$/);

describe.each(['embedded', 'postgres'] as const)('the clock of rotations (%s)', (engine) => {
  let opened: OpenedDatabase;
  let provider: StandInProvider;
  let management: StandInManagement;
  let parts: KeyActParts;
  let row: ListedProvider;
  let logLines: string[];

  beforeAll(async () => {
    opened = await openOn(engine);
    provider = await startStandInProvider({ keys: [rotatingKey(1)] });
  });
  beforeEach(async () => {
    await opened.empty();
    management = new StandInManagement(provider);
    await management.listen();
    const ring = KeyRing.parse(generateEncryptionKey());
    parts = await keyActPartsOn(opened, ring, provider.baseUrl);
    logLines = [];
    await storeFirstKey(parts, rotatingKey(1));
    await setManagement(parts, occasionOfTests, slug, {
      credential: new Secret(managementKey),
      baseUrl: management.baseUrl,
    });
    const found = await findProvider(parts.database.kysely, slug);
    if (found === undefined) throw new Error('no provider');
    row = found;
    return async () => management.close();
  });
  afterAll(async () => {
    await opened.close();
    await provider.close();
  });

  /** One look of an instance that has just started: schedules are looked at once a minute. */
  const tick = async (): Promise<void> => {
    const clock = new RotationClock({
      ...parts,
      instanceId: newInstanceId(),
      occasion: occasionOfTests,
      graceSeconds: 0,
      log: createLogger({
        level: 'info',
        format: 'json',
        scrub: (line) => line,
        write: (line) => logLines.push(line),
      }),
    });
    await clock.tick();
    // What it would do by itself next would go on in the test behind this one.
    await clock.stop();
  };
  const setDue = async (): Promise<void> => {
    await setSchedule(parts, occasionOfTests, slug, {
      everyDays: 30,
      beforeExpiryDays: null,
      jitterMinutes: 0,
      window: null,
    });
    await sql`UPDATE keyward_key_versions SET promoted_at = now() AT TIME ZONE 'UTC' - interval '31 days' WHERE state = 'active'`.execute(
      parts.database.kysely,
    );
  };
  const last = async () => findRotation(parts.database.kysely, row.id, 'last');
  const eventsOf = async (action: string): Promise<Record<string, unknown>[]> => {
    const { rows } = await sql<{ event: string }>`
      SELECT event FROM keyward_audit_events WHERE event LIKE ${`%"${action}"%`} ORDER BY sequence`.execute(
      parts.database.kysely,
    );
    return rows.map(({ event }) => JSON.parse(event) as Record<string, unknown>);
  };
  const foreignChanges = async (): Promise<number> => {
    const { rows } = await sql<{ count: number }>`
      SELECT count(*)::int AS count FROM keyward_foreign_changes`.execute(parts.database.kysely);
    return rows[0]?.count ?? -1;
  };

  it('begins a rotation that is due, by its schedule, with a key that the provider makes', async () => {
    await setDue();
    await tick();
    expect(await last()).toMatchObject({ is_automatic: true, reason: 'by its schedule', step: isOnItsWay });
    expect(management.live).toEqual([(await last())?.newKey.minted_name]);
    await tick();
    expect(management.live).toHaveLength(1);
  });

  it('stops a schedule after one failure, says so in the log, the trail and the schedule, and asks no more', async () => {
    await management.close();
    await setDue();
    await tick();
    await tick();
    expect(await last()).toMatchObject({ step: 'failed' });
    const schedule = await findSchedule(parts.database.kysely, row.id);
    expect(schedule?.stopped_because).toMatch(/key management could not be asked/);
    expect(await eventsOf('schedule.stopped')).toHaveLength(1);
    expect(await eventsOf('rotation.started')).toHaveLength(1);
    expect(logLines.filter((line) => line.includes('its schedule has stopped'))).toHaveLength(1);
  });

  it('waits as long as a provider asks that was asked too often, and then makes the key', async () => {
    management.fail('mint', { status: 429, retryAfter: 3_600 }, 1);
    await setDue();
    await tick();
    await tick();
    expect(await last()).toMatchObject({
      step: 'minting',
      explanation: expect.stringContaining('asked again 3600 s later') as string,
    });
    expect(management.live).toEqual([]);
    await sql`UPDATE keyward_rotations SET claimed_until = claimed_until - interval '1 hour'`.execute(
      parts.database.kysely,
    );
    await tick();
    expect(await last()).toMatchObject({ step: isOnItsWay });
    expect(management.live).toEqual([(await last())?.newKey.minted_name]);
    expect(await findSchedule(parts.database.kysely, row.id)).toMatchObject({ stopped_because: null });
  });

  it('stops it too when the rotation that it began is given up later, and goes on when it is set again', async () => {
    await setDue();
    await tick();
    await cancelRotation(parts, { ...occasionOfTests, reason: 'not today' }, slug);
    await tick();
    const schedule = await findSchedule(parts.database.kysely, row.id);
    expect(schedule?.stopped_because).toMatch(/^The rotation \d+ is cancelled\./);
    expect(logLines.filter((line) => line.includes('its schedule has stopped'))).toHaveLength(1);
    await setDue();
    await tick();
    expect(await last()).toMatchObject({ step: isOnItsWay });
  });

  it('adopts a made key whose number it was not told, once, with an event', async () => {
    await mintRotation(parts, occasionOfTests, slug, {});
    await sql`UPDATE keyward_key_versions SET minted_id = NULL WHERE origin = 'minted'`.execute(
      parts.database.kysely,
    );
    await sweepProvider(parts, occasionOfTests, row, { graceSeconds: 0 });
    await sweepProvider(parts, occasionOfTests, row, { graceSeconds: 0 });
    const newKey = (await last())?.newKey;
    expect(newKey?.minted_id).toBe('hash1');
    expect(await eventsOf('key.adopted')).toMatchObject([
      { after: { adopted_key: newKey?.fingerprint, minted_name: newKey?.minted_name, minted_id: 'hash1' } },
    ]);
  });

  it('writes down why a key could not be revoked, and tries again until it is', async () => {
    await mintRotation(parts, occasionOfTests, slug, {});
    await cancelRotation(parts, occasionOfTests, slug);
    management.refuseToRevoke(true);
    const failed = await sweepProvider(parts, occasionOfTests, row, { graceSeconds: 0 });
    expect(failed?.failures).toEqual([expect.stringContaining('answered 500')]);
    const remark = (await last())?.newKey.remark;
    expect(remark).toContain('answered 500');
    expect(await eventsOf('key.revoking')).toMatchObject([
      { outcome: 'done' },
      { outcome: 'failed', after: { remark } },
    ]);
    management.refuseToRevoke(false);
    const report = await sweepProvider(parts, occasionOfTests, row, { graceSeconds: 0 });
    expect(report).toMatchObject({ revoked: [(await last())?.newKey.minted_name], failures: [] });
    expect((await last())?.newKey).toMatchObject({ state: 'revoked', remark: null });
    expect(management.live).toEqual([]);
  });

  it('keeps what was made for a rotation that was given up meanwhile, so that it can be revoked', async () => {
    const reached = management.stopAt('mint.made');
    const minting = mintRotation(parts, occasionOfTests, slug, {}).catch((error: unknown) => error);
    await reached;
    await cancelRotation(parts, occasionOfTests, slug);
    management.goOn();
    expect(await minting).toMatchObject({ code: 'rotation_refused' });
    expect(await eventsOf('key.made')).toMatchObject([{ after: { minted_id: 'hash1', state: 'retired' } }]);
    await sweepProvider(parts, occasionOfTests, row, { graceSeconds: 0 });
    expect([management.live, await foreignChanges()]).toEqual([[], 0]);
  });
});
