/** The eighteen checks of migration 002: each fails when its fact is broken, and only what must follow fails with it. */
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { runVerificationSuite, type Suite } from '../../../src/database/migrations/verification-suite.ts';
import { describeOnMigratedDatabase } from '../../support/migrated-database.ts';

/** In the order of the checks, numbered from 1. */
const facts: readonly { broken: string; by: string; fails: readonly number[] }[] = [
  {
    broken: 'the table',
    by: 'ALTER TABLE llm_providers RENAME TO llm_suppliers',
    fails: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18],
  },
  // A column takes its type, its indexes, its comment, its default and its nullability with it.
  {
    broken: 'encrypted_api_key',
    by: 'ALTER TABLE llm_providers DROP COLUMN encrypted_api_key CASCADE',
    fails: [2, 7, 12, 13, 16, 18],
  },
  {
    broken: 'api_key_source',
    by: 'ALTER TABLE llm_providers DROP COLUMN api_key_source CASCADE',
    fails: [3, 8, 11, 14, 15, 16, 17, 18],
  },
  {
    broken: 'api_key_updated_at',
    by: 'ALTER TABLE llm_providers DROP COLUMN api_key_updated_at',
    fails: [4, 9, 16, 18],
  },
  {
    broken: 'api_key_last_tested',
    by: 'ALTER TABLE llm_providers DROP COLUMN api_key_last_tested',
    fails: [5, 16, 18],
  },
  {
    broken: 'api_key_test_status',
    by: 'ALTER TABLE llm_providers DROP COLUMN api_key_test_status CASCADE',
    fails: [6, 10, 16, 18],
  },
  {
    broken: 'the type of encrypted_api_key',
    by: 'ALTER TABLE llm_providers ALTER encrypted_api_key TYPE varchar(600)',
    fails: [7],
  },
  {
    broken: 'the length of api_key_source',
    by: 'ALTER TABLE llm_providers ALTER api_key_source TYPE varchar(60)',
    fails: [8],
  },
  {
    broken: 'the type of api_key_updated_at',
    by: 'ALTER TABLE llm_providers ALTER api_key_updated_at TYPE timestamptz',
    fails: [9],
  },
  {
    broken: 'the length of api_key_test_status',
    by: 'ALTER TABLE llm_providers ALTER api_key_test_status TYPE varchar(30)',
    fails: [10],
  },
  {
    broken: 'the index of sources',
    by: 'DROP INDEX idx_llm_providers_api_key_source',
    fails: [11, 18],
  },
  {
    broken: 'the predicate of the index of keys',
    by: 'DROP INDEX idx_llm_providers_has_db_key; CREATE INDEX idx_llm_providers_has_db_key ON llm_providers (id)',
    fails: [12],
  },
  {
    broken: 'the comment of encrypted_api_key',
    by: 'COMMENT ON COLUMN llm_providers.encrypted_api_key IS NULL',
    fails: [13],
  },
  {
    broken: 'the comment of api_key_source',
    by: 'COMMENT ON COLUMN llm_providers.api_key_source IS NULL',
    fails: [14],
  },
  {
    broken: 'the default',
    by: `ALTER TABLE llm_providers ALTER api_key_source SET DEFAULT 'database'`,
    fails: [15],
  },
  {
    broken: 'the nullability',
    by: 'ALTER TABLE llm_providers ALTER api_key_source DROP NOT NULL',
    fails: [16],
  },
  {
    broken: 'the data of a row',
    by: `UPDATE llm_providers SET api_key_source = '' WHERE provider_slug = 'openai'`,
    fails: [17],
  },
  {
    broken: 'the schema as a whole',
    by: 'DROP INDEX idx_llm_providers_has_db_key, idx_llm_providers_api_key_source',
    fails: [11, 12, 18],
  },
];

