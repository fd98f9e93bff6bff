/** `keyward migrate`: what each exit code means, as a script meets it. */
import { describe, expect, it, vi } from 'vitest';
import { stages, threeKeys } from '../support/migration-stages.ts';
import { migrateForPeople, migrateForPrograms } from '../support/migrate-command.ts';
import { useMigratingCases } from '../support/migrating-cases.ts';

vi.setConfig({ testTimeout: 60_000 });

const newCase = useMigratingCases();
const newest = stages.at(-1) ?? '';
const changedFile = `UPDATE keyward_migrations SET checksum = repeat('0', 64) WHERE version = '002'`;

describe('exit code 0', () => {
  it('an apply brings an empty database to the newest version; another has nothing to do', async () => {
    const { environment, stage, contents } = await newCase('000');
    const first = await migrateForPrograms(environment);
    expect(first).toMatchObject({ exitCode: 0, report: { action: 'apply', ok: true, exit_code: 0 } });
    expect(first.report['done']).toEqual(stages.slice(1).map((version) => ({ version, kind: 'applied' })));
    expect(await stage()).toBe(newest);
    const before = await contents();

    const second = await migrateForPrograms(environment);
    expect(second).toMatchObject({ exitCode: 0, report: { ok: true, done: [] } });
    expect(second.stderr).toContain('Nothing to do: all migrations are applied');
    expect(await contents()).toEqual(before);
  });

  it('--to stops at a version, and --check --to asks about no more than that', async () => {
    const { environment, stage } = await newCase('000');
    expect(await migrateForPrograms(environment, '--to', '2')).toMatchObject({ exitCode: 0 });
    expect(await stage()).toBe('002');
    expect(await migrateForPrograms(environment, '--check', '--to', '002')).toMatchObject({ exitCode: 0 });
    expect(await migrateForPrograms(environment, '--check')).toMatchObject({ exitCode: 3 });
  });

  it('--force repairs a dropped index and a missing comment', async () => {
    const { environment, stage } = await newCase(
      newest,
      'DROP INDEX idx_llm_providers_has_db_key; COMMENT ON COLUMN llm_providers.api_key_source IS NULL',
    );
    const { exitCode, report } = await migrateForPrograms(environment, '--force');
    expect({ exitCode, action: report['action'] }).toEqual({ exitCode: 0, action: 'force' });
    expect(await stage()).toBe(newest);
  });

  it('--check remarks on a check that rows from before break, and is at target; --force validates it once they are right', async () => {
    const { environment, sql } = await newCase(
      '004',
      `UPDATE llm_providers SET api_key_test_status = 'ok' WHERE provider_slug = 'groq'`,
    );
    const remark = /constraint llm_providers\.llm_providers_api_key_test_status_check is NOT VALID/;
    const applied = await migrateForPrograms(environment);
    expect(applied).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(remark) });
    const { exitCode, report, stderr } = await migrateForPrograms(environment, '--check');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringMatching(remark) });
    expect(report['migrations']).toContainEqual(
      expect.objectContaining({
        version: '005',
        state: 'applied',
        differences: [],
        remarks: [expect.stringMatching(remark)],
      }),
    );
    await sql(`UPDATE llm_providers SET api_key_test_status = 'valid' WHERE provider_slug = 'groq'`);
    const forced = await migrateForPrograms(environment, '--force');
    expect(forced).toMatchObject({ exitCode: 0, stderr: expect.not.stringMatching(remark) });
  });

  it('--force repairs a changed default, and another type of a column it does not', async () => {
    const { environment, stage, sql } = await newCase(
      newest,
      `ALTER TABLE llm_providers ALTER api_key_source SET DEFAULT 'database'`,
    );
    expect(await migrateForPrograms(environment, '--force')).toMatchObject({ exitCode: 0 });
    expect(await stage()).toBe(newest);
    await sql('ALTER TABLE llm_providers ALTER api_key_last_tested TYPE timestamptz');
    expect(await migrateForPrograms(environment, '--force')).toMatchObject({ exitCode: 7 });
  });

  it('--verify counts eighteen checks, all passed', async () => {
    const { environment } = await newCase(newest);
    const { exitCode, report, stderr } = await migrateForPrograms(environment, '--verify');
    expect({ exitCode, ...report }).toMatchObject({
      exitCode: 0,
      tests_run: 18,
      tests_passed: 18,
      tests_failed: 0,
    });
    expect(stderr).toContain('Tests Run:    18\nTests Passed: 18\nTests Failed: 0\n');
    expect(stderr).toContain('ALL TESTS PASSED');
  });
});

