/** The trail tells which encryption keys are used: once for each change, by their ids alone. */
import { beforeEach, expect, it } from 'vitest';
import { listAuditEvents } from '../../src/audit/read-events.ts';
import { recordEncryptionRing } from '../../src/audit/record-encryption-ring.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { auditTrailOn, occasionOfTests, recordMany } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';

describeOnUsualDatabases('the encryption ring', (opened) => {
  let first: Secret;
  let second: Secret;
  let ringOfFirst: KeyRing;
  let ringOfBoth: KeyRing;
  beforeEach(() => {
    [first, second] = [generateEncryptionKey(), generateEncryptionKey()];
    ringOfFirst = KeyRing.parse(first);
    ringOfBoth = KeyRing.parse(new Secret(`${second.reveal()},${first.reveal()}`));
  });
  const start = async (ring: KeyRing, database = opened().database): Promise<void> =>
    recordEncryptionRing(database.kysely, auditTrailOn(database, ring), occasionOfTests, ring);
  const events = async () =>
    (await listAuditEvents(opened().database.kysely, { filters: { action: 'encryption_ring' }, limit: 100 }))
      .events;

  it('is recorded at the first start, and again only when it is another', async () => {
    await start(ringOfFirst);
    await start(ringOfFirst);
    await start(ringOfBoth);
    await start(ringOfBoth);
    const described = (ring: KeyRing) => ({ active_key_id: ring.activeKeyId, key_ids: ring.keyIds });
    expect(await events()).toMatchObject([
      {
        before: described(ringOfFirst),
        after: described(ringOfBoth),
        target: { id: ringOfBoth.activeKeyId },
      },
      {
        before: null,
        after: described(ringOfFirst),
        target: { kind: 'encryption_ring', id: ringOfFirst.activeKeyId },
      },
    ]);
    const text = JSON.stringify(await events());
    for (const key of [first, second]) expect(text).not.toContain(key.reveal().slice(0, 12));
  });

  it('with the same keys in another order is another, since the first encrypts', async () => {
    await start(ringOfBoth);
    await start(KeyRing.parse(new Secret(`${first.reveal()},${second.reveal()}`)));
    expect(await events()).toHaveLength(2);
  });

  it('is recorded once by ten instances that start at once', async () => {
    const instances = await Promise.all(Array.from({ length: 10 }, async () => opened().reopen()));
    await Promise.all(instances.map(async (database) => start(ringOfFirst, database)));
    expect(await events()).toHaveLength(1);
  });

  it('is compared with what was recorded last, however long ago', async () => {
    await start(ringOfFirst);
    await recordMany(auditTrailOn(opened().database, ringOfFirst), 50);
    await start(ringOfFirst);
    expect(await events()).toHaveLength(1);
  });
});
