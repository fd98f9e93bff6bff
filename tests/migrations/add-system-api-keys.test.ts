/** Migration 002 and its rollback: the five columns and two indexes, from whole, partial and foreign states. */
import { beforeEach, expect, test } from 'vitest';
import { describeOnUsualEngines, type RawClient } from '../support/engines.ts';
import { columnsOf, migration, readCatalogue, type Catalogue, type Definitions } from './catalogue.ts';

const apply = migration('002_add_system_api_keys');
const rollback = migration('002_add_system_api_keys_rollback');
const backup = 'llm_providers_system_keys_backup_002';

const columns: Definitions = {
  encrypted_api_key: 'text',
  api_key_source: "character varying(50) NOT NULL DEFAULT 'environment'::character varying",
  api_key_updated_at: 'timestamp without time zone',
  api_key_last_tested: 'timestamp without time zone',
  api_key_test_status: 'character varying(20)',
};

const indexes: Definitions = {
  idx_llm_providers_api_key_source: 'ON public.llm_providers USING btree (api_key_source) WHERE is_active',
  idx_llm_providers_has_db_key:
    'ON public.llm_providers USING btree (id) WHERE (encrypted_api_key IS NOT NULL)',
};

const columnNames = Object.keys(columns);
const setTwoKeys = `
  UPDATE llm_providers SET encrypted_api_key = 'token-of-openai', api_key_source = 'database',
    api_key_updated_at = '2025-10-27 14:35:00.123456', api_key_last_tested = '2025-10-28 01:02:03',
    api_key_test_status = 'valid' WHERE provider_slug = 'openai';
  UPDATE llm_providers SET encrypted_api_key = 'token-of-groq', api_key_source = 'hybrid' WHERE provider_slug = 'groq'`;

async function keysIn(client: RawClient, table: string): Promise<unknown> {
  return client.query(`SELECT provider_slug, ${columnNames.map((name) => `${name}::text`).join(', ')} FROM ${table}
    WHERE encrypted_api_key IS NOT NULL ORDER BY provider_slug`);
}

const withoutBackup = (definitions: Definitions): Definitions =>
  Object.fromEntries(Object.entries(definitions).filter(([name]) => !name.startsWith(backup)));

/** The catalogue but for the backup table. */
async function readCatalogueWithoutBackup(client: RawClient): Promise<Catalogue> {
  const { triggers, functions, ...rest } = await readCatalogue(client);
  return {
    columns: withoutBackup(rest.columns),
    indexes: withoutBackup(rest.indexes),
    constraints: withoutBackup(rest.constraints),
    triggers,
    functions,
    comments: withoutBackup(rest.comments),
  };
}