describe('exit code 1, failed and nothing changed', () => {
  it("another generation's tables are refused, and every column that is missing is named", async () => {
    const { environment, contents } = await newCase(
      '000',
      `CREATE TABLE llm_providers (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), name TEXT, type TEXT, enabled BOOLEAN);
       INSERT INTO llm_providers (name, type, enabled) VALUES ('OpenAI', 'openai', true)`,
    );
    const before = await contents();
    for (const option of ['--yes', '--force', '--dry-run']) {
      const { exitCode, report } = await migrateForPrograms(environment, option);
      expect({ exitCode, report }).toMatchObject({ exitCode: 1, report: { ok: false, exit_code: 1 } });
      for (const missing of ['provider_slug', 'provider_name', 'is_active', 'display_name'])
        expect(report['error']).toContain(`llm_providers.${missing}`);
      expect(report['error']).toContain('Nothing was changed');
    }
    expect(await contents()).toEqual(before);
  });
});

describe('exit code 2, wrong use', () => {
  it.each([
    { args: ['--check', '--rollback'], says: 'Only one of' },
    { args: ['--verify', '--force'], says: 'Only one of' },
    { args: ['--to', '999'], says: 'There is no migration 999. There are: 001, 002' },
    { args: ['--lock-timeout', '0'], says: '--lock-timeout must be from 1 to 2147483647 milliseconds' },
    {
      args: ['--lock-timeout', '2147483648'],
      says: '--lock-timeout must be from 1 to 2147483647 milliseconds',
    },
    { args: ['--backwards'], says: "unknown option '--backwards'" },
    { args: ['--to', 'newest'], says: 'number of a migration' },
  ])('$args is refused before the database is touched, also for programs', async ({ args, says }) => {
    const nowhere = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nowhere' };
    const { exitCode, report, stderr } = await migrateForPrograms(nowhere, ...args);
    expect({ exitCode, report }).toMatchObject({ exitCode: 2, report: { ok: false, exit_code: 2 } });
    expect(report['error']).toContain(says);
    expect(stderr).toContain(says);
  });

  it.each([
    { args: ['--to', 'newest'], says: 'number of a migration' },
    { args: ['--lock-timeout', 'long'], says: 'must be a number' },
    { args: ['--backwards'], says: "unknown option '--backwards'" },
  ])('$args is refused with the reason', async ({ args, says }) => {
    const { exitCode, stdout, stderr } = await migrateForPeople({}, ...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(says);
  });
});

describe('exit code 3, migrations are pending', () => {
  it.each([
    { stage: '000', applied: [] },
    { stage: '002', applied: ['001', '002'] },
  ])('--check at $stage names what is applied and what is not', async ({ stage, applied }) => {
    const { environment } = await newCase(stage);
    const { exitCode, report, stderr } = await migrateForPrograms(environment, '--check');
    expect(exitCode).toBe(3);
    expect(report['migrations']).toMatchObject(
      stages
        .slice(1)
        .map((version) => ({ version, state: applied.includes(version) ? 'applied' : 'pending' })),
    );
    for (const version of stages.slice(1))
      expect(stderr).toContain(
        `Migration ${version} is ${applied.includes(version) ? 'APPLIED' : 'NOT APPLIED'}`,
      );
  });

  it('--check of a migration that was run by hand says that all of it is there and not recorded', async () => {
    const { environment, sql } = await newCase('002');
    await sql(`DELETE FROM keyward_migrations WHERE version = '002'`);
    const { exitCode, stderr } = await migrateForPrograms(environment, '--check');
    expect(exitCode).toBe(3);
    expect(stderr).toContain('Migration 002 is NOT RECORDED, though all of it is there');
    await sql(
      'DROP INDEX idx_llm_providers_has_db_key; ALTER TABLE llm_providers DROP COLUMN api_key_last_tested',
    );
    const partly = await migrateForPrograms(environment, '--check');
    expect(partly.exitCode).toBe(3);
    expect(partly.stderr).toContain('Migration 002 is PARTLY APPLIED');
    expect(await migrateForPrograms(environment)).toMatchObject({ exitCode: 0 });
  });
});

describe('exit code 4, drift', () => {
  it('a file that is not the text that was applied is named, by --check and by an apply, which leaves it at that', async () => {
    const { environment, contents } = await newCase(newest, changedFile);
    const before = await contents();
    for (const args of [['--check'], []]) {
      const { exitCode, stderr, report } = await migrateForPrograms(environment, ...args);
      expect(exitCode).toBe(4);
      expect(stderr).toContain('002_add_system_api_keys.sql is not the text that was applied');
      expect(report['migrations']).toContainEqual(
        expect.objectContaining({ version: '002', state: 'drift', file_changed: true, differences: [] }),
      );
    }
    expect(await contents()).toEqual(before);
  });

  it('--check names every difference of the catalogue, expected beside found', async () => {
    const { environment } = await newCase(
      newest,
      `DROP INDEX idx_llm_providers_has_db_key;
       ALTER TABLE llm_providers ALTER api_key_source SET DEFAULT 'database', ALTER api_key_last_tested TYPE timestamptz;
       COMMENT ON COLUMN llm_providers.encrypted_api_key IS 'another';
       DROP TRIGGER keyward_models_changed ON llm_models`,
    );
    const { exitCode, stderr, report } = await migrateForPrograms(environment, '--check');
    expect(exitCode).toBe(4);
    expect(stderr).toContain(
      "column llm_providers.api_key_source: expected character varying(50) not null default 'environment'::character varying, found character varying(50) not null default 'database'::character varying",
    );
    const differences = (report['migrations'] as { differences: { name: string }[] }[]).flatMap(
      (one) => one.differences,
    );
    expect(differences.map(({ name }) => name).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'column llm_providers.api_key_last_tested',
      'column llm_providers.api_key_source',
      'comment on column llm_providers.encrypted_api_key',
      'index llm_providers.idx_llm_providers_has_db_key',
      'trigger llm_models.keyward_models_changed',
    ]);
  });
});