const further: readonly { broken: string; by: string; fails: readonly number[] }[] = [
  { broken: 'the comments of both', by: `${facts[12]?.by}; ${facts[13]?.by}`, fails: [13, 14] },
  {
    broken: 'a column that must be nullable',
    by: 'DELETE FROM llm_providers; ALTER TABLE llm_providers ALTER api_key_test_status SET NOT NULL',
    fails: [16],
  },
  {
    broken: 'the source of a row, which is NULL',
    by: `ALTER TABLE llm_providers ALTER api_key_source DROP NOT NULL; UPDATE llm_providers SET api_key_source = NULL WHERE provider_slug = 'groq'`,
    fails: [16, 17],
  },
  {
    broken: 'the predicate of the index of sources',
    by: 'DROP INDEX idx_llm_providers_api_key_source; CREATE INDEX idx_llm_providers_api_key_source ON llm_providers (api_key_source)',
    fails: [11],
  },
  // As the field has it: the same predicate in other words.
  {
    broken: 'nothing',
    by: 'DROP INDEX idx_llm_providers_api_key_source; CREATE INDEX idx_llm_providers_api_key_source ON llm_providers (api_key_source) WHERE is_active = TRUE',
    fails: [],
  },
];

describeOnMigratedDatabase('the verification suite', (database) => {
  /** Runs the suite after some SQL. */
  async function suiteAfter(breaking: string): Promise<Suite[]> {
    return database().undone(async (tx) => {
      await sql.raw(`${withoutTriggers}; ${breaking}`).execute(tx);
      return runVerificationSuite(tx);
    });
  }

  const failing = (suites: readonly Suite[]): number[] =>
    suites.flatMap(({ checks }) => checks).flatMap(({ passed }, index) => (passed ? [] : [index + 1]));

  it('has nine suites and eighteen checks, in the order of the script that operators know, and all pass', async () => {
    const suites = await runVerificationSuite(database().opened.database.kysely);
    expect(suites.map(({ title, checks }) => [title, checks.length])).toEqual([
      ['Table existence', 1],
      ['Column existence', 5],
      ['Column data types', 4],
      ['Index existence', 2],
      ['Column comments', 2],
      ['Default values', 1],
      ['Nullable constraints', 1],
      ['Existing data validation', 1],
      ['Full schema display', 1],
    ]);
    expect(failing(suites)).toEqual([]);
    expect(
      suites
        .flatMap(({ checks }) => checks)
        .slice(0, 3)
        .map(({ message }) => message),
    ).toEqual([
      "Table 'llm_providers' exists",
      "Column 'encrypted_api_key' exists",
      "Column 'api_key_source' exists",
    ]);
  });

  it('counts the rows of each source', async () => {
    const suites = await suiteAfter(
      `UPDATE llm_providers SET api_key_source = 'hybrid' WHERE provider_slug IN ('groq', 'openai')`,
    );
    expect(suites[7]?.details).toEqual([
      "10 provider(s) have api_key_source set to 'environment'",
      "2 provider(s) have api_key_source set to 'hybrid'",
    ]);
  });

  it.each(facts.map((fact, index) => ({ ...fact, number: index + 1 })))(
    'check $number fails when $broken is broken, with $fails',
    async ({ by, fails, number }) => {
      expect(fails).toContain(number);
      expect(failing(await suiteAfter(by))).toEqual(fails);
    },
  );

  it.each(further)('when $broken is broken, $fails fail', async ({ by, fails }) => {
    expect(failing(await suiteAfter(by))).toEqual(fails);
  });

  it('the last check names what is missing, columns and indexes', async () => {
    const suites = await suiteAfter(
      'DROP INDEX idx_llm_providers_has_db_key; ALTER TABLE llm_providers DROP COLUMN api_key_updated_at',
    );
    expect(suites.at(-1)?.checks[0]?.message).toBe(
      'The schema lacks of migration 002: api_key_updated_at, idx_llm_providers_has_db_key',
    );
  });

  it('refuses two llm_providers on the search path, and names both', async () => {
    await expect(
      suiteAfter(
        'CREATE SCHEMA another; CREATE TABLE another.llm_providers (id INTEGER); SET LOCAL search_path = another, public',
      ),
    ).rejects.toThrow('llm_providers in another and in public');
  });

  it('a check that fails says what was expected and what was found', async () => {
    const [, , types, indexes] = await suiteAfter(`${facts[7]?.by}; ${facts[11]?.by}`);
    expect(types?.checks[1]?.message).toBe(
      "Column 'api_key_source' should have type VARCHAR(50), found character varying(60)",
    );
    expect(indexes?.checks[1]?.message).toBe(
      "Index 'idx_llm_providers_has_db_key' should be btree (id) WHERE encrypted_api_key IS NOT NULL, found btree (id)",
    );
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
