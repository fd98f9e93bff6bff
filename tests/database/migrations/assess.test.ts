/** The state of each migration, by the ledger and by the shape of the tables; found without writing anything. */
import { sql, type Kysely } from 'kysely';
import { expect, it } from 'vitest';
import {
  assess,
  type KnownMigrations,
  type MigrationReport,
} from '../../../src/database/migrations/assess.ts';
import { shippedMigrations } from '../../../src/database/migrations/shipped-migrations.ts';
import type { Tables } from '../../../src/database/tables.ts';
import { describeOnMigratedDatabase } from '../../support/migrated-database.ts';

const known = shippedMigrations();
const versions = known.migrations.map(({ version }) => version);
const forgetAfter = (version: string): string =>
  `DELETE FROM keyward_migrations WHERE version > '${version}'`;

describeOnMigratedDatabase('an assessment', (database) => {
  async function assessAfter(change: string, what: KnownMigrations = known): Promise<MigrationReport[]> {
    return database().undone(async (tx) => {
      await sql.raw(change).execute(tx);
      return assess(tx, what);
    });
  }

  async function stateOf(version: string, change: string): Promise<MigrationReport | undefined> {
    return (await assessAfter(change)).find((report) => report.version === version);
  }

  it('after all migrations finds each applied, without a difference', async () => {
    const reports = await assessAfter('SELECT 1');
    expect(reports.map(({ version }) => version)).toEqual(versions);
    for (const report of reports)
      expect(report).toMatchObject({
        state: 'applied',
        adopted: false,
        fileChanged: false,
        differences: [],
        remarks: [],
        appliedAt: expect.any(Date),
      });
  });

  it('of a check that rows from before may break finds no drift, and remarks on it', async () => {
    const report = await stateOf(
      '005',
      `ALTER TABLE llm_providers DROP CONSTRAINT llm_providers_api_key_test_status_check;
       ALTER TABLE llm_providers ADD CONSTRAINT llm_providers_api_key_test_status_check
         CHECK (api_key_test_status IN ('valid', 'invalid', 'untested', 'error')) NOT VALID`,
    );
    expect(report).toMatchObject({
      state: 'applied',
      differences: [],
      remarks: [
        'constraint llm_providers.llm_providers_api_key_test_status_check is NOT VALID: it guards what is written from now on, rows from before may break it. Once they are corrected, keyward migrate --force validates it',
      ],
    });
  });

  it('of a check with other words says drift, valid or not', async () => {
    for (const validity of ['', 'NOT VALID'])
      expect(
        await stateOf(
          '005',
          `ALTER TABLE llm_providers DROP CONSTRAINT llm_providers_api_key_test_status_check;
           ALTER TABLE llm_providers ADD CONSTRAINT llm_providers_api_key_test_status_check
             CHECK (api_key_test_status IN ('valid', 'invalid')) ${validity}`,
        ),
      ).toMatchObject({
        state: 'drift',
        differences: [{ name: 'constraint llm_providers.llm_providers_api_key_test_status_check' }],
      });
  });

  it('of a guard of the audit trail that was switched off says drift', async () => {
    expect(
      await stateOf('006', 'ALTER TABLE keyward_audit_events DISABLE TRIGGER keyward_audit_kept'),
    ).toMatchObject({
      state: 'drift',
      differences: [{ name: 'trigger keyward_audit_events.keyward_audit_kept' }],
    });
  });

  it('of migrations that psql ran takes the shape that a later one gave a trigger for right', async () => {
    const reports = await assessAfter('DROP TABLE keyward_migrations');
    expect(reports.map(({ version, state, differences }) => ({ version, state, differences }))).toEqual(
      versions.map((version) => ({
        version,
        state: 'unrecorded',
        differences: [],
      })),
    );
  });

  it('of an empty schema finds all pending', async () => {
    const reports = await assessAfter('CREATE SCHEMA empty; SET LOCAL search_path = empty');
    expect(reports.map(({ state }) => state)).toEqual(versions.map(() => 'pending'));
  });

  it('of a migration that is all there and in no ledger says unrecorded', async () => {
    expect(await stateOf('002', forgetAfter('001'))).toMatchObject({
      state: 'unrecorded',
      appliedAt: null,
      differences: [],
    });
  });

  it('of a part of a migration that is in no ledger says partial, and what is missing', async () => {
    const report = await stateOf(
      '002',
      `${forgetAfter('001')}; ALTER TABLE llm_providers DROP COLUMN api_key_last_tested`,
    );
    expect(report).toMatchObject({
      state: 'partial',
      differences: [
        { name: 'column llm_providers.api_key_last_tested', found: null },
        { name: 'comment on column llm_providers.api_key_last_tested', found: null },
      ],
    });
  });

  it('of a migration that is in no ledger and lacks only an index says partial', async () => {
    const report = await stateOf('002', `${forgetAfter('001')}; DROP INDEX idx_llm_providers_has_db_key`);
    expect(report).toMatchObject({
      state: 'partial',
      differences: [{ name: 'index llm_providers.idx_llm_providers_has_db_key', found: null }],
    });
  });

  it('takes tables without a ledger for those of 001 by their columns, not by names of indexes or widths', async () => {
    const report = await stateOf(
      '001',
      `DROP TABLE keyward_migrations; DROP INDEX idx_llm_providers_active;
       ALTER TABLE llm_providers ALTER documentation_url TYPE text; ALTER TABLE llm_models ALTER max_tokens DROP NOT NULL`,
    );
    expect(report).toMatchObject({ state: 'unrecorded', differences: [] });
  });

  it('of a migration that brings rows only says unrecorded when all of them are there, and pending else', async () => {
    expect(await stateOf('003', forgetAfter('002'))).toMatchObject({ state: 'unrecorded' });
    expect(
      await stateOf('003', `${forgetAfter('002')}; DELETE FROM llm_providers WHERE provider_slug = 'xai'`),
    ).toMatchObject({ state: 'pending' });
  });

  it('names a row of the ledger whose file is gone as drift, and one of a newer Keyward as such', async () => {
    const fewer = { ...known, migrations: known.migrations.filter(({ version }) => version !== '003') };
    const reports = await assessAfter(
      `INSERT INTO keyward_migrations VALUES ('901', 'of_tomorrow', repeat('0', 64), now(), 'somebody', 1)`,
      fewer,
    );
    expect(reports.map(({ version, state }) => `${version} ${state}`)).toEqual([
      ...versions.map((version) => `${version} ${version === '003' ? 'drift' : 'applied'}`),
      '901 newer',
    ]);
    expect(reports.find(({ version }) => version === '003')?.differences).toEqual([
      { name: 'file migrations/003_add_more_providers.sql', expected: 'there', found: null },
    ]);
    expect(reports.at(-1)).toMatchObject({
      name: 'of_tomorrow',
      differences: [],
      appliedAt: expect.any(Date),
    });
  });

  it.each([
    ['one table', 'ALTER TABLE llm_models RENAME TO models', 'models looks like llm_models'],
    [
      'the first table',
      'ALTER TABLE llm_providers RENAME TO providers',
      'providers looks like llm_providers',
    ],
    [
      'all tables',
      `ALTER TABLE llm_providers RENAME TO providers; ALTER TABLE llm_models RENAME TO models; ALTER TABLE user_api_keys RENAME TO keys;
       ALTER TABLE llm_routing_rules RENAME TO rules; ALTER TABLE llm_usage_logs RENAME TO logs`,
      'models looks like llm_models, providers looks like llm_providers, rules looks like llm_routing_rules, logs looks like llm_usage_logs, keys looks like user_api_keys',
    ],
  ])('of %s under another name says which looks like which', async (_, rename, says) => {
    const report = await stateOf('001', `${withoutTriggers}; DROP TABLE keyward_migrations; ${rename}`);
    expect(report).toMatchObject({
      state: 'unfit',
      obstacle: expect.stringContaining(`other names: ${says}. `),
    });
  });

  it('of a set that lacks tables says partial, whatever the widths of those that are there', async () => {
    const report = await stateOf(
      '001',
      `${withoutTriggers}; DROP TABLE keyward_migrations, llm_usage_logs, llm_routing_rules, user_api_keys, llm_models;
       ALTER TABLE llm_providers ALTER id TYPE bigint, ALTER provider_slug TYPE varchar(50), ALTER base_url TYPE text`,
    );
    expect(report).toMatchObject({ state: 'partial', obstacle: null });
  });

  it("of another generation's llm_providers says unfit, and names every column that is missing", async () => {
    const report = await stateOf(
      '001',
      `CREATE SCHEMA other; SET LOCAL search_path = other;
       CREATE TABLE llm_providers (id UUID PRIMARY KEY, name TEXT, type TEXT, enabled BOOLEAN)`,
    );
    expect(report?.state).toBe('unfit');
    expect(report?.obstacle).toContain('missing: llm_providers.');
    const missing = report?.differences.filter(({ found }) => found === null).map(({ name }) => name);
    expect(missing).toEqual(
      expect.arrayContaining([
        'column llm_providers.provider_slug',
        'column llm_providers.is_active',
        'table llm_models',
      ]),
    );
    expect(report?.differences).toContainEqual({
      name: 'column llm_providers.id',
      expected: 'whole number',
      found: 'uuid',
    });
  });

  it.each([
    [
      'a dropped index',
      'DROP INDEX idx_llm_providers_has_db_key',
      'index llm_providers.idx_llm_providers_has_db_key',
    ],
    [
      'a comment that is gone',
      'COMMENT ON COLUMN llm_providers.api_key_source IS NULL',
      'comment on column llm_providers.api_key_source',
    ],
    [
      'another default',
      `ALTER TABLE llm_providers ALTER api_key_source SET DEFAULT 'x'`,
      'column llm_providers.api_key_source',
    ],
    [
      'NULL allowed',
      'ALTER TABLE llm_providers ALTER api_key_source DROP NOT NULL',
      'column llm_providers.api_key_source',
    ],
    [
      'another predicate',
      'DROP INDEX idx_llm_providers_api_key_source; CREATE INDEX idx_llm_providers_api_key_source ON llm_providers (api_key_source)',
      'index llm_providers.idx_llm_providers_api_key_source',
    ],
  ])('of an applied migration with %s says drift, and names it', async (_, change, name) => {
    expect(await stateOf('002', change)).toMatchObject({
      state: 'drift',
      fileChanged: false,
      differences: [{ name }],
    });
  });

  it('of a file that is not what was applied says drift, for it alone', async () => {
    const reports = await assessAfter(
      `UPDATE keyward_migrations SET checksum = repeat('0', 64) WHERE version = '003'`,
    );
    expect(reports.filter(({ state }) => state !== 'applied')).toMatchObject([
      { version: '003', state: 'drift', fileChanged: true, differences: [] },
    ]);
  });

  it('takes a text that it had before, and that leaves the same, for the one that was applied', async () => {
    const former = known.migrations.flatMap(({ version, formerChecksums }) =>
      formerChecksums.map((checksum) => ({ version, checksum })),
    );
    expect([...new Set(former.map(({ version }) => version))]).toEqual([
      '001',
      '002',
      '003',
      '004',
      '005',
      '006',
      '007',
    ]);
    const reports = await assessAfter(
      former
        .map(
          (one) =>
            `UPDATE keyward_migrations SET checksum = '${one.checksum}' WHERE version = '${one.version}'`,
        )
        .join(';'),
    );
    expect(reports.map(({ state }) => state)).toEqual(reports.map(() => 'applied'));
  });

  it('forgives an adopted migration what installations in the field differ in, and nothing else', async () => {
    const adopted = `UPDATE keyward_migrations SET applied_by = 'adopted' WHERE version = '001'`;
    const field =
      'DROP INDEX idx_llm_providers_active; ALTER TABLE llm_providers ALTER documentation_url TYPE text';
    expect(await stateOf('001', `${adopted}; ${field}`)).toMatchObject({ state: 'applied', adopted: true });
    expect(await stateOf('001', field)).toMatchObject({ state: 'drift', adopted: false });
    expect(await stateOf('001', `${adopted}; ALTER TABLE llm_models DROP COLUMN description`)).toMatchObject({
      state: 'drift',
      differences: [{ name: 'column llm_models.description', found: null }],
    });
  });

  it('lets a later migration change what an earlier one made', async () => {
    const [first] = known.migrations;
    if (first === undefined) throw new Error('no migrations');
    const later = { ...first, version: '901', name: 'later', file: '901_later.sql' };
    const expected = {
      ...known.expected,
      '901': {
        'column llm_models.context_window': 'bigint not null default 8192',
        'column llm_models.description': null,
        'comment on column llm_models.description': null,
      },
    };
    const reports = await assessAfter(
      `ALTER TABLE llm_models ALTER context_window TYPE bigint; ALTER TABLE llm_models DROP COLUMN description;
       INSERT INTO keyward_migrations VALUES ('901', 'later', '${later.checksum}', now(), 'somebody', 1)`,
      { migrations: [...known.migrations, later], expected },
    );
    expect(reports.map(({ state }) => state)).toEqual(reports.map(() => 'applied'));
  });

  it('needs no right to write', async () => {
    await database().undone(async (tx: Kysely<Tables>) => {
      await sql`SET TRANSACTION READ ONLY`.execute(tx);
      expect(await assess(tx, known)).toHaveLength(versions.length);
    });
  });

  it.each([
    [
      'two llm_providers',
      'SET LOCAL search_path = another, public',
      'llm_providers in another and in public, and new tables go to another',
    ],
    [
      'one behind the schema that new tables go to',
      'SET LOCAL search_path = empty, public',
      'llm_providers in public, and new tables go to empty: it is not clear which is meant. Set search_path to the one schema, for example with ?options=-csearch_path%3Dpublic in',
    ],
    [
      'another table of that name before the one with providers',
      'SET LOCAL search_path = another, public',
      '?options=-csearch_path%3Dpublic in DATABASE_URL',
    ],
    [
      'a view of that name',
      'SET LOCAL search_path = viewed, public',
      'llm_providers in viewed and in public',
    ],
    ['no schema that exists', 'SET LOCAL search_path = nowhere', 'names no schema that exists'],
  ])('refuses a search_path with %s', async (_, path, message) => {
    const assessing = assessAfter(
      `CREATE SCHEMA another; CREATE TABLE another.llm_providers (id INTEGER); CREATE SCHEMA empty;
       CREATE SCHEMA viewed; CREATE VIEW viewed.llm_providers AS SELECT 1 AS id; ${path}`,
    );
    await expect(assessing).rejects.toMatchObject({
      name: 'MigrationFailure',
      exitCode: 1,
      message: expect.stringContaining(message),
    });
  });
});

/** They fix the types of the columns that they compare. */
const withoutTriggers = `DO $$
  DECLARE
    name TEXT;
  BEGIN
    FOR name IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'llm_providers'::regclass AND tgname LIKE 'keyward%' LOOP
      EXECUTE format('DROP TRIGGER %I ON llm_providers', name);
    END LOOP;
  END $$`;
