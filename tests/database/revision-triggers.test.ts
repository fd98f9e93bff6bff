/** Migration 004's triggers: whoever changes what the gateway serves from, by whatever means, is seen by every instance. */
import type pg from 'pg';
import { beforeEach, describe, expect, it } from 'vitest';
import { readMigrations } from '../../src/database/migrations/migration-files.ts';
import { describeOnEachDatabase, openOn } from '../support/keyward-database.ts';

const model = `(SELECT id FROM llm_providers WHERE provider_slug = 'groq'), 'model', 'model', 'Model'`;
const insertModel = `INSERT INTO llm_models (provider_id, model_name, model_id, display_name) VALUES (${model})`;
const insertToken = `INSERT INTO keyward_tokens (kind, name, token_hash, token_prefix) VALUES ('gateway', 'n', repeat('a', 64), 'kwg_')`;
const insertProvider = `INSERT INTO llm_providers (provider_name, provider_slug, display_name) VALUES ('New', 'new', 'New')`;
const updateGroq = (assignments: string): string =>
  `UPDATE llm_providers SET ${assignments} WHERE provider_slug = 'groq'`;

const flip = (slug: string): string =>
  `UPDATE llm_providers SET is_active = NOT is_active WHERE provider_slug = '${slug}'`;

const providerChanges = [
  insertProvider,
  updateGroq(`provider_slug = 'groq-2'`),
  updateGroq(`display_name = 'Groq Inc.'`),
  updateGroq(`base_url = 'https://elsewhere.example/v1'`),
  updateGroq(`base_url = NULL`),
  updateGroq('is_active = false'),
  updateGroq('is_active = NULL'),
  updateGroq(`encrypted_api_key = 'token'`),
  updateGroq(`api_key_source = 'hybrid'`),
  updateGroq(`api_key_test_status = 'invalid'`),
  updateGroq('is_byok_supported = false'),
  updateGroq('is_byok_supported = NULL'),
  `DELETE FROM llm_providers WHERE provider_slug = 'groq'`,
  'TRUNCATE llm_providers CASCADE',
  'DELETE FROM llm_providers',
  `UPDATE llm_providers SET is_active = false`,
  `WITH gone AS (DELETE FROM llm_providers WHERE provider_slug = 'groq' RETURNING 1) SELECT 1`,
  `INSERT INTO llm_providers (provider_name, provider_slug, display_name) VALUES ('Groq', 'groq', 'Other')
     ON CONFLICT (provider_slug) DO UPDATE SET display_name = EXCLUDED.display_name`,
  `DO $$ BEGIN UPDATE llm_providers SET is_active = false; END $$`,
];

const insertUserKey = `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key) SELECT 'u', id, 't' FROM llm_providers LIMIT 1`;

const modelAndTokenChanges = [
  `UPDATE llm_models SET model_id = 'other'`,
  `UPDATE llm_models SET model_name = 'other'`,
  `UPDATE llm_models SET is_active = false`,
  `UPDATE llm_models SET provider_id = (SELECT min(id) FROM llm_providers)`,
  'DELETE FROM llm_models',
  'TRUNCATE llm_models CASCADE',
  `DELETE FROM llm_providers WHERE provider_slug = 'groq'`,
  `UPDATE keyward_tokens SET revoked_at = now()`,
  'DELETE FROM keyward_tokens',
  'TRUNCATE keyward_tokens CASCADE',
  `UPDATE user_api_keys SET is_active = false`,
  'DELETE FROM user_api_keys',
];

const otherChanges = [
  updateGroq(`health_status = 'healthy', health_last_checked = now(), health_response_time_ms = 12`),
  updateGroq(`description = 'fast', rate_limit_rpm = 5, updated_at = now()`),
  updateGroq(`api_key_last_tested = now()`),
  updateGroq(`display_name = display_name, is_active = is_active`),
  `UPDATE llm_providers SET is_active = false WHERE provider_slug = 'nobody'`,
  `DELETE FROM llm_providers WHERE provider_slug = 'nobody'`,
  `UPDATE llm_models SET description = 'x'`,
  `INSERT INTO keyward_instances (id, host, pid, version, revision) VALUES (gen_random_uuid(), 'h', 1, 'v', 1)`,
];

