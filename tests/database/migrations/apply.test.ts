/** The runner: any number of them at once, on a fresh database or an old one, and each migration is applied once or not at all. */
import type pg from 'pg';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { applyMigrations, type ApplyStep } from '../../../src/database/migrations/apply.ts';
import { assess } from '../../../src/database/migrations/assess.ts';
import { migrateAtStart, shippedMigrations } from '../../../src/database/migrations/shipped-migrations.ts';
import { DatabaseShell } from '../../support/database-shell.ts';
import { describeOnUsualDatabases, openOn, type OpenedDatabase } from '../../support/keyward-database.ts';
import { KeywardProcess } from '../../support/keyward-process.ts';

// Processes of their own take their time where many tests run at once.
vi.setConfig({ testTimeout: 120_000 });

const known = shippedMigrations();
const versions = known.migrations.map(({ version }) => version);
const options = { force: false, lockTimeoutMs: 2_000, onStep: () => undefined };

async function stepsOf({ database }: Pick<OpenedDatabase, 'database'>): Promise<ApplyStep[]> {
  const steps: ApplyStep[] = [];
  await applyMigrations(database.kysely, known, { ...options, onStep: (step) => steps.push(step) });
  return steps;
}

async function statesOf({ database }: Pick<OpenedDatabase, 'database'>): Promise<Record<string, string>> {
  const reports = await assess(database.kysely, known);
  return Object.fromEntries(reports.map(({ version, state }) => [version, state]));
}

const all = (state: string): Record<string, string> =>
  Object.fromEntries(versions.map((one) => [one, state]));

/** Everything there is in the schema, by kind and name, and how many rows each table has. */
async function inventory(client: pg.Client): Promise<unknown[]> {
  const { rows } = await client.query<Record<string, unknown>>(`
    SELECT relkind AS kind, relname AS name, attname AS part, atttypid::regtype::text AS type,
           CASE WHEN relkind = 'r' THEN (xpath('/row/n/text()',
             query_to_xml(format('SELECT count(*) AS n FROM %I', relname), false, true, '')))[1]::text END AS rows
      FROM pg_class LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
     WHERE relnamespace = current_schema()::regnamespace
    UNION ALL
    SELECT 'f', proname, NULL, NULL, NULL FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
    ORDER BY 1, 2, 3`);
  return rows;
}