describe('exit code 6, keys would be lost', () => {
  const token = `INSERT INTO keyward_tokens (kind, name, token_hash, token_prefix) VALUES ('gateway', 'app', repeat('a', 64), 'kwg_')`;
  it.each([
    { what: 'stored keys', sql: threeKeys, args: [], says: 'the encrypted keys of anthropic, groq, openai' },
    { what: 'good tokens', sql: token, args: [], says: '1 good token of callers and administrators' },
    {
      what: 'keys that users brought',
      sql: `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key) SELECT 'somebody', min(id), 'x' FROM llm_providers`,
      args: ['--to', '000', '--yes'],
      says: 'the keys that users brought (1)',
    },
  ])('--rollback is refused while there are $what, and nothing is changed', async ({ sql, args, says }) => {
    const { environment, contents } = await newCase(newest, sql);
    const before = await contents();
    const { exitCode, report } = await migrateForPrograms(environment, '--rollback', ...args);
    expect(exitCode).toBe(6);
    expect(report['error']).toContain(says);
    expect(report['error']).toContain('Nothing was changed');
    expect(await contents()).toEqual(before);
  });

  it('a token that was revoked holds nothing up', async () => {
    const { environment, stage } = await newCase(
      newest,
      `${token}; UPDATE keyward_tokens SET revoked_at = now()`,
    );
    expect(await migrateForPrograms(environment, '--rollback')).toMatchObject({ exitCode: 0 });
    expect(await stage()).toBe('001');
  });
});

describe('exit code 7, a verification failed', () => {
  it('--verify says which check', async () => {
    const { environment } = await newCase(newest, 'COMMENT ON COLUMN llm_providers.api_key_source IS NULL');
    const { exitCode, report, stderr } = await migrateForPrograms(environment, '--verify');
    expect({ exitCode, ...report }).toMatchObject({ exitCode: 7, tests_passed: 17, tests_failed: 1 });
    expect(stderr).toContain("❌ Column 'api_key_source' has no comment");
    expect(stderr).toContain('SOME TESTS FAILED');
  });

  it.each([
    {
      what: "the SQL's own verification",
      sql: 'DROP INDEX idx_llm_providers_has_db_key; CREATE INDEX idx_llm_providers_has_db_key ON llm_providers (id)',
      says: 'migration 002 is not in place: index idx_llm_providers_has_db_key is (id), expected (id) WHERE encrypted_api_key IS NOT NULL',
    },
    {
      what: "the runner's verification",
      sql: `ALTER TABLE llm_models ALTER context_window SET DEFAULT 1; DROP INDEX idx_llm_providers_active`,
      says: 'column llm_models.context_window: expected integer not null default 8192, found integer not null default 1',
    },
  ])('--force that cannot repair fails by $what, and all of it is rolled back', async ({ sql, says }) => {
    const { environment, contents } = await newCase(newest, sql);
    // The migrations before it were applied again, each in a transaction of its own.
    const allButLedger = async (): Promise<unknown> => ({
      ...(await contents()),
      'rows of keyward_migrations': '',
    });
    const before = await allButLedger();
    const { exitCode, report } = await migrateForPrograms(environment, '--force');
    expect(exitCode).toBe(7);
    expect(report['error']).toContain(says);
    expect(await allButLedger()).toEqual(before);
  });
});