describeOnUsualEngines('migration 002', (client) => {
  beforeEach(async () => {
    await client().exec(migration('001_create_llm_tables'));
    client().takeNotices();
  });

  test('adds the five columns and the two indexes, and comments each column', async () => {
    const before = await readCatalogue(client());
    await client().exec(apply);
    const after = await readCatalogue(client());
    expect(columnsOf(after, 'llm_providers')).toEqual({ ...columnsOf(before, 'llm_providers'), ...columns });
    expect(after.indexes).toEqual({ ...before.indexes, ...indexes });
    expect(Object.keys(after.comments)).toEqual(
      expect.arrayContaining(columnNames.map((name) => `llm_providers.${name}`)),
    );
  });

  test('leaves existing rows on the environment, with nothing else set and nothing touched', async () => {
    const read = `SELECT to_jsonb(llm_providers) - $1::text[] AS row FROM llm_providers ORDER BY id`;
    const before = await client().query(read, [columnNames]);
    await client().exec(apply);
    expect(await client().query(read, [columnNames])).toEqual(before);
    expect(
      await client().query(
        `SELECT ${columnNames.join(', ')}, count(*)::int FROM llm_providers GROUP BY 1, 2, 3, 4, 5`,
      ),
    ).toEqual([
      {
        encrypted_api_key: null,
        api_key_source: 'environment',
        api_key_updated_at: null,
        api_key_last_tested: null,
        api_key_test_status: null,
        count: 7,
      },
    ]);
  });

  test('does not rewrite the table', async () => {
    const file = "SELECT pg_relation_filenode('llm_providers') AS file";
    const before = await client().query(file);
    await client().exec(apply);
    expect(await client().query(file)).toEqual(before);
  });

  test('changes nothing when it is applied twice', async () => {
    await client().exec(apply);
    await client().exec(setTwoKeys);
    const before = [await readCatalogue(client()), await keysIn(client(), 'llm_providers')];
    await client().exec(apply);
    expect([await readCatalogue(client()), await keysIn(client(), 'llm_providers')]).toEqual(before);
  });

  test.each([
    ['a column', 'ALTER TABLE llm_providers DROP COLUMN api_key_test_status'],
    ['the source and with it its index', 'ALTER TABLE llm_providers DROP COLUMN api_key_source'],
    ['an index', 'DROP INDEX idx_llm_providers_has_db_key'],
    ['a comment', 'COMMENT ON COLUMN llm_providers.api_key_source IS NULL'],
    ['the default', 'ALTER TABLE llm_providers ALTER api_key_source DROP DEFAULT'],
    [
      'NOT NULL',
      'ALTER TABLE llm_providers ALTER api_key_source DROP NOT NULL; UPDATE llm_providers SET api_key_source = NULL',
    ],
  ])('completes a state that lacks %s', async (_, damage) => {
    await client().exec(apply);
    const { columns: wantedColumns, ...wanted } = await readCatalogue(client());
    await client().exec(damage);
    await client().exec(apply);
    const { columns: foundColumns, ...found } = await readCatalogue(client());
    expect(found).toEqual(wanted);
    expect(foundColumns).toEqual(wantedColumns);
    expect(await client().query('SELECT DISTINCT api_key_source FROM llm_providers')).toEqual([
      { api_key_source: 'environment' },
    ]);
  });

  test('completes a source that may be NULL also beside the triggers of migration 004', async () => {
    await client().exec(apply);
    await client().exec(migration('004_add_keyward_tables'));
    await client().exec('ALTER TABLE llm_providers ALTER api_key_source DROP NOT NULL');
    await client().exec('UPDATE llm_providers SET api_key_source = NULL');
    await client().exec(apply);
    expect(columnsOf(await readCatalogue(client()), 'llm_providers')).toMatchObject(columns);
  });

  test('takes the index of the field, which says is_active = TRUE, for its own', async () => {
    await client().exec(apply);
    await client().exec(`DROP INDEX idx_llm_providers_api_key_source;
      CREATE INDEX idx_llm_providers_api_key_source ON llm_providers (api_key_source) WHERE is_active = TRUE`);
    await expect(client().exec(apply)).resolves.toBeUndefined();
  });

  test.each([
    [
      'ALTER TABLE llm_providers ALTER encrypted_api_key TYPE varchar(100)',
      'column encrypted_api_key is character varying(100), expected text',
    ],
    [
      'DROP INDEX idx_llm_providers_has_db_key; CREATE INDEX idx_llm_providers_has_db_key ON llm_providers (id)',
      'index idx_llm_providers_has_db_key is (id), expected (id) WHERE encrypted_api_key IS NOT NULL',
    ],
  ])('ends in an error that names what it cannot mend: %s', async (damage, message) => {
    await client().exec(apply);
    await client().exec(damage);
    await expect(client().exec(apply)).rejects.toThrow(`migration 002 is not in place: ${message}`);
  });

  test('refuses an llm_providers of another generation, names what is missing, and changes nothing', async () => {
    await client().exec('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    await client().exec(
      'CREATE TABLE llm_providers (id UUID PRIMARY KEY, name TEXT, type TEXT, enabled BOOLEAN)',
    );
    const before = await readCatalogue(client());
    await expect(client().exec(apply)).rejects.toThrow('no column provider_slug, is_active');
    expect(await readCatalogue(client())).toEqual(before);
  });

  test('refuses a schema without llm_providers, also when another on the search path has it', async () => {
    await client().exec('CREATE SCHEMA empty; SET search_path = empty, public');
    await expect(client().exec(apply)).rejects.toThrow('there is no llm_providers in the schema empty');
    await client().exec('RESET search_path; DROP SCHEMA empty');
  });
});

