/** The head is noted when it has moved, and a trail that was cut or rewritten is told at the next look. */
import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import type { AnchoredHead } from '../../src/audit/anchor.ts';
import { readHead, type Head } from '../../src/audit/append-events.ts';
import type { AuditTrail } from '../../src/audit/audit-trail.ts';
import { HeadKeeper } from '../../src/audit/head-keeper.ts';
import { retainEvents } from '../../src/audit/retain-events.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { systemClock } from '../../src/foundation/clock.ts';
import { auditTrailOn, occasionOfTests, recordMany } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { asSuperuser } from '../support/tampering.ts';

describeOnUsualDatabases('the head', (opened) => {
  let audit: AuditTrail;
  let noted: AnchoredHead[];
  let cuts: { noted: Head; found: Head | null }[];
  let forged: { found: Head; message: string }[];
  let anchorFails: boolean;
  let ring: KeyRing;
  let keeper: HeadKeeper;
  const newKeeper = (): HeadKeeper =>
    new HeadKeeper({
      db: opened().database.kysely,
      clock: systemClock,
      ring,
      onCut: (heads) => cuts.push(heads),
      onForged: (found, message) => forged.push({ found, message }),
      anchor: {
        note: async (head) => {
          if (anchorFails) throw new Error('no place');
          noted.push(head);
        },
        last: async () => noted.at(-1),
      },
    });
  beforeEach(() => {
    ring = KeyRing.parse(generateEncryptionKey());
    audit = auditTrailOn(opened().database, ring);
    [noted, cuts, forged, anchorFails] = [[], [], [], false];
    keeper = newKeeper();
  });
  const cutFrom = async (sequence: number): Promise<void> => {
    await opened()
      .database.kysely.transaction()
      .execute(async (tx) => {
        await asSuperuser(tx);
        await sql`DELETE FROM keyward_audit_events WHERE sequence >= ${sequence}`.execute(tx);
      });
  };
  const sequences = (): number[] => noted.map(({ sequence }) => sequence);

  it('is noted once for as long as it stays where it is', async () => {
    await keeper.noteHead();
    expect(noted).toEqual([]);
    await recordMany(audit, 3);
    await keeper.noteHead();
    await keeper.noteHead();
    await recordMany(audit, 1);
    await keeper.noteHead();
    expect(sequences()).toEqual([3, 4]);
    const { kysely } = opened().database;
    expect(noted.at(-1)).toMatchObject({
      ...(await readHead(kysely)),
      at: expect.stringMatching(/Z$/) as string,
    });
    expect(cuts).toEqual([]);
  });

  it('that was noted before a restart is not noted again', async () => {
    await recordMany(audit, 3);
    await keeper.noteHead();
    await newKeeper().noteHead();
    expect(sequences()).toEqual([3]);
  });

  it('is noted later where the anchor took nothing, and then the newest alone', async () => {
    await recordMany(audit, 3);
    anchorFails = true;
    await expect(keeper.noteHead()).rejects.toThrow('no place');
    await recordMany(audit, 2);
    anchorFails = false;
    await keeper.noteHead();
    expect(sequences()).toEqual([5]);
  });

  it('that is behind the noted one tells of a cut, once, also after a restart', async () => {
    await recordMany(audit, 5);
    await keeper.noteHead();
    await cutFrom(4);
    await newKeeper().noteHead();
    expect(cuts).toMatchObject([{ noted: { sequence: 5 }, found: { sequence: 3 } }]);
    await keeper.noteHead();
    await keeper.noteHead();
    expect(cuts).toHaveLength(2);
  });

  it('that has grown past the noted one on another way tells of a cut', async () => {
    await recordMany(audit, 5);
    await keeper.noteHead();
    await cutFrom(4);
    await recordMany(audit, 10, 'other');
    await keeper.noteHead();
    expect(cuts).toMatchObject([{ noted: { sequence: 5 }, found: { sequence: 13 } }]);
  });

  it('that is gone with the whole trail tells of a cut', async () => {
    await recordMany(audit, 5);
    await keeper.noteHead();
    await cutFrom(1);
    await keeper.noteHead();
    expect(cuts).toMatchObject([{ noted: { sequence: 5 }, found: null }]);
  });

  const forgedHeads: [string, string][] = [
    ['of a hash that nobody computed', `repeat('ab', 32)`],
    ['that is a copy of a genuine event', 'hash'],
  ];
  it.each(forgedHeads)(
    '%s is not noted but told, once, and what Keyward adds after it is',
    async (_, hash) => {
      await recordMany(audit, 3);
      await keeper.noteHead();
      await opened()
        .database.kysely.transaction()
        .execute(async (tx) => {
          await asSuperuser(tx);
          await sql`INSERT INTO keyward_audit_events (sequence, event, previous_hash, hash)
          SELECT 4, event, previous_hash, ${sql.raw(hash)} FROM keyward_audit_events WHERE sequence = 3`.execute(
            tx,
          );
        });
      await keeper.noteHead();
      await keeper.noteHead();
      expect(sequences()).toEqual([3]);
      expect(forged).toMatchObject([
        { found: { sequence: 4 }, message: expect.stringContaining('Run: keyward audit verify') as string },
      ]);
      await recordMany(audit, 1);
      await keeper.noteHead();
      expect(sequences()).toEqual([3, 5]);
    },
  );

  it('is not noted when the key to check it by is gone', async () => {
    await recordMany(audit, 3);
    await opened()
      .database.kysely.transaction()
      .execute(async (tx) => {
        await asSuperuser(tx);
        await tx.deleteFrom('keyward_audit_chain').execute();
      });
    await expect(keeper.noteHead()).rejects.toThrow('keyward_audit_chain');
    expect(noted).toEqual([]);
  });

  it('whose noted predecessor went by a retention tells of nothing', async () => {
    await recordMany(audit, 5);
    await keeper.noteHead();
    await recordMany(audit, 5);
    await retainEvents({ audit, occasion: occasionOfTests }, new Date(Date.now() + 60_000));
    await keeper.noteHead();
    expect(cuts).toEqual([]);
    expect(sequences()).toEqual([5, 11]);
  });
});
