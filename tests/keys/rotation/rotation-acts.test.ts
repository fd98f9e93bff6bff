/**
 * Rotations on both engines: the stored key is always the active version, whoever writes it; each step does
 * what it says to both keys; a key without proof is not switched to.
 */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../../src/crypto/key-ring.ts';
import { Secret } from '../../../src/foundation/secret.ts';
import { removeKey, storeKey } from '../../../src/keys/change-provider.ts';
import type { KeyActParts } from '../../../src/keys/key-acts.ts';
import { newInstanceId } from '../../../src/keys/instances.ts';
import { advanceRotation } from '../../../src/keys/rotation/advance-rotation.ts';
import { describeFoundVersions } from '../../../src/keys/rotation/found-versions.ts';
import { moveRotation } from '../../../src/keys/rotation/move-rotation.ts';
import {
  cancelRotation,
  promoteKey,
  retireOldKey,
  rollBackKey,
  startCanary,
} from '../../../src/keys/rotation/rotation-acts.ts';
import { findRotation, listKeyVersions } from '../../../src/keys/rotation/rotation-store.ts';
import { addTraffic } from '../../../src/keys/rotation/rotation-traffic.ts';
import { startRotation } from '../../../src/keys/rotation/start-rotation.ts';
import { testRotation } from '../../../src/keys/rotation/test-rotation.ts';
import { viewRotation } from '../../../src/keys/rotation/view-rotation.ts';
import { findProvider } from '../../../src/keys/list-providers.ts';
import { occasionOfTests } from '../../support/audited.ts';
import { openOn, type OpenedDatabase } from '../../support/keyward-database.ts';
import { keyActPartsOn, rotatingKey, storeFirstKey } from '../../support/rotating.ts';
import { startStandInProvider, type StandInProvider } from '../../support/stand-in-provider.ts';

const slug = 'openrouter';
const because = { ...occasionOfTests, reason: 'the test says so' };