describeOnUsualDatabases('the runner', (opened) => {
  it('brings a fresh database to the newest version, each migration once and in order', async () => {
    await opened().empty({ migrate: false });
    const steps = await stepsOf(opened());
    expect(steps.map(({ kind, version }) => `${kind} ${version}`)).toEqual(
      versions.map((one) => `applied ${one}`),
    );
    expect(await statesOf(opened())).toEqual(all('applied'));
  });

  it('does nothing the second time', async () => {
    const client = await opened().connect();
    const before = await inventory(client);
    expect(await stepsOf(opened())).toEqual([]);
    await migrateAtStart(opened().database, () => expect.unreachable());
    expect(await inventory(client)).toEqual(before);
  });

  it('stops where it is told to, and goes on from there', async () => {
    await opened().empty({ migrate: false });
    await applyMigrations(opened().database.kysely, known, { ...options, to: '002' });
    expect(await statesOf(opened())).toMatchObject({ '001': 'applied', '002': 'applied', '003': 'pending' });
    await stepsOf(opened());
    expect(await statesOf(opened())).toEqual(all('applied'));
  });

  it('reports a file that was changed after it was applied as drift, and leaves it at that', async () => {
    const client = await opened().connect();
    await client.query(`UPDATE keyward_migrations SET checksum = repeat('0', 64) WHERE version = '002'`);
    expect(await statesOf(opened())).toEqual({ ...all('applied'), '002': 'drift' });
    const reports = await assess(opened().database.kysely, known);
    expect(reports.find(({ version }) => version === '002')).toMatchObject({
      fileChanged: true,
      differences: [],
    });
    expect(await stepsOf(opened())).toEqual([]);
  });

  it('that repairs up to a version repairs what later ones made of it as well', async () => {
    const client = await opened().connect();
    await client.query('DROP TRIGGER keyward_providers_edited ON llm_providers');
    expect(await statesOf(opened())).toMatchObject({ '004': 'drift', '007': 'drift' });
    await applyMigrations(opened().database.kysely, known, { ...options, force: true, to: '004' });
    expect(await statesOf(opened())).toEqual(all('applied'));
  });

  it('of a former text of 006 and 007 tells what is not there yet, and force brings it without touching a row', async () => {
    const client = await opened().connect();
    await client.query(
      `DROP FUNCTION keyward_keep_audit_key() CASCADE;
       COMMENT ON TABLE keyward_audit_chain IS 'as it was'; COMMENT ON COLUMN keyward_sessions.id_hash IS 'as it was';
       INSERT INTO keyward_audit_chain (encrypted_audit_key) VALUES ('kept');`,
    );
    for (const { version, formerChecksums } of known.migrations.filter((one) =>
      ['006', '007'].includes(one.version),
    ))
      await client.query('UPDATE keyward_migrations SET checksum = $1 WHERE version = $2', [
        formerChecksums[0],
        version,
      ]);
    const reports = (await assess(opened().database.kysely, known)).filter(({ state }) => state === 'drift');
    expect(reports.map(({ version, fileChanged }) => [version, fileChanged])).toEqual([
      ['006', false],
      ['007', false],
    ]);
    expect(reports.flatMap(({ differences }) => differences.map(({ name }) => name))).toEqual([
      'comment on table keyward_audit_chain',
      'function keyward_keep_audit_key',
      'trigger keyward_audit_chain.keyward_audit_key_kept',
      'trigger keyward_audit_chain.keyward_audit_key_not_emptied',
      'comment on column keyward_sessions.id_hash',
    ]);
    await applyMigrations(opened().database.kysely, known, { ...options, force: true });
    expect(await statesOf(opened())).toEqual(all('applied'));
    const { rows } = await client.query('SELECT encrypted_audit_key FROM keyward_audit_chain');
    expect(rows).toEqual([{ encrypted_audit_key: 'kept' }]);
    await expect(client.query('DELETE FROM keyward_audit_chain')).rejects.toThrow(/cannot be changed/);
  });

  it('reports what somebody took away as drift, by its name', async () => {
    const client = await opened().connect();
    await client.query('DROP INDEX idx_llm_providers_has_db_key');
    const reports = await assess(opened().database.kysely, known);
    expect(reports.find(({ version }) => version === '002')).toMatchObject({
      state: 'drift',
      fileChanged: false,
      differences: [{ name: 'index llm_providers.idx_llm_providers_has_db_key', found: null }],
    });
  });

  it('adopts tables that were there before it, with every row as it was', async () => {
    await opened().empty({ migrate: false });
    const client = await opened().connect();
    await client.query(known.migrations[0]?.sql ?? '');
    await client.query(`
      UPDATE llm_providers SET display_name = 'Our own OpenRouter', updated_at = '2024-05-06 07:08:09' WHERE provider_slug = 'openrouter';
      INSERT INTO llm_providers (provider_name, provider_slug, display_name, base_url) VALUES ('In-house', 'in-house', 'In-house', 'https://llm.internal/v1');
      INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key) SELECT 'somebody', id, 'token' FROM llm_providers`);
    const rowsOf = async (): Promise<unknown[]> =>
      (
        await client.query<Record<string, unknown>>(`
          SELECT p.id, provider_slug, p.display_name, p.base_url, p.is_active, k.id AS key_id, k.encrypted_api_key
            FROM llm_providers p JOIN user_api_keys k ON provider_id = p.id ORDER BY p.id`)
      ).rows;
    const before = await rowsOf();
    const steps = await stepsOf(opened());
    expect(steps.map(({ kind }) => kind)).toEqual(['adopted', ...versions.slice(1).map(() => 'applied')]);
    expect(await rowsOf()).toEqual(before);
    expect(await statesOf(opened())).toEqual(all('applied'));
    const { rows } = await client.query<{ source: string }>(
      `SELECT DISTINCT api_key_source AS source FROM llm_providers`,
    );
    expect(rows).toEqual([{ source: 'environment' }]);
  });

  it('completes a set of tables of other widths, takes it for adopted, and finds no drift', async () => {
    await opened().empty({ migrate: false });
    const client = await opened().connect();
    await client.query(known.migrations[0]?.sql ?? '');
    await client.query(`
      DROP TABLE llm_usage_logs, llm_routing_rules, user_api_keys, llm_models;
      ALTER TABLE llm_providers ALTER id TYPE bigint, ALTER provider_slug TYPE varchar(50), ALTER base_url TYPE text`);
    const steps = await stepsOf(opened());
    expect(steps[0]).toMatchObject({
      kind: 'adopted',
      message: '001_create_llm_tables.sql: some tables were there, the others are made',
    });
    expect(await statesOf(opened())).toEqual(all('applied'));
    expect((await client.query('SELECT FROM llm_models')).rows).toEqual([]);
  });

  it('refuses a table under another name, and makes no empty one beside it', async () => {
    await opened().empty({ migrate: false });
    const client = await opened().connect();
    await client.query(`${known.migrations[0]?.sql ?? ''}; ALTER TABLE llm_models RENAME TO models`);
    const before = await inventory(client);
    await expect(stepsOf(opened())).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('models looks like llm_models. '),
    });
    expect(await inventory(client)).toEqual(before);
  });

  it('does not repair what a newer Keyward may have changed', async () => {
    const client = await opened().connect();
    await client.query(
      `INSERT INTO keyward_migrations VALUES ('901', 'of_tomorrow', repeat('0', 64), now(), 'somebody', 1)`,
    );
    const { kysely } = opened().database;
    await expect(applyMigrations(kysely, known, { ...options, force: true })).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('A newer Keyward applied 901 here'),
    });
    expect(await stepsOf(opened())).toEqual([]);
  });

  it("refuses another generation's llm_providers, names what it lacks, and changes nothing", async () => {
    await opened().empty({ migrate: false });
    const client = await opened().connect();
    await client.query(`
      CREATE TABLE llm_providers (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), name TEXT, type TEXT, enabled BOOLEAN);
      INSERT INTO llm_providers (name, type, enabled) VALUES ('OpenAI', 'openai', true)`);
    const before = await inventory(client);
    const migrating = migrateAtStart(opened().database, () => undefined);
    await expect(migrating).rejects.toMatchObject({ name: 'MigrationFailure', exitCode: 1 });
    const message = await migrating.catch((error: unknown) => (error as Error).message);
    for (const missing of ['provider_slug', 'provider_name', 'display_name', 'is_active'])
      expect(message).toContain(`llm_providers.${missing}`);
    expect(message).toContain('Nothing was changed');
    expect(await inventory(client)).toEqual(before);
  });

  it('leaves a table audit_logs of somebody else alone', async () => {
    await opened().empty({ migrate: false });
    const client = await opened().connect();
    await client.query(`CREATE TABLE audit_logs (who TEXT); INSERT INTO audit_logs VALUES ('somebody')`);
    await stepsOf(opened());
    expect((await client.query('SELECT * FROM audit_logs')).rows).toEqual([{ who: 'somebody' }]);
  });

  it('that finds a migration broken changes nothing by it, and keeps those before it', async () => {
    await opened().empty({ migrate: false });
    const broken = known.migrations.map((one) =>
      one.version === '003'
        ? { ...one, parts: [one.sql], sql: `${one.sql}; CREATE TABLE half (n INT); SELECT 1 / 0` }
        : one,
    );
    const applying = applyMigrations(opened().database.kysely, { ...known, migrations: broken }, options);
    await expect(applying).rejects.toThrow(
      'Migration 003_add_more_providers.sql failed and changed nothing: division by zero.',
    );
    expect(await statesOf(opened())).toMatchObject({ '001': 'applied', '002': 'applied', '003': 'pending' });
    const { rows } = await (await opened().connect()).query(`SELECT to_regclass('half') AS half`);
    expect(rows).toEqual([{ half: null }]);
  });
});