async function revisionOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ revision: string }>('SELECT revision FROM keyward_revision');
  return Number(rows[0]?.revision);
}

/** How far the revision moves while this runs. */
async function bumps(client: pg.Client, text: string): Promise<number> {
  const before = await revisionOf(client);
  await client.query(text);
  return (await revisionOf(client)) - before;
}

/** The same up to the end of the transaction, which is then undone, so that the next finds everything as it was. */
async function tries(client: pg.Client, text: string): Promise<number> {
  await client.query('BEGIN');
  const moved = await bumps(client, `${text}; SET CONSTRAINTS ALL IMMEDIATE`);
  await client.query('ROLLBACK');
  return moved;
}

describeOnEachDatabase('the revision', (opened) => {
  let client: pg.Client;
  beforeEach(async () => {
    client = await opened().connect();
  });

  it('moves by one for every change of a provider, by whatever statement, and for a new model, token and key of a user', async () => {
    for (const statement of [...providerChanges, insertModel, insertToken, insertUserKey])
      expect.soft([statement, await tries(client, statement)]).toEqual([statement, 1]);
  });

  it('moves by one for every change of a model, of a token and of the key of a user', async () => {
    await client.query(`${insertModel}; ${insertToken}; ${insertUserKey}`);
    for (const statement of modelAndTokenChanges)
      expect.soft([statement, await tries(client, statement)]).toEqual([statement, 1]);
  });

  it('stays for what the gateway does not serve from: health, descriptions, instances, the use of keys of users', async () => {
    await client.query(insertModel);
    for (const statement of otherChanges)
      expect.soft([statement, await tries(client, statement)]).toEqual([statement, 0]);
  });

  it('stays when a transaction is rolled back', async () => {
    expect(await bumps(client, `BEGIN; ${insertProvider}; ROLLBACK`)).toBe(0);
  });

  it('moves once in a transaction, however much it changes', async () => {
    const many = `BEGIN; ${insertProvider}; ${insertModel}; ${insertToken};
      UPDATE llm_providers SET is_active = false; ${updateGroq(`api_key_source = 'hybrid'`)}; COMMIT`;
    expect(await bumps(client, many)).toBe(1);
    expect(await bumps(client, updateGroq('is_active = true'))).toBe(1);
  });

  it('moves when a part of the transaction was taken back, for what is left of it', async () => {
    const partly = (kept: string): string => `BEGIN; SAVEPOINT here; ${updateGroq('is_active = false')};
      SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK TO here; ${kept}; COMMIT`;
    expect(await bumps(client, partly('SELECT 1'))).toBe(0);
    expect(await bumps(client, partly(updateGroq(`base_url = 'https://elsewhere.example'`)))).toBe(1);
  });

  it('is announced once a transaction, and only when it moves', async () => {
    const listener = await opened().connect();
    let heard = 0;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    listener.on('notification', ({ channel }) => {
      if (channel === 'keyward_revision') heard += 1;
      else resolve();
    });
    await listener.query('LISTEN keyward_revision; LISTEN done');
    await client.query(updateGroq(`health_status = 'healthy'`));
    await client.query(`BEGIN; ${insertProvider}; ${updateGroq('is_active = false')}; COMMIT`);
    await client.query(`BEGIN; ${updateGroq('is_active = true')}; ROLLBACK`);
    await client.query(`TRUNCATE llm_models CASCADE`);
    await client.query('NOTIFY done');
    await done;
    expect(heard).toBe(2);
  });

  it('moves for a program that may change llm_providers and nothing else', async () => {
    await client.query(`
      DO $$ BEGIN CREATE ROLE platform; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      GRANT USAGE ON SCHEMA public TO platform;
      GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON llm_providers, llm_models TO platform;
      GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO platform`);
    const before = await revisionOf(client);
    await client.query('SET ROLE platform; SET search_path = pg_catalog');
    await expect(client.query('SELECT revision FROM public.keyward_revision')).rejects.toThrow(
      'permission denied',
    );
    await client.query(
      `UPDATE public.llm_providers SET encrypted_api_key = 'token' WHERE provider_slug = 'groq'`,
    );
    await client.query(
      `INSERT INTO public.llm_providers (provider_name, provider_slug, display_name) VALUES ('New', 'new', 'New')`,
    );
    await client.query('DELETE FROM public.llm_providers');
    await client.query('RESET ROLE; RESET search_path');
    expect((await revisionOf(client)) - before).toBe(3);
  });

  it('cannot be misled by tables of the same name on the search path of the writer', async () => {
    const before = await revisionOf(client);
    await client.query(`CREATE SCHEMA trap; CREATE TABLE trap.keyward_revision (only_row INT, revision BIGINT, changed_by XID8);
      CREATE TEMP TABLE keyward_revision (only_row INT, revision BIGINT, changed_by XID8);
      SET search_path = trap, public`);
    await client.query(updateGroq('is_active = false'));
    const { rows } = await client.query<{ revision: string }>('SELECT revision FROM public.keyward_revision');
    expect(Number(rows[0]?.revision) - before).toBe(1);
    await client.query('DROP SCHEMA trap CASCADE; DROP TABLE pg_temp.keyward_revision; RESET search_path');
  });

  it('is that of the schema in which the table lies', async () => {
    await client.query('CREATE SCHEMA platform_data; SET search_path = platform_data');
    for (const { sql } of readMigrations()) await client.query(sql);
    await client.query('SET search_path = public');
    const other = async (): Promise<number> => {
      const { rows } = await client.query<{ revision: string }>(
        'SELECT revision FROM platform_data.keyward_revision',
      );
      return Number(rows[0]?.revision);
    };
    const [own, others] = [await revisionOf(client), await other()];
    await client.query('UPDATE platform_data.llm_providers SET is_active = false');
    expect([await revisionOf(client), await other()]).toEqual([own, others + 1]);
    await client.query('DROP SCHEMA platform_data CASCADE; RESET search_path');
  });
});