describe.each(['embedded', 'postgres'] as const)('a rotation (%s)', (engine) => {
  let opened: OpenedDatabase;
  let provider: StandInProvider;
  let parts: KeyActParts;
  let ring: KeyRing;
  let count = 0;
  let oldKey = '';
  let newKey = '';

  beforeAll(async () => {
    opened = await openOn(engine);
    await opened.empty();
    provider = await startStandInProvider({ keys: [] });
    ring = KeyRing.parse(generateEncryptionKey());
    parts = await keyActPartsOn(opened, ring, provider.baseUrl);
  });
  beforeEach(async () => {
    provider.behave({});
    oldKey = rotatingKey((count += 1));
    newKey = rotatingKey((count += 1));
    provider.setKeys([oldKey, newKey]);
    await storeFirstKey(parts, oldKey);
  });
  afterAll(async () => {
    await opened.close();
    await provider.close();
  });

  const start = async (key = newKey, plan = {}) =>
    startRotation(parts, occasionOfTests, slug, { key: new Secret(key), ...plan });
  const provenAndPromoted = async (plan = {}) => {
    await start(newKey, plan);
    await testRotation(parts, occasionOfTests, slug, undefined, { spend: true, model: 'any/model' });
    await startCanary(parts, occasionOfTests, slug);
    return promoteKey(parts, occasionOfTests, slug);
  };
  const storedKey = async (): Promise<string | null> => {
    const token = (await findProvider(parts.database.kysely, slug))?.encrypted_api_key ?? null;
    return token === null ? null : ring.decrypt(token).secret.reveal();
  };
  const fingerprint = (key: string): string => parts.changes.fingerprinter.of(new Secret(key));
  /** By fingerprint, of this test's two keys. */
  const states = async (): Promise<Record<string, string>> => {
    const row = await findProvider(parts.database.kysely, slug);
    const versions = await listKeyVersions(parts.database.kysely, row?.id ?? 0);
    const named: Record<string, string> = { [fingerprint(oldKey)]: 'old', [fingerprint(newKey)]: 'new' };
    return Object.fromEntries(
      versions.flatMap(({ fingerprint: name, state }) => {
        const which = named[name ?? ''];
        return which === undefined ? [] : [[which, state] as const];
      }),
    );
  };

  it('goes from the old key to the new one, and each is at every step what its version says', async () => {
    await start();
    expect([await storedKey(), await states()]).toEqual([oldKey, { old: 'active', new: 'pending' }]);
    await expect(start(rotatingKey(9_999))).rejects.toMatchObject({ code: 'rotation_open' });
    const tested = await testRotation(parts, occasionOfTests, slug, undefined, { spend: true, model: 'a/b' });
    expect([tested.rotation.step, tested.result.code]).toEqual(['tested', 'generated']);
    expect((await startCanary(parts, occasionOfTests, slug, { percent: 20 })).rotation.canary_percent).toBe(
      '20.00',
    );
    const { rotation } = await promoteKey(parts, occasionOfTests, slug);
    expect([rotation.step, await storedKey(), await states()]).toEqual([
      'soaking',
      newKey,
      { old: 'previous', new: 'active' },
    ]);
    const row = await findProvider(parts.database.kysely, slug);
    expect(row).toMatchObject({ api_key_source: 'database', api_key_test_status: 'valid' });
    await expect(retireOldKey(parts, occasionOfTests, slug)).rejects.toMatchObject({ code: 'key_unproven' });
    await expect(retireOldKey(parts, occasionOfTests, slug, { force: true })).rejects.toMatchObject({
      code: 'reason_required',
    });
    expect((await retireOldKey(parts, because, slug, { force: true })).rotation).toMatchObject({
      step: 'completed',
      is_forced: true,
    });
    expect([await storedKey(), await states()]).toEqual([newKey, { old: 'retired', new: 'active' }]);
    const versions = await listKeyVersions(parts.database.kysely, row?.id ?? 0);
    expect(
      versions.find(({ fingerprint: name }) => name === fingerprint(oldKey))?.encrypted_api_key,
    ).toBeNull();
  });

  it('is rolled back in one call, with the binding and the source as they were', async () => {
    const before = await findProvider(parts.database.kysely, slug);
    await provenAndPromoted();
    await rollBackKey(parts, because, slug);
    const after = await findProvider(parts.database.kysely, slug);
    expect([await storedKey(), await states()]).toEqual([oldKey, { old: 'active', new: 'retired' }]);
    expect([after?.api_key_binding, after?.api_key_source]).toEqual([before?.api_key_binding, 'database']);
  });

  it('does not promote what was not proven, but by force and with a reason, which the trail tells', async () => {
    await start();
    await expect(promoteKey(parts, occasionOfTests, slug)).rejects.toMatchObject({ code: 'key_unproven' });
    await testRotation(parts, occasionOfTests, slug, undefined);
    await expect(promoteKey(parts, occasionOfTests, slug)).rejects.toMatchObject({ code: 'key_unproven' });
    expect(await storedKey()).toBe(oldKey);
    await promoteKey(parts, because, slug, { force: true });
    const { rows } = await sql<{
      event: string;
    }>`SELECT event FROM keyward_audit_events ORDER BY sequence DESC LIMIT 1`.execute(parts.database.kysely);
    expect(JSON.parse(rows[0]?.event ?? '')).toMatchObject({
      action: 'rotation.promoted',
      reason: because.reason,
      after: { forced: true, fingerprint: fingerprint(newKey), step: 'soaking' },
    });
    await rollBackKey(parts, occasionOfTests, slug);
  });

  it('takes no step twice: asked again, with nothing after it, it says how it stands and records nothing', async () => {
    const { rotation } = await provenAndPromoted({ soakSeconds: 0 });
    const { id } = rotation;
    const events = async (): Promise<unknown> =>
      (await sql`SELECT count(*) FROM keyward_audit_events`.execute(parts.database.kysely)).rows;
    const afterPromotion = await events();
    expect((await promoteKey(parts, occasionOfTests, slug, { id })).rotation).toMatchObject({
      id,
      step: 'soaking',
    });
    expect(await events()).toEqual(afterPromotion);
    await retireOldKey(parts, occasionOfTests, slug);
    const afterEnd = await events();
    expect((await retireOldKey(parts, occasionOfTests, slug, { id })).rotation.step).toBe('completed');
    expect([await events(), await storedKey()]).toEqual([afterEnd, newKey]);
    await expect(promoteKey(parts, occasionOfTests, slug, { id })).rejects.toMatchObject({
      code: 'rotation_refused',
    });
    await start(oldKey);
    await expect(retireOldKey(parts, occasionOfTests, slug, { id })).rejects.toMatchObject({
      code: 'rotation_refused',
    });
    await cancelRotation(parts, occasionOfTests, slug);
  });

  it('takes blanks for no reason: nothing is forced with them', async () => {
    await start();
    const blanks = { ...occasionOfTests, reason: '   ' };
    await expect(startCanary(parts, blanks, slug, { force: true })).rejects.toMatchObject({
      code: 'reason_required',
    });
    await expect(promoteKey(parts, blanks, slug, { force: true })).rejects.toMatchObject({
      code: 'reason_required',
    });
    await cancelRotation(parts, occasionOfTests, slug);
  });

  it('whose new key fails more of its calls is not promoted, and says so with the figures', async () => {
    const { rotation } = await start(newKey, { isAutomatic: true, canarySeconds: 0, canaryMinCalls: 1 });
    await testRotation(parts, occasionOfTests, slug, undefined, { spend: true, model: 'any/model' });
    await startCanary(parts, occasionOfTests, slug);
    const { kysely } = parts.database;
    await addTraffic(kysely, newInstanceId(), rotation.id, {
      new: { calls: 33, errors: 19, refusals: 0 },
      old: { calls: 33, errors: 0, refusals: 0 },
    });
    await expect(promoteKey(parts, occasionOfTests, slug)).rejects.toMatchObject({ code: 'key_unproven' });
    const row = await findProvider(kysely, slug);
    const open = await findRotation(kysely, row?.id ?? 0, 'open');
    if (row === undefined || open === undefined) throw new Error('it has ended');
    expect(await advanceRotation(parts, occasionOfTests, row, open)).toBe(false);
    const view = await viewRotation(parts, slug, open);
    expect(view.next).toEqual(['test', 'canary', 'rollback', 'cancel']);
    expect(view.explanation).toContain('19 of 33 calls (57.6 %), against 0 of 33 calls (0.0 %)');
    const { rotation: promoted } = await promoteKey(parts, because, slug, { force: true });
    expect([promoted.step, promoted.is_forced, promoted.explanation]).toEqual([
      'soaking',
      true,
      expect.stringContaining('57.6 %'),
    ]);
    await rollBackKey(parts, occasionOfTests, slug);
  });

  it('goes back by itself when a soaking key is proven dead, once, whoever tells it first', async () => {
    const { rotation } = await provenAndPromoted();
    const command = { kind: 'refused', verdict: 'invalid', message: 'It is not known any more.' } as const;
    const told = await Promise.allSettled(
      [1, 2, 3].map(async () => moveRotation(parts.changes, occasionOfTests, slug, rotation.id, { command })),
    );
    expect(told.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect([await storedKey(), await states()]).toEqual([oldKey, { old: 'active', new: 'retired' }]);
  });

  it('is superseded when another program stores a key, which becomes a version by itself', async () => {
    await start();
    const third = rotatingKey((count += 1));
    await sql`UPDATE llm_providers SET encrypted_api_key = ${ring.encrypt(new Secret(third))} WHERE provider_slug = ${slug}`.execute(
      parts.database.kysely,
    );
    await describeFoundVersions(parts.database.kysely, parts.changes);
    const row = await findProvider(parts.database.kysely, slug);
    const versions = await listKeyVersions(parts.database.kysely, row?.id ?? 0);
    expect(versions[0]).toMatchObject({ state: 'active', fingerprint: fingerprint(third), origin: 'found' });
    expect(await states()).toEqual({ old: 'retired', new: 'retired' });
    const rotation = await findRotation(parts.database.kysely, row?.id ?? 0, 'last');
    expect(rotation).toMatchObject({
      step: 'superseded',
      explanation: expect.stringContaining('past the rotation') as string,
    });
  });

  it('gives the new key up when it is cancelled, and the removal of the stored key leaves no version active', async () => {
    await start();
    await cancelRotation(parts, occasionOfTests, slug);
    expect([await storedKey(), await states()]).toEqual([oldKey, { old: 'active', new: 'retired' }]);
    await removeKey(parts.changes, occasionOfTests, slug);
    expect(await states()).toEqual({ old: 'retired', new: 'retired' });
  });

  it('that began with the key of the environment goes back to that', async () => {
    await removeKey(parts.changes, occasionOfTests, slug);
    await sql`UPDATE llm_providers SET api_key_source = 'environment' WHERE provider_slug = ${slug}`.execute(
      parts.database.kysely,
    );
    await provenAndPromoted();
    expect([await storedKey(), (await findProvider(parts.database.kysely, slug))?.api_key_source]).toEqual([
      newKey,
      'database',
    ]);
    const env = { OPENROUTER_API_KEY: oldKey };
    const withKey = await keyActPartsOn(opened, ring, provider.baseUrl, { env });
    await rollBackKey(withKey, occasionOfTests, slug);
    expect([await storedKey(), (await findProvider(parts.database.kysely, slug))?.api_key_source]).toEqual([
      null,
      'environment',
    ]);
  });

  it('goes back to no usable key by force only, and says what would be', async () => {
    for (const [how, statement, why] of [
      [
        'unreadable',
        sql`UPDATE keyward_key_versions SET encrypted_api_key = 'gAAAA, cut' WHERE state = 'previous'`,
        'does not decrypt',
      ],
      [
        'none',
        sql`UPDATE keyward_rotations SET old_version_id = NULL WHERE step = 'soaking'`,
        'no key is stored',
      ],
    ] as const) {
      const { rotation } = await provenAndPromoted();
      await statement.execute(parts.database.kysely);
      await expect(rollBackKey(parts, because, slug), how).rejects.toMatchObject({
        code: 'key_unproven',
        message: expect.stringContaining(why) as string,
      });
      const row = await findProvider(parts.database.kysely, slug);
      const open = await findRotation(parts.database.kysely, row?.id ?? 0, 'open');
      if (open === undefined) throw new Error('it has ended');
      const view = await viewRotation(parts, slug, open);
      expect([how, view.no_way_back, view.next]).toEqual([how, expect.stringContaining(why), ['test']]);
      // A dead key is not exchanged for none.
      const command = { kind: 'refused', verdict: 'invalid', message: 'It is dead.' } as const;
      const told = await moveRotation(parts.changes, occasionOfTests, slug, rotation.id, { command });
      expect([how, told.rotation.step, await storedKey()]).toEqual([how, 'soaking', newKey]);
      await expect(rollBackKey(parts, occasionOfTests, slug, { force: true }), how).rejects.toMatchObject({
        code: 'reason_required',
      });
      const back = await rollBackKey(parts, because, slug, { force: true });
      expect([how, back.rotation.step, back.rotation.explanation]).toEqual([
        how,
        'rolled_back',
        expect.stringContaining('No key serves'),
      ]);
      [oldKey, newKey] = [rotatingKey((count += 1)), rotatingKey((count += 1))];
      provider.setKeys([oldKey, newKey]);
      await storeFirstKey(parts, oldKey);
    }
  });

  it('goes back to a dead key by force only, out of the soak and out of the canary', async () => {
    await provenAndPromoted();
    provider.revoke(oldKey);
    await expect(rollBackKey(parts, because, slug)).rejects.toMatchObject({
      code: 'key_unproven',
      message: expect.stringContaining('The old key is dead') as string,
    });
    expect(await storedKey()).toBe(newKey);
    const back = await rollBackKey(parts, because, slug, { force: true });
    expect([back.rotation.step, await storedKey()]).toEqual(['rolled_back', oldKey]);

    await start();
    await testRotation(parts, occasionOfTests, slug, undefined);
    await startCanary(parts, occasionOfTests, slug);
    await expect(cancelRotation(parts, because, slug)).rejects.toMatchObject({
      code: 'rotation_refused',
      message: expect.stringContaining('The new key has taken over') as string,
    });
    await expect(rollBackKey(parts, because, slug)).rejects.toMatchObject({ code: 'key_unproven' });
    provider.setKeys([oldKey, newKey]);
    expect((await cancelRotation(parts, because, slug)).rotation.step).toBe('cancelled');
  });

  it('goes back while the provider does not answer: whether the old key lives, nobody can say', async () => {
    await provenAndPromoted();
    provider.behave({ on: 'test', answer: { status: 503, body: '' } });
    expect((await rollBackKey(parts, because, slug)).rotation.step).toBe('rolled_back');
  });

  it('a key that is set past it says who set it, and why', async () => {
    await start();
    const third = rotatingKey((count += 1));
    await storeKey(parts.changes, because, slug, { key: new Secret(third), source: 'database' });
    const row = await findProvider(parts.database.kysely, slug);
    const [version] = await listKeyVersions(parts.database.kysely, row?.id ?? 0);
    expect(version).toMatchObject({
      state: 'active',
      origin: 'entered',
      created_by: 'a test',
      reason: because.reason,
      api_key_binding: row?.api_key_binding,
    });
  });
});
