/**
 * Migration 006 and its rollback: the trail that nobody may alter, the changes that came without an event,
 * and what stays of both when the migration goes.
 */
import type { KeyObject } from 'node:crypto';
import { sql, type Kysely } from 'kysely';
import { beforeEach, expect, test } from 'vitest';
import type { AuditEntry } from '../../src/audit/audit-event.ts';
import { ensureAuditKey, openAuditKey, readAuditKeyToken } from '../../src/audit/audit-key.ts';
import { chainHash, chainStart } from '../../src/audit/chain.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { applyMigrations } from '../../src/database/migrations/apply.ts';
import { rollBackMigrations } from '../../src/database/migrations/roll-back.ts';
import type { Tables } from '../../src/database/tables.ts';
import { auditTrailOn, occasionOfTests } from '../support/audited.ts';
import { describeOnUsualEngines, type RawClient } from '../support/engines.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { applyQuietly, known } from '../support/migration-stages.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { applyUpTo, migration, readCatalogue } from './catalogue.ts';

const apply = migration('006_add_audit');
const rollback = migration('006_add_audit_rollback');
const savedTables = [
  'keyward_audit_saved_chain',
  'keyward_audit_saved_events',
  'keyward_audit_saved_foreign_changes',
];

/** An event as SQL writes it; its hash is of no interest here. */
function insertEvent(sequence: number, action = 'provider.key_set', after: object | null = null): string {
  const event = JSON.stringify({
    sequence,
    occurred_at: '2026-01-31T12:34:56.789Z',
    actor: { kind: 'command', name: 'somebody' },
    action,
    target: { kind: 'provider', id: 'groq' },
    outcome: 'done',
    after,
  });
  return `INSERT INTO keyward_audit_events (sequence, event, previous_hash, hash)
    VALUES (${sequence}, '${event}', repeat('0', 64), repeat('${sequence % 10}', 64))`;
}

const insertToken = `INSERT INTO keyward_tokens (kind, name, token_hash, token_prefix) VALUES ('gateway', 'n', repeat('a', 64), 'kwg_')`;
const updateGroq = (assignments: string): string =>
  `UPDATE llm_providers SET ${assignments} WHERE provider_slug = 'groq'`;

const readEvents = 'SELECT * FROM keyward_audit_events ORDER BY sequence';

async function savedNow(client: RawClient): Promise<unknown[]> {
  const rows = await client.query(`SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relname LIKE 'keyward_audit_saved_%' AND relkind = 'r' ORDER BY 1`);
  return rows.map(({ relname }) => relname);
}

/** Operation and table of all that was noted. */
async function noted(client: RawClient): Promise<string[]> {
  const rows = await client.query('SELECT table_name, operation FROM keyward_foreign_changes ORDER BY id');
  return rows.map((row) => `${String(row['operation'])} ${String(row['table_name'])}`);
}

