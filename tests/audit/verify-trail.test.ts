/** A whole trail is proven; whatever was done to one is found, and named by its first bad place. */
import fc from 'fast-check';
import { sql, type Kysely } from 'kysely';
import { beforeAll, expect, it } from 'vitest';
import { appendEvents } from '../../src/audit/append-events.ts';
import { openAuditKey, readAuditKeyToken } from '../../src/audit/audit-key.ts';
import type { AuditTrail } from '../../src/audit/audit-trail.ts';
import { AnchoredHeads } from '../../src/audit/read-anchors.ts';
import { retainEvents } from '../../src/audit/retain-events.ts';
import { verifyAuditTrail, type TrailReport, type VerifyParts } from '../../src/audit/verify-trail.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import type { Tables } from '../../src/database/tables.ts';
import { createToken } from '../../src/auth/token-store.ts';
import { auditTrailOn, occasionOfTests, recordMany } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { describeOnMigratedDatabase } from '../support/migrated-database.ts';
import {
  anyTampering,
  asSuperuser,
  firstDifference,
  isRefusedByTable,
  readRows,
  type Tampering,
} from '../support/tampering.ts';

const ring = KeyRing.parse(generateEncryptionKey());

/** Heads of the chain as it is now, of all events or of some. */
async function headsOf(
  db: Kysely<Tables>,
  chosen: (sequence: number) => boolean = () => true,
): Promise<AnchoredHeads> {
  const heads = new AnchoredHeads();
  const rows = await db.selectFrom('keyward_audit_events').select(['sequence', 'hash']).execute();
  for (const { sequence, hash } of rows)
    if (chosen(Number(sequence))) heads.addLine(JSON.stringify({ sequence: Number(sequence), hash }));
  return heads;
}

/** In batches that do not fit the length, so that faults lie at their borders too. */
async function verify(db: Kysely<Tables>, more: Partial<VerifyParts> = {}): Promise<TrailReport> {
  return verifyAuditTrail({ db, ring, batchSize: 37, ...more });
}

const length = 300;

