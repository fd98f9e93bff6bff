/** What other programs change is in the trail once and in order, however many instances move it there, and whatever ends them. */
import type pg from 'pg';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RecordedEvent } from '../../src/audit/audit-event.ts';
import { absorbForeignChanges, countForeignChanges } from '../../src/audit/foreign-changes.ts';
import { listAuditEvents } from '../../src/audit/read-events.ts';
import { verifyAuditTrail } from '../../src/audit/verify-trail.ts';
import { createToken } from '../../src/auth/token-store.ts';
import { showStoredKey } from '../../src/crypto/stored-key.ts';
import type { Database } from '../../src/database/database.ts';
import { applyMigrations } from '../../src/database/migrations/apply.ts';
import { rollBackMigrations } from '../../src/database/migrations/roll-back.ts';
import { shippedMigrations } from '../../src/database/migrations/shipped-migrations.ts';
import { systemClock } from '../../src/foundation/clock.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { storeKey, type ChangeParts } from '../../src/keys/change-provider.ts';
import { changePartsOn, occasionOfTests } from '../support/audited.ts';
import { describeOnUsualDatabases, openOn, type OpenedDatabase } from '../support/keyward-database.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

const key = ['planted', 'foreign', 'key', '99cc'].join('-');

async function absorbOn(database: Database, { ring, fingerprinter }: ChangeParts): Promise<number> {
  const { audit } = await changePartsOn(database, ring);
  return absorbForeignChanges({
    db: database.kysely,
    audit,
    clock: systemClock,
    showKey: (token) => showStoredKey(token, ring, fingerprinter),
    occasion: occasionOfTests,
  });
}

async function eventsOldestFirst({ database }: OpenedDatabase): Promise<readonly RecordedEvent[]> {
  const { events } = await listAuditEvents(database.kysely, { limit: 5_000 });
  return events.toReversed();
}

const rename = (client: pg.Client, name: string) =>
  client.query(`UPDATE llm_providers SET display_name = $1 WHERE provider_slug = 'groq'`, [name]);