describe('on a real PostgreSQL', () => {
  let database: OpenedDatabase;
  afterEach(async () => database.close());

  it('twenty runners at once apply each migration once, and none of them fails', async () => {
    database = await openOn('postgres');
    await database.empty({ migrate: false });
    const runners = await Promise.all(Array.from({ length: 20 }, async () => database.reopen()));
    const steps = await Promise.all(runners.map(async (runner) => stepsOf({ database: runner })));
    const done = steps.flat().filter(({ kind }) => kind !== 'waiting');
    expect(done.map(({ version }) => version).toSorted((a, b) => a.localeCompare(b))).toEqual(versions);
    expect(await statesOf(database)).toEqual(all('applied'));
  });
});

describe('on the embedded engine', () => {
  it('five commands at once on a fresh directory apply each migration once', async () => {
    const database = await openOn('embedded');
    await database.empty({ migrate: false });
    await database.letGo();
    const runs = Array.from({ length: 5 }, async () =>
      new KeywardProcess(['migrate'], database.environment).ended(),
    );
    const ended = await Promise.all(runs);
    expect(ended.map(({ exitCode, stderr }) => [exitCode, exitCode === 0 ? '' : stderr])).toEqual(
      ended.map(() => [0, '']),
    );
    const applied = ended.flatMap(({ stderr }) => stderr.match(/Applied \d+(?=_)/g) ?? []);
    expect(applied.toSorted((a, b) => a.localeCompare(b))).toEqual(versions.map((one) => `Applied ${one}`));
    const shell = await new DatabaseShell(database.environment, 'command').opened();
    expect(await shell.run('SELECT count(*)::int AS n FROM keyward_migrations')).toEqual([
      { n: versions.length },
    ]);
    await shell.close();
    await database.close();
  });
});