describeOnMigratedDatabase(`a chain of ${length} events`, (database) => {
  beforeAll(async () => {
    await recordMany(auditTrailOn(database().opened.database, ring), length);
  });

  it('is whole, whatever the size of the batches', async () => {
    const { kysely } = database().opened.database;
    for (const batchSize of [1, 7, 150, length, length + 1, 5_000]) {
      expect(await verify(kysely, { batchSize })).toMatchObject({
        whole: true,
        fault: null,
        events: length,
        first: 1,
        head: { sequence: length },
        anchors: null,
      });
    }
  });

  it('fits the heads that were noted of it, and tells which is the newest', async () => {
    const { kysely } = database().opened.database;
    const anchors = await headsOf(kysely, (sequence) => sequence % 50 === 0 && sequence < length);
    expect(await verify(kysely, { anchors })).toMatchObject({
      whole: true,
      anchors: { proven: 5, removed: 0, newest: 250 },
    });
  });

  it('of any tampering names the first bad place', { timeout: 240_000 }, async () => {
    const { kysely } = database().opened.database;
    const before = await readRows(kysely);
    const anchors = await headsOf(kysely);
    const locate = async (tampering: Tampering) =>
      database().undone(async (tx) => {
        await asSuperuser(tx);
        await tampering.apply(tx);
        const place = firstDifference(before, await readRows(tx));
        return { place, report: await verify(tx, tampering.needsAnchors ? { anchors } : {}) };
      });
    let located = 0;
    await fc.assert(
      fc.asyncProperty(anyTampering(length), async (tampering) => {
        const found = await locate(tampering).catch(isRefusedByTable);
        fc.pre(found?.place !== undefined);
        expect(found?.report.fault, tampering.name).toMatchObject({ sequence: found?.place });
        expect(tampering.kinds, tampering.name).toContain(found?.report.fault?.kind);
        expect(found?.report.events, tampering.name).toBe(
          found?.report.fault?.kind === 'truncated_start' ? 0 : (found?.place ?? 0) - 1,
        );
        located += 1;
      }),
      { numRuns: 150, maxSkipsPerRun: 1_000 },
    );
    expect(located).toBeGreaterThan(100);
    expect((await verify(kysely)).whole).toBe(true);
  });

  /** The events after 215 are others, of the same key. */
  const regrow = async (tx: Kysely<Tables>): Promise<void> => {
    await asSuperuser(tx);
    await sql`DELETE FROM keyward_audit_events WHERE sequence > 215`.execute(tx);
    const key = openAuditKey((await readAuditKeyToken(tx)) ?? '', ring);
    const entry = { action: 'provider.changed', target: { kind: 'provider', id: 'x' } } as const;
    const entries = Array.from({ length: 100 }, () => entry);
    await appendEvents(tx, { key, now: new Date(), occasion: occasionOfTests }, entries);
  };

  it('that was cut off and has grown again is not the one that was anchored', async () => {
    const { kysely } = database().opened.database;
    const anchors = await headsOf(kysely, (sequence) => sequence % 10 === 0);
    const report = await database().undone(async (tx) => {
      await regrow(tx);
      expect(await verify(tx)).toMatchObject({ whole: true, events: 315 });
      return verify(tx, { anchors });
    });
    expect(report.fault).toMatchObject({ kind: 'truncated_end', sequence: 220 });
    expect(report.fault?.message).toContain('after event 210, the last that fits an anchor');
  });

  it('does not take a genuine event of another state of it for its own', async () => {
    const report = await database().undone(async (tx) => {
      await sql`CREATE TEMP TABLE backup ON COMMIT DROP AS SELECT * FROM keyward_audit_events`.execute(tx);
      await regrow(tx);
      await sql`UPDATE keyward_audit_events AS e SET event = backup.event, previous_hash = backup.previous_hash, hash = backup.hash
        FROM backup WHERE backup.sequence = e.sequence AND e.sequence = 230`.execute(tx);
      return verify(tx);
    });
    expect(report.fault).toMatchObject({ kind: 'inserted', sequence: 230 });
    expect(report.fault?.message).toContain('another state of this trail');
  });

  it('two different heads of one event cannot both be right', async () => {
    const { kysely } = database().opened.database;
    const anchors = await headsOf(kysely, (sequence) => sequence === 100);
    anchors.addLine(JSON.stringify({ sequence: 100, hash: 'ab'.repeat(32) }));
    expect((await verify(kysely, { anchors })).fault).toMatchObject({ kind: 'truncated_end', sequence: 100 });
  });

  it('under another audit key is told from an edited one', async () => {
    const report = await database().undone(async (tx) => {
      await asSuperuser(tx);
      await tx
        .updateTable('keyward_audit_chain')
        .set({ encrypted_audit_key: ring.encrypt(generateEncryptionKey()) })
        .execute();
      return verify(tx);
    });
    expect(report).toMatchObject({ whole: false, events: 0, fault: { kind: 'wrong_key', sequence: 1 } });
  });

  it('whose later part was written anew under another key is told where that begins', async () => {
    const report = await database().undone(async (tx) => {
      await asSuperuser(tx);
      await sql`UPDATE keyward_audit_events SET hash = encode(sha256(event::bytea), 'hex') WHERE sequence > 123`.execute(
        tx,
      );
      await sql`UPDATE keyward_audit_events AS one SET previous_hash = before.hash FROM keyward_audit_events AS before
        WHERE before.sequence = one.sequence - 1 AND one.sequence > 124`.execute(tx);
      return verify(tx);
    });
    expect(report.fault).toMatchObject({ kind: 'wrong_key', sequence: 124 });
  });

  it('cannot be proven without its key, and with a ring that does not open the key nothing is said of it', async () => {
    const { kysely } = database().opened.database;
    const report = await database().undone(async (tx) => {
      await asSuperuser(tx);
      await tx.deleteFrom('keyward_audit_chain').execute();
      return verify(tx);
    });
    expect(report.fault).toMatchObject({ kind: 'wrong_key', sequence: 1 });
    const stranger = KeyRing.parse(generateEncryptionKey());
    await expect(verify(kysely, { ring: stranger })).rejects.toThrow(
      'does not decrypt with the encryption key here',
    );
  });

  it('with a row before the first place is broken there', async () => {
    const impossible = await database().undone(async (tx) => {
      await asSuperuser(tx);
      await sql`INSERT INTO keyward_audit_events (sequence, event, previous_hash, hash)
        SELECT 0, event, previous_hash, hash FROM keyward_audit_events WHERE sequence = 1`.execute(tx);
      return verify(tx);
    });
    expect(impossible.fault).toMatchObject({ kind: 'inserted', sequence: 0 });
  });
});