describeOnUsualEngines('the audit trail of migration 006', (client) => {
  beforeEach(async () => {
    await applyUpTo(client(), '006');
    for (let sequence = 1; sequence <= 3; sequence += 1) await client().exec(insertEvent(sequence));
  });

  const alterations = [
    `UPDATE keyward_audit_events SET hash = repeat('f', 64) WHERE sequence = 2`,
    `UPDATE keyward_audit_events SET transaction_id = '0'`,
    'DELETE FROM keyward_audit_events WHERE sequence = 3',
    'DELETE FROM keyward_audit_events',
    'TRUNCATE keyward_audit_events',
    `INSERT INTO keyward_audit_events (sequence, event, previous_hash, hash)
       SELECT sequence, event, previous_hash, hash FROM keyward_audit_events LIMIT 1
       ON CONFLICT (sequence) DO UPDATE SET hash = repeat('f', 64)`,
  ];

  test('refuses UPDATE, DELETE and TRUNCATE to a superuser, and to the owner of the table who is none', async () => {
    await client().exec(`
      DO $$ BEGIN CREATE ROLE audit_owner; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      GRANT ALL ON SCHEMA public TO audit_owner;
      ALTER TABLE keyward_audit_events OWNER TO audit_owner`);
    const before = await client().query(readEvents);
    for (const become of ['RESET ROLE', 'SET ROLE audit_owner']) {
      await client().exec(become);
      for (const alteration of alterations)
        await expect(client().exec(alteration), alteration).rejects.toThrow(
          'the audit trail cannot be changed',
        );
    }
    await client().exec('RESET ROLE');
    expect(await client().query(readEvents)).toEqual(before);
  });

  test('lets events be added, and makes every column but hashes and sequence from their text', async () => {
    await client().exec(`SET TimeZone = 'Pacific/Kiritimati'; SET DateStyle = 'German, DMY'`);
    await client().exec(insertEvent(4, 'token.created'));
    const [row] = await client().query(
      `SELECT occurred_at::text = '31.01.2026 12:34:56.789' AS is_utc, action, outcome, actor_kind, actor_name, target_kind, target_id
         FROM keyward_audit_events WHERE sequence = 4`,
    );
    expect(row).toEqual({
      is_utc: true,
      action: 'token.created',
      outcome: 'done',
      actor_kind: 'command',
      actor_name: 'somebody',
      target_kind: 'provider',
      target_id: 'groq',
    });
    await expect(
      client().exec(insertEvent(5).replace('hash)', 'hash, action)').replace(/\)$/, `, 'x')`)),
    ).rejects.toThrow(/generated column|non-DEFAULT value/);
    await expect(client().exec(insertEvent(4))).rejects.toThrow('keyward_audit_events_pkey');
  });

  test('lets retention delete what its event of the same transaction names, and nothing more', async () => {
    const retain = (after: object | null, what: string, action = 'audit.retention'): string =>
      `BEGIN; ${insertEvent(4, action, after)}; DELETE FROM keyward_audit_events WHERE ${what}; COMMIT`;
    const refused = async (attempt: string): Promise<void> => {
      await expect(client().exec(attempt)).rejects.toThrow(
        'the audit trail cannot be changed: DELETE refused',
      );
      await client().exec('ROLLBACK');
    };
    await refused(retain({ removed_through: 2 }, 'sequence <= 3'));
    await refused(retain({ removed_through: 2 }, 'sequence = 4'));
    await refused(retain(null, 'sequence = 1'));
    await refused(retain({ removed_through: 2 }, 'sequence = 1', 'provider.changed'));
    expect(await client().query(readEvents)).toHaveLength(3);

    await client().exec(retain({ removed_through: 2 }, 'sequence <= 2'));
    expect(await client().query('SELECT sequence::int FROM keyward_audit_events ORDER BY 1')).toEqual([
      { sequence: 3 },
      { sequence: 4 },
    ]);
    await refused('BEGIN; DELETE FROM keyward_audit_events WHERE sequence = 3; COMMIT');
  });
});

