/** Old events go with a proof of what they were, all together or not at all; the newest always stays. */
import type pg from 'pg';
import { beforeEach, expect, it } from 'vitest';
import type { AuditTrail } from '../../src/audit/audit-trail.ts';
import { listAuditEvents } from '../../src/audit/read-events.ts';
import { planRetention, retainEvents } from '../../src/audit/retain-events.ts';
import { verifyAuditTrail } from '../../src/audit/verify-trail.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { auditTrailOn, occasionOfTests, recordMany } from '../support/audited.ts';
import { readContents } from '../support/database-contents.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';

const day = (number: number): Date => new Date(Date.UTC(2026, 0, number));

describeOnUsualDatabases('a retention', (opened) => {
  let client: pg.Client;
  let ring: KeyRing;
  let audit: AuditTrail;
  beforeEach(async () => {
    client = await opened().connect();
    ring = KeyRing.parse(generateEncryptionKey());
    audit = auditTrailOn(opened().database, ring);
  });
  /** One event on each of these days of January. */
  const recordOn = async (...days: number[]): Promise<void> => {
    for (const number of days)
      await audit.record(occasionOfTests, {
        action: 'provider.changed',
        target: { kind: 'provider', id: 'groq' },
        occurredAt: day(number),
      });
  };
  const retain = async (before: Date) => retainEvents({ audit, occasion: occasionOfTests }, before);
  const verify = async () => verifyAuditTrail({ db: opened().database.kysely, ring });
  const newest = async () => (await listAuditEvents(opened().database.kysely, { limit: 1 })).events[0];

  it('removes what is older than the date, says so in an event, and what is left is proven', async () => {
    await recordOn(1, 2, 3, 4, 5);
    expect(await retain(day(4))).toEqual({ first: 1, through: 3, count: 3 });
    expect(await newest()).toMatchObject({
      sequence: 6,
      action: 'audit.retention',
      target: { kind: 'audit_trail', id: '1-3' },
      after: { removed_through: 3, count: 3, hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    });
    expect(await verify()).toMatchObject({
      whole: true,
      events: 3,
      first: 4,
      retention: { sequence: 6, removedThrough: 3 },
    });
  });

  it('can be followed by another, which removes the event of the first', async () => {
    await recordOn(1, 2, 3);
    await retain(day(3));
    await recordOn(4, 5);
    expect(await retain(new Date(Date.now() + 60_000))).toEqual({ first: 3, through: 5, count: 3 });
    await recordOn(6);
    expect(await verify()).toMatchObject({ whole: true, events: 3, first: 6, head: { sequence: 8 } });
  });

  it('never removes the newest event, however old it is', async () => {
    await recordOn(1, 2, 3);
    expect(await retain(day(31))).toEqual({ first: 1, through: 2, count: 2 });
    expect(await verify()).toMatchObject({ whole: true, first: 3, events: 2 });
  });

  it('keeps an old event that stands behind a newer one, since the chain has no holes', async () => {
    await recordOn(1, 9, 2, 10);
    expect(await retain(day(5))).toEqual({ first: 1, through: 1, count: 1 });
    expect(await verify()).toMatchObject({ whole: true, first: 2, events: 4 });
  });

  it('with nothing to remove leaves everything as it is, without an event', async () => {
    expect(await retain(day(4))).toBeNull();
    await recordOn(5, 6);
    expect(await retain(day(4))).toBeNull();
    expect(await planRetention(opened().database.kysely, day(4))).toBeNull();
    expect(await newest()).toMatchObject({ sequence: 2 });
  });

  it('does nothing at all when it fails half-way', async () => {
    await recordMany(audit, 30);
    await client.query(`CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF OLD.sequence = 20 THEN RAISE 'planted'; END IF; RETURN OLD; END $$;
      CREATE TRIGGER planted BEFORE DELETE ON keyward_audit_events FOR EACH ROW EXECUTE FUNCTION planted()`);
    const before = await readContents(client);
    await expect(retain(new Date(Date.now() + 60_000))).rejects.toThrow('planted');
    expect(await readContents(client)).toEqual(before);
  });

  it('does nothing when its own event cannot be written', async () => {
    await recordMany(audit, 10);
    await client.query('ALTER TABLE keyward_audit_events ADD CONSTRAINT planted CHECK (sequence <= 10)');
    const before = await readContents(client);
    await expect(retain(new Date(Date.now() + 60_000))).rejects.toMatchObject({ code: 'audit_unavailable' });
    expect(await readContents(client)).toEqual(before);
  });

  it('of several at once is one, and loses nothing that is written meanwhile', async () => {
    await recordMany(audit, 100);
    const trails = [
      audit,
      auditTrailOn(await opened().reopen(), ring),
      auditTrailOn(await opened().reopen(), ring),
    ];
    const everything = new Date(Date.now() + 60_000);
    await Promise.all([
      ...trails.map(async (trail) => retainEvents({ audit: trail, occasion: occasionOfTests }, everything)),
      ...trails.map(async (trail) => recordMany(trail, 10)),
    ]);
    const { whole, head, first } = await verify();
    expect({ whole, isWithin: (head?.sequence ?? 0) >= 131 && (first ?? 0) >= 100 }).toEqual({
      whole: true,
      isWithin: true,
    });
  });
});
