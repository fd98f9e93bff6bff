/** The trail grows by whole transactions, and keeps one end however many write to it. */
import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import type { AuditTrail } from '../../src/audit/audit-trail.ts';
import { readAuditKeyToken } from '../../src/audit/audit-key.ts';
import { verifyAuditTrail } from '../../src/audit/verify-trail.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import type { Database } from '../../src/database/database.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { auditTrailOn, occasionOfTests, recordMany } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { asSuperuser } from '../support/tampering.ts';

const entry = (id: string) => ({ action: 'provider.changed', target: { kind: 'provider', id } }) as const;

async function sequences({ kysely }: Database): Promise<string[]> {
  const rows = await kysely
    .selectFrom('keyward_audit_events')
    .select('sequence')
    .orderBy('sequence')
    .execute();
  return rows.map(({ sequence }) => sequence);
}

describeOnUsualDatabases('the audit trail', (opened) => {
  let firstKey: Secret;
  let ring: KeyRing;
  let audit: AuditTrail;
  beforeEach(() => {
    firstKey = generateEncryptionKey();
    ring = KeyRing.parse(firstKey);
    audit = auditTrailOn(opened().database, ring);
  });
  const verify = async (withRing = ring) =>
    verifyAuditTrail({ db: opened().database.kysely, ring: withRing });

  it('has no gap and no fork after twenty writers at once, in several instances with connections of their own', async () => {
    const instances = [opened().database, await opened().reopen(), await opened().reopen()];
    const trails = instances.map((database) => auditTrailOn(database, ring));
    await Promise.all(
      Array.from({ length: 20 }, async (_, writer) => {
        for (let turn = 0; turn < 5; turn += 1) {
          await trails[writer % trails.length]?.change(occasionOfTests, async (_tx, record) => {
            record(entry(`first-${writer}-${turn}`));
            record(entry(`second-${writer}-${turn}`));
          });
        }
      }),
    );
    expect(await sequences(opened().database)).toEqual(
      Array.from({ length: 200 }, (_, index) => String(index + 1)),
    );
    expect(await verify()).toMatchObject({ whole: true, events: 200, head: { sequence: 200 } });
  });

  it('keeps the events of one transaction together and in their order', async () => {
    await Promise.all([recordMany(audit, 30, 'a'), recordMany(audit, 30, 'b')]);
    const rows = await opened()
      .database.kysely.selectFrom('keyward_audit_events')
      .select('target_id')
      .orderBy('sequence')
      .execute();
    const ids = rows.map(({ target_id: id }) => id);
    const numbered = (name: string): string[] =>
      Array.from({ length: 30 }, (_, index) => `${name}-${index + 1}`);
    expect([
      [...numbered('a'), ...numbered('b')],
      [...numbered('b'), ...numbered('a')],
    ]).toContainEqual(ids);
  });

  it('has nothing of a transaction that failed after its events were recorded, or written', async () => {
    const failing = audit.change(occasionOfTests, async (_tx, record, write) => {
      record(entry('one'));
      await write();
      record(entry('two'));
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await sequences(opened().database)).toEqual([]);
  });

  it('says why the last event could not be written, until one can be again', async () => {
    const client = await opened().connect();
    const audit = auditTrailOn(opened().database);
    await recordMany(audit, 1);
    expect(audit.fault()).toBeNull();
    await client.query(
      'ALTER TABLE keyward_audit_events ADD CONSTRAINT nothing_more CHECK (sequence < 2) NOT VALID',
    );
    await expect(recordMany(audit, 1)).rejects.toThrow(/audit trail cannot be written/);
    expect(audit.fault()).toMatch(/audit trail cannot be written/);
    await client.query('ALTER TABLE keyward_audit_events DROP CONSTRAINT nothing_more');
    await recordMany(audit, 1);
    expect(audit.fault()).toBeNull();
  });

  it('tells its listener of every transaction that added events, once it is committed', async () => {
    const seen: string[][] = [];
    const told: Promise<void>[] = [];
    audit.onAppended(() => {
      told.push(sequences(opened().database).then((found) => void seen.push(found)));
    });
    await audit.record(occasionOfTests, entry('one'));
    await Promise.all(told);
    await audit.change(occasionOfTests, async () => undefined);
    expect(told).toHaveLength(1);
    expect(seen).toEqual([['1']]);
  });

  it('is not written under a key that another encryption key keeps: the change is refused', async () => {
    await recordMany(audit, 1);
    const stranger = auditTrailOn(opened().database, KeyRing.parse(generateEncryptionKey()));
    await expect(recordMany(stranger, 1)).rejects.toMatchObject({ code: 'audit_unavailable', status: 503 });
    await expect(stranger.checkKey()).rejects.toThrow('keyward_audit_chain');
    await expect(audit.checkKey()).resolves.toBeUndefined();
    expect(await verify()).toMatchObject({ whole: true, events: 1 });
  });

  it('is not begun anew when its key is gone, which would make all before it look forged', async () => {
    await recordMany(audit, 2);
    await opened()
      .database.kysely.transaction()
      .execute(async (tx) => {
        await asSuperuser(tx);
        await tx.deleteFrom('keyward_audit_chain').execute();
      });
    for (const trail of [audit, auditTrailOn(opened().database, ring)])
      await expect(recordMany(trail, 1)).rejects.toMatchObject({ code: 'audit_unavailable' });
    expect(await sequences(opened().database)).toEqual(['1', '2']);
    expect(await readAuditKeyToken(opened().database.kysely)).toBeUndefined();
  });

  it('goes on when its key is encrypted anew under another encryption key, also in a process that had opened it', async () => {
    await recordMany(audit, 2);
    const { kysely } = opened().database;
    const second = generateEncryptionKey();
    const both = KeyRing.parse(new Secret(`${second.reveal()},${firstKey.reveal()}`));
    const trail = auditTrailOn(opened().database, both);
    await recordMany(trail, 1);
    const token = (await readAuditKeyToken(kysely)) ?? '';
    await kysely.transaction().execute(async (tx) => {
      await sql`SET LOCAL keyward.reencrypts_audit_key = 'on'`.execute(tx);
      await tx
        .updateTable('keyward_audit_chain')
        .set({ encrypted_audit_key: both.encrypt(both.decrypt(token).secret) })
        .execute();
    });
    await recordMany(trail, 1);
    expect(await verify(KeyRing.parse(second))).toMatchObject({ whole: true, events: 4 });
  });

  it('of several that start at once has one key', async () => {
    const instances = await Promise.all(Array.from({ length: 4 }, async () => opened().reopen()));
    await Promise.all(instances.map(async (database) => recordMany(auditTrailOn(database, ring), 3)));
    expect(await verify()).toMatchObject({ whole: true, events: 12 });
  });
});
