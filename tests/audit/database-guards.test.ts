/**
 * What the database itself refuses to whoever writes SQL, and how a foreign change cannot be made unseen by
 * SQL alone: what covers it up stays in the chain and breaks it.
 */
import type pg from 'pg';
import { beforeEach, expect, it } from 'vitest';
import { verifyAuditTrail } from '../../src/audit/verify-trail.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { auditTrailOn, recordMany } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';

const forged = (sequence: number, action: string, after = 'null'): string =>
  `{"sequence":${sequence},"occurred_at":"2026-01-01T00:00:00.000Z","actor":{"kind":"database","name":"me"},"action":"${action}",` +
  `"target":{"kind":"x","id":"x"},"outcome":"done","before":null,"after":${after}}`;

const insertForged = (sequence: number, action: string, after?: string): string =>
  `INSERT INTO keyward_audit_events (sequence, event, previous_hash, hash)
   VALUES (${sequence}, '${forged(sequence, action, after)}', repeat('0', 64), repeat('0', 64))`;

describeOnUsualDatabases('the database', (opened) => {
  let client: pg.Client;
  let ring: KeyRing;
  beforeEach(async () => {
    client = await opened().connect();
    ring = KeyRing.parse(generateEncryptionKey());
    await recordMany(auditTrailOn(opened().database, ring), 5);
  });
  const verify = async () => verifyAuditTrail({ db: opened().database.kysely, ring });
  const count = async (table: string): Promise<number> =>
    Number((await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`)).rows[0]?.n);
  const changeKey = `UPDATE llm_providers SET encrypted_api_key = 'token' WHERE provider_slug = 'groq'`;

  it.each([
    `UPDATE keyward_audit_events SET event = event`,
    `UPDATE keyward_audit_events SET hash = repeat('0', 64) WHERE sequence = 3`,
    `DELETE FROM keyward_audit_events WHERE sequence = 1`,
    `DELETE FROM keyward_audit_events WHERE sequence = 5`,
    `TRUNCATE keyward_audit_events`,
  ])('refuses %s', async (statement) => {
    await expect(client.query(statement)).rejects.toThrow('the audit trail cannot be changed');
    expect(await verify()).toMatchObject({ whole: true, events: 5 });
  });

  it.each([
    `DELETE FROM keyward_audit_chain`,
    `TRUNCATE keyward_audit_chain`,
    `UPDATE keyward_audit_chain SET encrypted_audit_key = 'no token'`,
    `UPDATE keyward_audit_chain SET only_row = only_row`,
    `INSERT INTO keyward_audit_chain (encrypted_audit_key) VALUES ('no token')
       ON CONFLICT (only_row) DO UPDATE SET encrypted_audit_key = 'no token'`,
    `BEGIN; SET LOCAL keyward.reencrypts_audit_key = 'on'; DELETE FROM keyward_audit_chain`,
    `BEGIN; SET LOCAL keyward.reencrypts_audit_key = 'on'; TRUNCATE keyward_audit_chain`,
    `BEGIN; SET LOCAL keyward.reencrypts_audit_key = 'on'; UPDATE keyward_audit_chain SET created_at = now()`,
    `BEGIN; SET LOCAL keyward.reencrypts_audit_key = 'on'; COMMIT; UPDATE keyward_audit_chain SET encrypted_audit_key = 'no token'`,
  ])('refuses %s, and the trail is still written and proven', async (statement) => {
    const outcome = await client.query(statement).then(() => 'done', String);
    await client.query('ROLLBACK');
    expect(outcome).toContain('the key of the audit trail cannot be changed');
    await recordMany(auditTrailOn(opened().database, ring), 1);
    expect(await verify()).toMatchObject({ whole: true, events: 6 });
  });

  it.each([
    `DELETE FROM keyward_foreign_changes`,
    `UPDATE keyward_foreign_changes SET database_user = 'somebody else'`,
    `TRUNCATE keyward_foreign_changes`,
  ])('refuses %s while the change is not in the trail', async (statement) => {
    await client.query(changeKey);
    await expect(client.query(statement)).rejects.toThrow('that is not in the audit trail yet');
    expect(await count('keyward_foreign_changes')).toBe(1);
  });

  it('refuses to take the note away in the transaction of the change', async () => {
    await client.query(`BEGIN; ${changeKey}; SET CONSTRAINTS ALL IMMEDIATE`);
    await expect(client.query('DELETE FROM keyward_foreign_changes')).rejects.toThrow('cannot be taken away');
    await client.query('ROLLBACK');
  });

  it('keeps a forged event that was to pass the change for an audited one, and the verification names it', async () => {
    await client.query(
      `BEGIN; ${insertForged(6, 'provider.key_set')}; ${changeKey}; SET CONSTRAINTS ALL IMMEDIATE`,
    );
    await expect(client.query('DELETE FROM keyward_audit_events WHERE sequence = 6')).rejects.toThrow(
      /cannot be changed/,
    );
    await client.query('ROLLBACK');
    await client.query(`BEGIN; ${insertForged(6, 'provider.key_set')}; ${changeKey}; COMMIT`);
    expect(await count('keyward_foreign_changes')).toBe(0);
    expect((await verify()).fault).toMatchObject({ sequence: 6 });
  });

  it('lets no forged retention go with what it removes: one stays, and the verification names it', async () => {
    const covering = `BEGIN; ${insertForged(6, 'provider.key_set')}; ${insertForged(7, 'audit.retention', '{"removed_through":99}')}`;
    await client.query(covering);
    await expect(client.query('DELETE FROM keyward_audit_events WHERE sequence >= 6')).rejects.toThrow(
      /cannot be changed/,
    );
    await client.query('ROLLBACK');
    await client.query(
      `BEGIN; ${insertForged(6, 'provider.key_set')}; ${insertForged(7, 'audit.retention', '{"removed_through":6}')};
       DELETE FROM keyward_audit_events WHERE sequence = 6; COMMIT`,
    );
    expect((await verify()).fault).toMatchObject({ sequence: 7 });
  });

  it('does not take an event for one of this transaction because a restore brought its number back', async () => {
    await client.query('BEGIN');
    const { rows } = await client.query<{ next: string }>('SELECT pg_current_xact_id()::text AS next');
    await client.query('ROLLBACK');
    // As restored from a dump of another server: written by an earlier transaction, under numbers to come.
    await client.query(`INSERT INTO keyward_audit_events (sequence, event, previous_hash, hash, transaction_id)
      SELECT 100 + n, replace('${forged(0, 'provider.key_set')}', '"sequence":0', '"sequence":' || 100 + n),
             repeat('0', 64), repeat('0', 64), (${rows[0]?.next} + n)::text::xid8
        FROM generate_series(1, 20) AS n`);
    await client.query(changeKey);
    expect(await count('keyward_foreign_changes')).toBe(1);
  });

  it('has columns that say what the event says, and lets nobody write them otherwise', async () => {
    await expect(
      client.query(`INSERT INTO keyward_audit_events (sequence, event, previous_hash, hash, action)
      VALUES (6, '${forged(6, 'x')}', repeat('0', 64), repeat('0', 64), 'another')`),
    ).rejects.toThrow('action');
  });
});