describeOnUsualEngines('a foreign change, by migration 006,', (client) => {
  beforeEach(async () => applyUpTo(client(), '006'));

  const changes = [
    [
      'INSERT llm_providers',
      `INSERT INTO llm_providers (provider_name, provider_slug, display_name) VALUES ('n', 'n', 'N')`,
    ],
    ...['provider_slug', 'display_name', 'base_url', 'encrypted_api_key', 'api_key_source'].map((column) => [
      'UPDATE llm_providers',
      updateGroq(`${column} = 'https://other.example'`),
    ]),
    ['UPDATE llm_providers', updateGroq('is_active = FALSE')],
    ['UPDATE llm_providers', updateGroq(`api_key_test_status = 'invalid'`)],
    ['DELETE llm_providers', `DELETE FROM llm_providers WHERE provider_slug = 'groq'`],
    ['TRUNCATE llm_providers', 'TRUNCATE llm_providers CASCADE'],
    ['INSERT keyward_tokens', insertToken.replace(`'a'`, `'b'`)],
    ['UPDATE keyward_tokens', 'UPDATE keyward_tokens SET revoked_at = now()'],
    ['UPDATE keyward_tokens', `UPDATE keyward_tokens SET token_hash = repeat('b', 64)`],
    ['UPDATE keyward_tokens', `UPDATE keyward_tokens SET kind = 'admin', name = 'other'`],
    ['DELETE keyward_tokens', 'DELETE FROM keyward_tokens'],
    ['TRUNCATE keyward_tokens', 'TRUNCATE keyward_tokens CASCADE'],
  ] as const;

  test('is noted for every operation, unless its transaction wrote an event', async () => {
    await client().exec(insertToken);
    const before = await noted(client());
    expect(before).toEqual(['INSERT keyward_tokens']);
    for (const [note, change] of changes) {
      const notedBy = async (work: string): Promise<string[]> => {
        await client().exec(`BEGIN; ${work}; SET CONSTRAINTS ALL IMMEDIATE`);
        const found = await noted(client());
        await client().exec('ROLLBACK');
        return found.slice(before.length);
      };
      expect.soft([change, await notedBy(change)]).toEqual([change, [note]]);
      expect.soft([change, await notedBy(`${insertEvent(1)}; ${change}`)]).toEqual([change, []]);
    }
  });

  test('counts an event of the same transaction that comes after the change, and none of another', async () => {
    await client().exec(`BEGIN; ${updateGroq('is_active = FALSE')}; ${insertEvent(1)}; COMMIT`);
    expect(await noted(client())).toEqual([]);
    await client().exec(updateGroq('is_active = TRUE'));
    expect(await noted(client())).toEqual(['UPDATE llm_providers']);
  });

  test('is one for each row, and none where a transaction was rolled back or nothing was changed', async () => {
    await client().exec(`BEGIN; ${updateGroq('is_active = FALSE')}; ROLLBACK`);
    await client().exec(updateGroq('is_active = is_active, display_name = display_name'));
    await client().exec(updateGroq(`health_status = 'healthy', description = 'x', rate_limit_rpm = 1`));
    expect(await noted(client())).toEqual([]);
    await client().exec(
      `UPDATE llm_providers SET is_active = FALSE WHERE provider_slug IN ('groq', 'openai')`,
    );
    expect(await noted(client())).toEqual(['UPDATE llm_providers', 'UPDATE llm_providers']);
  });

  test('cannot be taken away but with the event that records it', async () => {
    await client().exec(updateGroq('is_active = FALSE'));
    for (const attempt of [
      'DELETE FROM keyward_foreign_changes',
      'UPDATE keyward_foreign_changes SET row_after = NULL',
      'TRUNCATE keyward_foreign_changes',
      `${insertEvent(1)}; DELETE FROM keyward_foreign_changes`,
    ])
      await expect(client().exec(attempt), attempt).rejects.toThrow('cannot be taken away');
    expect(await noted(client())).toEqual(['UPDATE llm_providers']);
    await client().exec(`${insertEvent(1, 'database.changed')}; DELETE FROM keyward_foreign_changes`);
    expect(await noted(client())).toEqual([]);
  });

  test('says who, from where, when, and both rows with their keys still encrypted', async () => {
    await client().exec(`SET application_name = 'the platform'; SET TimeZone = 'Pacific/Kiritimati'`);
    await client().exec(updateGroq(`encrypted_api_key = 'token'`));
    const rows = await client().query(`
      SELECT database_user = session_user AS is_user, application_name, client_address IS NOT DISTINCT FROM host(inet_client_addr()) AS is_address,
             abs(extract(epoch FROM changed_at - (now() AT TIME ZONE 'UTC'))) < 60 AS is_utc,
             row_before ->> 'encrypted_api_key' AS before, row_after ->> 'encrypted_api_key' AS after, row_after ->> 'provider_slug' AS slug
        FROM keyward_foreign_changes`);
    expect(rows).toEqual([
      {
        is_user: true,
        application_name: 'the platform',
        is_address: true,
        is_utc: true,
        before: null,
        after: 'token',
        slug: 'groq',
      },
    ]);
  });

  test('needs no further right of a role that may only write llm_providers, nor our schema on its path', async () => {
    await client().exec(`
      DO $$ BEGIN CREATE ROLE platform; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      GRANT USAGE ON SCHEMA public TO platform;
      GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON llm_providers, llm_models, user_api_keys, llm_routing_rules, llm_usage_logs TO platform;
      GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO platform;
      REVOKE ALL ON SEQUENCE keyward_foreign_changes_id_seq FROM platform;
      SET ROLE platform; SET search_path = pg_catalog`);
    for (const table of ['keyward_foreign_changes', 'keyward_audit_events', 'keyward_audit_chain'])
      await expect(client().exec(`SELECT FROM public.${table}`)).rejects.toThrow('permission denied');
    await client().exec(`UPDATE public.llm_providers SET is_active = FALSE WHERE provider_slug = 'groq'`);
    await client().exec(
      `INSERT INTO public.llm_providers (provider_name, provider_slug, display_name) VALUES ('n', 'n', 'N')`,
    );
    await client().exec(`DELETE FROM public.llm_providers WHERE provider_slug = 'n'`);
    await client().exec('TRUNCATE public.llm_providers CASCADE');
    await client().exec('RESET ROLE; RESET search_path');
    expect(await noted(client())).toEqual(
      ['UPDATE', 'INSERT', 'DELETE', 'TRUNCATE'].map((operation) => `${operation} llm_providers`),
    );
  });

  test('cannot be hidden by tables of the same name on the search path of the writer', async () => {
    await client().exec(`
      CREATE TEMP TABLE keyward_audit_events AS SELECT pg_current_xact_id() AS transaction_id;
      CREATE TEMP TABLE keyward_foreign_changes (LIKE public.keyward_foreign_changes INCLUDING ALL)`);
    await client().exec(`BEGIN; INSERT INTO pg_temp.keyward_audit_events VALUES (pg_current_xact_id());
      ${updateGroq('is_active = FALSE')}; COMMIT`);
    await client().exec('DROP TABLE pg_temp.keyward_audit_events, pg_temp.keyward_foreign_changes');
    expect(await noted(client())).toEqual(['UPDATE llm_providers']);
  });

  test('is of the schema in which the table lies', async () => {
    await client().exec('CREATE SCHEMA other; SET search_path = other');
    await applyUpTo(client(), '006');
    await client().exec('SET search_path = public');
    await client().exec(`UPDATE other.llm_providers SET is_active = FALSE WHERE provider_slug = 'groq'`);
    expect(await noted(client())).toEqual([]);
    await client().exec('SET search_path = other');
    expect(await noted(client())).toEqual(['UPDATE llm_providers']);
    await client().exec(insertEvent(1));
    await client().exec('SET search_path = public');
    await expect(client().exec('DELETE FROM other.keyward_audit_events')).rejects.toThrow(
      'the audit trail cannot be changed',
    );
    await client()
      .exec(`BEGIN; SET LOCAL search_path = other; ${insertEvent(2, 'audit.retention', { removed_through: 1 })};
      SET LOCAL search_path = public; DELETE FROM other.keyward_audit_events WHERE sequence = 1; COMMIT`);
    expect(await client().query('SELECT sequence::int FROM other.keyward_audit_events')).toEqual([
      { sequence: 2 },
    ]);
    await client().exec('DROP SCHEMA other CASCADE');
  });
});