describeOnUsualDatabases('a trail', (opened) => {
  const trail = (): AuditTrail => auditTrailOn(opened().database, ring);

  it('without events is whole, unless an event of it was anchored', async () => {
    const { kysely } = opened().database;
    expect(await verify(kysely)).toMatchObject({ whole: true, events: 0, first: null, head: null });
    const anchors = new AnchoredHeads();
    anchors.addLine(JSON.stringify({ sequence: 4, hash: 'ab'.repeat(32) }));
    expect((await verify(kysely, { anchors })).fault).toMatchObject({ kind: 'truncated_end', sequence: 1 });
  });

  it('that was emptied is told where a token shows that there were events', async () => {
    const { kysely } = opened().database;
    await createToken(trail(), occasionOfTests, { kind: 'admin', name: 'a' });
    expect(await verify(kysely)).toMatchObject({ whole: true, events: 1 });
    const client = await opened().connect();
    await client.query('SET session_replication_role = replica; DELETE FROM keyward_audit_events');
    expect((await verify(kysely)).fault).toEqual({
      kind: 'truncated_end',
      sequence: 1,
      message:
        'There is no event, though a token was made since events are recorded, and each making is one: the trail was emptied.',
    });
  });

  it('that begins after a retention is proven by it; more that is missing is not', async () => {
    const { kysely } = opened().database;
    await recordMany(trail(), 20);
    const anchors = await headsOf(kysely);
    await retainEvents({ audit: trail(), occasion: occasionOfTests }, new Date(Date.now() + 60_000));
    await recordMany(trail(), 20);
    expect(await verify(kysely, { anchors })).toMatchObject({
      whole: true,
      events: 22,
      first: 20,
      retention: { sequence: 21, removedThrough: 19 },
      anchors: { proven: 1, removed: 19, newest: 20 },
    });
    const cut = await kysely
      .transaction()
      .execute(async (tx) => {
        await asSuperuser(tx);
        await sql`DELETE FROM keyward_audit_events WHERE sequence = 20`.execute(tx);
        throw Object.assign(new Error('undo'), { report: await verify(tx) });
      })
      .catch((error: { report: TrailReport }) => error.report);
    expect(cut.fault).toMatchObject({ kind: 'truncated_start', sequence: 20 });
  });

  it('is proven while others write to it, and while a retention takes its beginning away', async () => {
    const { kysely } = opened().database;
    await recordMany(trail(), 400);
    let retained: Promise<unknown> | undefined;
    const report = await verify(kysely, {
      batchSize: 20,
      onProgress: (sequence) => {
        if (sequence === 100)
          retained = retainEvents(
            { audit: trail(), occasion: occasionOfTests },
            new Date(Date.now() + 60_000),
          ).then(async () => recordMany(trail(), 10));
      },
    });
    await retained;
    expect(report).toMatchObject({ whole: true, fault: null });
    expect(await verify(kysely)).toMatchObject({ whole: true, first: 400, head: { sequence: 411 } });
  });
});