describeOnUsualDatabases('foreign changes', (opened) => {
  const directory = useTemporaryDirectory();
  let client: pg.Client;
  let parts: ChangeParts;
  beforeEach(async () => {
    client = await opened().connect();
    parts = await changePartsOn(opened().database);
  });
  const absorb = async (): Promise<number> => absorbOn(opened().database, parts);
  const events = async (): Promise<readonly RecordedEvent[]> => eventsOldestFirst(opened());
  const waiting = async (): Promise<number> => countForeignChanges(opened().database.kysely);

  it('are told with who made them, through which program, and what differs', async () => {
    const stored = parts.ring.encrypt(new Secret(`${key}\n`));
    await client.query(`SET application_name = 'rotate.py'`);
    await client.query(
      `UPDATE llm_providers SET encrypted_api_key = $1, api_key_source = 'database' WHERE provider_slug = 'groq'`,
      [stored],
    );
    expect(await absorb()).toBe(1);
    const [event] = await events();
    expect(event).toMatchObject({
      action: 'database.changed',
      actor: { kind: 'database', name: expect.stringMatching(/^\w+ through rotate\.py$/) as string },
      target: { kind: 'provider', id: 'groq' },
      outcome: 'done',
      before: { api_key_source: 'environment', fingerprint: null },
      after: {
        operation: 'UPDATE',
        api_key_source: 'database',
        fingerprint: parts.fingerprinter.of(new Secret(key)),
        api_key_test_status: 'untested',
      },
    });
    expect(Math.abs(Date.parse(event?.occurred_at ?? '') - Date.now())).toBeLessThan(60_000);
    expect(JSON.stringify(event)).not.toContain(stored.slice(10));
    expect(await waiting()).toBe(0);
  });

  it('of every kind are told, on providers and on tokens, and no hash of a token with them', async () => {
    const hash = 'c0ffee'.repeat(10).padEnd(64, '0');
    await client.query(
      `INSERT INTO llm_providers (provider_name, provider_slug, display_name) VALUES ('New', 'new', 'New')`,
    );
    await client.query(
      `INSERT INTO keyward_tokens (kind, name, token_hash, token_prefix) VALUES ('admin', 'a back door', '${hash}', 'kwa_')`,
    );
    await client.query(`UPDATE keyward_tokens SET name = 'nothing special'`);
    await client.query(`DELETE FROM llm_providers WHERE provider_slug = 'new'`);
    await client.query(
      `UPDATE llm_providers SET encrypted_api_key = 'not a token' WHERE provider_slug = 'xai'`,
    );
    await client.query('TRUNCATE llm_providers CASCADE');
    expect(await absorb()).toBe(6);
    const told = await events();
    expect(told.map(({ target, after }) => [`${target.kind}:${target.id}`, after?.['operation']])).toEqual([
      ['provider:new', 'INSERT'],
      ['token:1', 'INSERT'],
      ['token:1', 'UPDATE'],
      ['provider:new', 'DELETE'],
      ['provider:xai', 'UPDATE'],
      ['table:llm_providers', 'TRUNCATE'],
    ]);
    expect(told[2]).toMatchObject({ before: { name: 'a back door' }, after: { name: 'nothing special' } });
    expect(told[4]).toMatchObject({ after: { fingerprint: 'unreadable' } });
    expect(JSON.stringify(told)).not.toContain('c0ffee');
  });

  it('that Keyward made itself are no foreign ones', async () => {
    await storeKey(parts, occasionOfTests, 'groq', { key: new Secret(key), source: 'database' });
    await createToken(parts.audit, occasionOfTests, { kind: 'gateway', name: 'app' });
    expect(await waiting()).toBe(0);
    expect(await absorb()).toBe(0);
  });

  it('that were rolled back, or changed nothing that is watched, are not told', async () => {
    await client.query(`BEGIN; UPDATE llm_providers SET is_active = false; ROLLBACK`);
    await client.query(`UPDATE llm_providers SET health_status = 'healthy'`);
    expect(await waiting()).toBe(0);
  });

  it('of one transaction and of many are told once each and in order, by five instances at once', async () => {
    const many = 450;
    await client.query('BEGIN');
    for (let turn = 0; turn < many; turn += 1) {
      if (turn === many / 2) await client.query('COMMIT');
      await rename(client, `name ${turn}`);
    }
    const instances = [
      opened().database,
      ...(await Promise.all(Array.from({ length: 4 }, async () => opened().reopen()))),
    ];
    const moved = await Promise.all(instances.map(async (database) => absorbOn(database, parts)));
    expect(moved.reduce((sum, count) => sum + count, 0)).toBe(many);
    const names = (await events()).map(({ after }) => after?.['display_name']);
    expect(names).toEqual(Array.from({ length: many }, (_, turn) => `name ${turn}`));
    expect(await verifyAuditTrail({ db: opened().database.kysely, ring: parts.ring })).toMatchObject({
      whole: true,
    });
  });

  it('wait, and are not lost, while their events cannot be written', async () => {
    await rename(client, 'one');
    await rename(client, 'two');
    await client.query('ALTER TABLE keyward_audit_events ADD CONSTRAINT planted CHECK (sequence < 0)');
    await expect(absorb()).rejects.toMatchObject({ code: 'audit_unavailable' });
    expect(await waiting()).toBe(2);
    await client.query('ALTER TABLE keyward_audit_events DROP CONSTRAINT planted');
    expect(await absorb()).toBe(2);
  });

  it('that were made while nobody watched leave the keys that are found when watching begins', async () => {
    const known = shippedMigrations();
    const options = { lockTimeoutMs: 5_000, onWaiting: () => undefined, onStep: () => undefined };
    const { kysely } = opened().database;
    await rename(client, 'seen');
    await absorb();
    await rollBackMigrations(kysely, known, {
      to: '005',
      confirmed: true,
      backupDirectory: directory(),
      ...options,
    });
    await client.query(`UPDATE llm_providers SET encrypted_api_key = $1 WHERE provider_slug = 'groq'`, [
      parts.ring.encrypt(new Secret(key)),
    ]);
    await applyMigrations(kysely, known, { force: false, ...options });
    expect(await absorb()).toBe(1);
    const [seen, found] = await events();
    expect(seen).toMatchObject({ after: { display_name: 'seen' } });
    expect(found).toMatchObject({
      target: { kind: 'provider', id: 'groq' },
      before: null,
      after: { operation: 'FOUND', fingerprint: parts.fingerprinter.of(new Secret(key)) },
    });
    await applyMigrations(kysely, known, { force: true, ...options });
    expect(await waiting()).toBe(0);
  });
});

describe('an instance that dies between writing the event and taking the note away', () => {
  it('leaves the change to the next, which tells it once', async () => {
    const opened = await openOn('postgres');
    await opened.empty();
    const parts = await changePartsOn(opened.database);
    const onlooker = await opened.connect();
    const blocker = await opened.connect();
    await rename(onlooker, 'told once');
    await onlooker.query(`CREATE FUNCTION planted_wait() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN OLD; END $$;
      CREATE TRIGGER planted BEFORE DELETE ON keyward_foreign_changes FOR EACH ROW EXECUTE FUNCTION planted_wait()`);
    await blocker.query('SELECT pg_advisory_lock(4711)');
    const dying = absorbOn(await opened.reopen(), parts);
    dying.catch(() => undefined);
    const findDying = async () =>
      (
        await onlooker.query<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'advisory' AND datname = current_database()`,
        )
      ).rows[0]?.pid;
    await expect.poll(findDying).toBeDefined();
    await onlooker.query('SELECT pg_terminate_backend($1)', [await findDying()]);
    await expect(dying).rejects.toThrow(/terminat/);
    expect(await eventsOldestFirst(opened)).toEqual([]);
    expect(await countForeignChanges(opened.database.kysely)).toBe(1);

    await blocker.query('SELECT pg_advisory_unlock(4711)');
    expect(await absorbOn(opened.database, parts)).toBe(1);
    expect(await eventsOldestFirst(opened)).toMatchObject([
      { sequence: 1, after: { display_name: 'told once' } },
    ]);
    await opened.close();
  });
});