describeOnUsualEngines('the rollback of migration 006', (client) => {
  const insertChain = `INSERT INTO keyward_audit_chain (encrypted_audit_key) VALUES ('token of the audit key')`;
  const trail = async (): Promise<unknown[]> =>
    Promise.all(
      [
        readEvents,
        'SELECT * FROM keyward_audit_chain',
        'SELECT * FROM keyward_foreign_changes ORDER BY id',
      ].map(async (query) => client().query(query)),
    );

  test('restores the catalogue and leaves nothing where no trail has begun, twice in a row', async () => {
    await applyUpTo(client(), '005');
    const before = await readCatalogue(client());
    await client().exec(apply);
    await client().exec(apply);
    for (let times = 0; times < 2; times += 1) {
      await client().exec(rollback);
      expect(await readCatalogue(client())).toEqual(before);
    }
  });

  test.each([
    ['public', ''],
    ['another schema', 'CREATE SCHEMA IF NOT EXISTS another; SET search_path = another'],
  ])('keeps the trail in %s, and a later apply has it back as it was, time and again', async (_, prepare) => {
    await client().exec(prepare);
    await applyUpTo(client(), '006');
    const applied = await readCatalogue(client());
    await client().exec(`${insertChain}; ${insertEvent(1)}; ${insertEvent(2)}`);
    await client().exec(updateGroq(`base_url = 'https://other.example'`));
    const before = await trail();
    for (let times = 0; times < 2; times += 1) {
      await client().exec(rollback);
      expect(await savedNow(client())).toEqual(savedTables);
      await client().exec(rollback);
      expect(await savedNow(client())).toEqual(savedTables);
      // Nobody takes notes meanwhile.
      await client().exec(updateGroq(`display_name = 'Groq ${times}'`));
      await client().exec(apply);
      expect(await savedNow(client())).toEqual([]);
      await client().exec(apply);
      expect(await readCatalogue(client())).toEqual(applied);
      expect(await trail()).toEqual(before);
    }
    // The trail is as well guarded as before, and goes on.
    for (const table of ['keyward_audit_events', 'keyward_audit_chain'])
      await expect(client().exec(`DELETE FROM ${table}`)).rejects.toThrow('cannot be changed');
    await client().exec(insertEvent(3));
    await client().exec(updateGroq('is_active = FALSE'));
    const ids = await client().query('SELECT id::int FROM keyward_foreign_changes ORDER BY id');
    expect(ids).toEqual([{ id: 1 }, { id: 2 }]);
    await client().exec('RESET search_path; DROP SCHEMA IF EXISTS another CASCADE');
  });

  test.each([
    ['events', insertEvent(1)],
    ['the key of the chain', insertChain],
    ['foreign changes', updateGroq('is_active = FALSE')],
  ])('keeps %s also where there is nothing else', async (_, change) => {
    await applyUpTo(client(), '006');
    await client().exec(change);
    const before = await trail();
    await client().exec(rollback);
    expect(await savedNow(client())).toEqual(savedTables);
    await client().exec(apply);
    expect(await trail()).toEqual(before);
  });

  test.each(['keyward_audit_events', 'keyward_audit_chain'])(
    'keeps the rest where %s is gone',
    async (gone) => {
      await applyUpTo(client(), '006');
      await client().exec(`${insertEvent(1)}; ${insertChain}; DROP TABLE ${gone}`);
      const left = gone === 'keyward_audit_events' ? 'SELECT * FROM keyward_audit_chain' : readEvents;
      const before = await client().query(left);
      await client().exec(rollback);
      await client().exec(apply);
      expect(await client().query(left)).toEqual(before);
    },
  );

  test('leaves the kept trail as it guarded it: nobody alters or deletes of it meanwhile', async () => {
    await applyUpTo(client(), '006');
    await client().exec(`${insertEvent(1)}; ${insertEvent(2)}; ${insertChain}`);
    await client().exec(updateGroq('is_active = FALSE'));
    await client().exec(rollback);
    for (const [table, message] of [
      ['keyward_audit_saved_events', 'the audit trail cannot be changed'],
      ['keyward_audit_saved_foreign_changes', 'cannot be taken away'],
      ['keyward_audit_saved_chain', 'the key of the audit trail cannot be changed'],
    ]) {
      await expect(client().exec(`DELETE FROM ${table}`)).rejects.toThrow(message);
      await expect(client().exec(`TRUNCATE ${table}`)).rejects.toThrow(message);
    }
    await expect(
      client().exec(`UPDATE keyward_audit_saved_events SET hash = repeat('f', 64)`),
    ).rejects.toThrow('the audit trail cannot be changed');
  });

  test('notes with the next apply the keys that it finds, since nobody watched meanwhile', async () => {
    await applyUpTo(client(), '006');
    await client().exec(rollback);
    await client().exec(updateGroq(`encrypted_api_key = 'token'`));
    await client().exec(apply);
    await client().exec(apply);
    expect(await noted(client())).toEqual(['FOUND llm_providers']);
  });

  test('lets who drops the kept tables begin a new trail, that can be kept again', async () => {
    await applyUpTo(client(), '006');
    const applied = await readCatalogue(client());
    await client().exec(insertEvent(1));
    await client().exec(rollback);
    await client().exec(`DROP TABLE ${savedTables.join(', ')}`);
    await client().exec(apply);
    expect(await readCatalogue(client())).toEqual(applied);
    expect(await client().query(readEvents)).toEqual([]);
    await client().exec(insertEvent(1));
    await client().exec(rollback);
    expect(await savedNow(client())).toEqual(savedTables);
  });

  test('does nothing where there are no tables', async () => {
    await expect(client().exec(rollback)).resolves.toBeUndefined();
  });
});