describeOnUsualEngines('the rollback of migration 002', (client) => {
  beforeEach(async () => {
    await client().exec(migration('001_create_llm_tables'));
    client().takeNotices();
  });

  test('restores the catalogue, twice in a row, and makes no backup when there is no key', async () => {
    const before = await readCatalogue(client());
    await client().exec(apply);
    await client().exec(rollback);
    expect(await readCatalogue(client())).toEqual(before);
    await client().exec(rollback);
    expect(await readCatalogue(client())).toEqual(before);
  });

  test('restores the catalogue from half a migration', async () => {
    const before = await readCatalogue(client());
    await client().exec(apply);
    await client().exec(setTwoKeys);
    await client().exec(
      'ALTER TABLE llm_providers DROP COLUMN api_key_source, DROP COLUMN api_key_last_tested',
    );
    await client().exec(rollback);
    expect(await readCatalogueWithoutBackup(client())).toEqual(before);
    expect(await client().query(`SELECT encrypted_api_key FROM ${backup} ORDER BY 1`)).toEqual([
      { encrypted_api_key: 'token-of-groq' },
      { encrypted_api_key: 'token-of-openai' },
    ]);
  });

  test('saves the keys first, still encrypted, and warns of the loss', async () => {
    const before = await readCatalogue(client());
    await client().exec(apply);
    await client().exec(setTwoKeys);
    const keys = await keysIn(client(), 'llm_providers');
    client().takeNotices();

    await client().exec(rollback);

    expect(await keysIn(client(), backup)).toEqual(keys);
    expect(await readCatalogueWithoutBackup(client())).toEqual(before);
    expect(client().takeNotices()).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('loses 2 encrypted system key(s)') }),
    );
  });

  test('gives a statement that brings the saved keys back, the latest of each provider', async () => {
    await client().exec(apply);
    await client().exec(setTwoKeys);
    await client().exec(rollback);
    await client().exec(apply);
    await client().exec("UPDATE llm_providers SET encrypted_api_key = 'newer' WHERE provider_slug = 'groq'");
    client().takeNotices();
    await client().exec(rollback);
    const hint = client()
      .takeNotices()
      .map((notice) => notice.hint)
      .join('');
    await client().exec(apply);

    await client().exec(hint.replace(/^To bring them back, apply 002 again and run: /, ''));

    expect(await keysIn(client(), 'llm_providers')).toMatchObject([
      { provider_slug: 'groq', encrypted_api_key: 'newer', api_key_source: 'environment' },
      {
        provider_slug: 'openai',
        encrypted_api_key: 'token-of-openai',
        api_key_source: 'database',
        api_key_updated_at: '2025-10-27 14:35:00.123456',
        api_key_last_tested: '2025-10-28 01:02:03',
        api_key_test_status: 'valid',
      },
    ]);
  });

  test('is refused by what was built on the columns since, and then changes nothing', async () => {
    await client().exec(apply);
    await client().exec(setTwoKeys);
    await client().exec(
      'CREATE VIEW keyed AS SELECT id FROM llm_providers WHERE encrypted_api_key IS NOT NULL',
    );
    const before = await readCatalogue(client());
    await expect(client().exec(rollback)).rejects.toThrow('other objects depend on it');
    expect(await readCatalogue(client())).toEqual(before);
  });

  test('does nothing where there is no llm_providers', async () => {
    await client().exec('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    await client().exec(rollback);
    expect(client().takeNotices().at(-1)).toMatchObject({
      message: expect.stringContaining('nothing to roll back'),
    });
  });
});