describeOnEachDatabase('a key that is replaced by SQL', (opened) => {
  let client: pg.Client;
  const long = `'2020-01-01 00:00:00'`;
  beforeEach(async () => {
    client = await opened().connect();
    await client.query(
      updateGroq(
        `encrypted_api_key = 'old', api_key_test_status = 'valid', api_key_last_tested = ${long}, api_key_updated_at = ${long}`,
      ),
    );
  });

  const groq = async (): Promise<unknown> => {
    const { rows } = await client.query<Record<string, unknown>>(`
      SELECT api_key_test_status AS status, api_key_last_tested::text AS tested,
             CASE WHEN api_key_updated_at = ${long} THEN 'long ago'
                  WHEN abs(extract(epoch FROM api_key_updated_at - (now() AT TIME ZONE 'UTC'))) < 60 THEN 'now'
                  ELSE api_key_updated_at::text END AS updated
        FROM llm_providers WHERE provider_slug = 'groq'`);
    return rows[0];
  };

  it('loses the verdict of the old one and gets its date in UTC, whatever the time zone of the writer', async () => {
    await client.query(`SET TIME ZONE 'Pacific/Kiritimati'`);
    await client.query(updateGroq(`encrypted_api_key = 'new'`));
    expect(await groq()).toEqual({ status: 'untested', tested: null, updated: 'now' });
  });

  it('has no verdict any more when it is removed', async () => {
    await client.query(updateGroq('encrypted_api_key = NULL'));
    expect(await groq()).toEqual({ status: null, tested: null, updated: 'now' });
  });

  it('keeps what the writer says of it', async () => {
    await client.query(
      updateGroq(
        `encrypted_api_key = 'new', api_key_test_status = 'invalid', api_key_last_tested = '2021-01-01', api_key_updated_at = '2021-02-02'`,
      ),
    );
    expect(await groq()).toEqual({
      status: 'invalid',
      tested: '2021-01-01 00:00:00',
      updated: '2021-02-02 00:00:00',
    });
  });

  it('and is the same as before keeps everything', async () => {
    await client.query(updateGroq(`encrypted_api_key = 'old', api_key_source = 'hybrid'`));
    expect(await groq()).toEqual({ status: 'valid', tested: '2020-01-01 00:00:00', updated: 'long ago' });
  });
});