describeOnUsualDatabases('the chain', (opened) => {
  const directory = useTemporaryDirectory();
  const entry: AuditEntry = { action: 'provider.changed', target: { kind: 'provider', id: 'groq' } };

  /** The sequence of the first event that does not follow from the one before; null where all do. */
  async function firstBreak(db: Kysely<Tables>, key: KeyObject): Promise<number | null> {
    const rows = await db.selectFrom('keyward_audit_events').selectAll().orderBy('sequence').execute();
    let previous = chainStart;
    for (const [index, row] of rows.entries()) {
      const isNext = Number(row.sequence) === index + 1 && row.previous_hash === previous;
      if (!isNext || row.hash !== chainHash(key, previous, row.event)) return Number(row.sequence);
      previous = row.hash;
    }
    return null;
  }

  test('goes on after a rollback and another apply, under the same key, however often', async () => {
    const { kysely } = opened().database;
    const ring = KeyRing.parse(generateEncryptionKey());
    await ensureAuditKey(kysely, ring);
    const keyNow = async () => openAuditKey((await readAuditKeyToken(kysely)) ?? '', ring);
    const key = await keyNow();
    for (let round = 1; round <= 2; round += 1) {
      await auditTrailOn(opened().database, ring).record(occasionOfTests, entry);
      await rollBackMigrations(kysely, known, {
        to: '001',
        confirmed: true,
        backupDirectory: directory(),
        lockTimeoutMs: 2_000,
        onWaiting: () => undefined,
      });
      await applyMigrations(kysely, known, applyQuietly);
      const trail = auditTrailOn(opened().database, ring);
      await trail.record(occasionOfTests, entry);
      expect((await keyNow()).equals(key)).toBe(true);
    }
    const { rows } = await sql<{
      count: number;
    }>`SELECT count(*)::int AS count FROM keyward_audit_events`.execute(kysely);
    expect(rows).toEqual([{ count: 4 }]);
    expect(await firstBreak(kysely, key)).toBeNull();
  });
});