describeOnEachDatabase('the rollback of 004', (opened) => {
  const migration = readMigrations().find(({ version }) => version === '004');
  const later = readMigrations().filter(({ version }) => version > '004');

  it('after those of later ones leaves nothing of Keyward, touches no provider, and lets 004 be applied again', async () => {
    const client = await opened().connect();
    await client.query(updateGroq(`encrypted_api_key = 'kept', api_key_source = 'database'`));
    const providers = async (): Promise<unknown[]> =>
      (await client.query<Record<string, unknown>>('SELECT * FROM llm_providers ORDER BY id')).rows;
    // Then there are no versions and no trail that have to be kept.
    await client.query('DELETE FROM keyward_key_versions');
    await client.query(
      'ALTER TABLE keyward_foreign_changes DISABLE TRIGGER USER; DELETE FROM keyward_foreign_changes',
    );
    for (const { rollbackSql } of later.toReversed()) await client.query(rollbackSql);
    const before = await providers();
    await client.query(migration?.rollbackSql ?? '');
    const { rows } = await client.query<{ name: string }>(`
      SELECT relname AS name FROM pg_class WHERE relname LIKE 'keyward%' AND relname <> 'keyward_migrations' AND relkind = 'r'
      UNION ALL SELECT tgname FROM pg_trigger WHERE tgname LIKE 'keyward%'
      UNION ALL SELECT proname FROM pg_proc WHERE proname IN ('keyward_bump_revision', 'keyward_forget_old_key')`);
    expect(rows).toEqual([]);
    expect(await providers()).toEqual(before);
    await client.query(
      `${updateGroq(`encrypted_api_key = 'new'`)}; ${updateGroq(`encrypted_api_key = 'kept'`)}`,
    );
    await client.query(migration?.rollbackSql ?? '');
    await client.query(migration?.sql ?? '');
    expect(await bumps(client, updateGroq('is_active = false'))).toBe(1);
  });

  it('applying 004 twice changes nothing: tokens, revision and the key of the fingerprints stay', async () => {
    const client = await opened().connect();
    await client.query(insertToken);
    const all = async (): Promise<unknown[]> =>
      (
        await client.query<Record<string, unknown>>(
          'SELECT * FROM keyward_installation, keyward_revision, keyward_tokens',
        )
      ).rows;
    const before = await all();
    await client.query(migration?.sql ?? '');
    expect(await all()).toEqual(before);
  });
});

describe('writers at the same time, on a real PostgreSQL', () => {
  it('that touch several providers in opposite orders do not deadlock on our account', async () => {
    const { connect, close } = await openOnMigrated();
    const [first, second] = [await connect(), await connect()];
    for (let times = 0; times < 5; times += 1) {
      const before = await revisionOf(first);
      await first.query(`BEGIN; ${flip('groq')}`);
      await second.query(`BEGIN; ${flip('openai')}`);
      // It waits for the second: that one must be able to end without waiting for the first.
      const waits = first.query(flip('openai'));
      await second.query(`${flip('anthropic')}; COMMIT`);
      await waits;
      await first.query('COMMIT');
      expect((await revisionOf(first)) - before).toBe(2);
    }
    await close();
  });

  it('a hundred of them move it by a hundred', async () => {
    const { connect, close } = await openOnMigrated();
    const clients = await Promise.all(Array.from({ length: 10 }, connect));
    const [reader] = clients as [pg.Client];
    const before = await revisionOf(reader);
    await Promise.all(
      clients.map(async (client, n) => {
        for (let times = 0; times < 10; times += 1)
          await client.query(`UPDATE llm_providers SET base_url = $1 WHERE id = $2`, [
            `https://${times}`,
            n + 1,
          ]);
      }),
    );
    expect((await revisionOf(reader)) - before).toBe(100);
    await close();
  });

  it('by MERGE, where the server has it, count as well', async ({ skip }) => {
    const { connect, close } = await openOnMigrated();
    const client = await connect();
    const { rows } = await client.query<{ server_version_num: string }>('SHOW server_version_num');
    const merge = `MERGE INTO llm_providers p USING (VALUES ('groq')) AS v (slug) ON p.provider_slug = v.slug
                     WHEN MATCHED THEN UPDATE SET is_active = false`;
    const isThere = Number(rows[0]?.server_version_num) >= 150_000;
    const moved = isThere ? await bumps(client, merge) : undefined;
    await close();
    skip(!isThere, 'MERGE came with PostgreSQL 15');
    expect(moved).toBe(1);
  });
});

async function openOnMigrated() {
  const opened = await openOn('postgres');
  await opened.empty();
  return opened;
}
