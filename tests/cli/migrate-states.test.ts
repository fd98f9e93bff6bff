/** What the actions of `keyward migrate` say of a database that is not just pending or applied, and how they end. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { applyAction, dryRunAction } from '../../src/cli/migrate-apply.ts';
import { checkAction, verifyAction } from '../../src/cli/migrate-check.ts';
import type { MigrateContext, MigrateOptions, MigrateResult } from '../../src/cli/migrate-context.ts';
import { migrate } from '../../src/cli/migrate.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { type OpenedDatabase, openOn } from '../support/keyward-database.ts';
import { known, stages } from '../support/migration-stages.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

let opened: OpenedDatabase;
beforeAll(async () => {
  opened = await openOn('postgres');
});
beforeEach(async () => opened.empty());
afterAll(async () => opened.close());

async function run(sql: string): Promise<void> {
  const client = await opened.connect();
  await client.query(sql);
}

/** Runs an action; what it says to people comes with what it gives to programs. */
async function act(
  action: (context: MigrateContext) => Promise<MigrateResult>,
  options: MigrateOptions = {},
): Promise<MigrateResult & { said: string; printed: string }> {
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    const config = loadConfig(opened.environment);
    const result = await action({ database: opened.database, config, known, options });
    const textOf = (writes: typeof stderr.mock.calls): string =>
      writes.map(([text]) => String(text)).join('');
    return { ...result, said: textOf(stderr.mock.calls), printed: textOf(stdout.mock.calls) };
  } finally {
    stderr.mockRestore();
    stdout.mockRestore();
  }
}

const newest = stages.at(-1) ?? '';
const dropIndex = 'DROP INDEX idx_llm_providers_has_db_key';
const forceHint = 'Repair what can be repaired with: keyward migrate --force';

describe('drift', () => {
  beforeEach(async () => run(dropIndex));

  it.each([
    ['--check', checkAction],
    ['an apply', applyAction],
    ['--dry-run', dryRunAction],
  ])('is told by %s, with what to do', async (_, action) => {
    const { exitCode, said } = await act(action);
    expect(said).toContain('Migration 002 has DRIFTED');
    expect(said).toContain(forceHint);
    expect(said).not.toContain('all migrations are applied');
    expect(exitCode).toBe(4);
  });

  it('past what is asked for is not told', async () => {
    expect(await act(dryRunAction, { to: '001' })).toMatchObject({ exitCode: 0 });
  });
});

describe('a row of the ledger that has no file', () => {
  it('of a newer Keyward is named, with the way to use it or to go back, and no repair is proposed', async () => {
    await run(
      `INSERT INTO keyward_migrations VALUES ('901', 'of_tomorrow', repeat('0', 64), now(), 'somebody', 1)`,
    );
    for (const action of [checkAction, applyAction, dryRunAction]) {
      const { exitCode, said } = await act(action);
      expect(said).toContain('Migration 901 is of A NEWER KEYWARD: of_tomorrow');
      expect(said).toMatch(
        new RegExp(
          `A newer Keyward applied 901 here, which this one \\([\\d.]+\\) does not know\\. .*: keyward migrate --rollback --to ${newest}`,
        ),
      );
      expect(said).not.toContain('--force');
      expect(exitCode).toBe(4);
    }
  });
});

describe('the SQL of --dry-run', () => {
  it('runs as it is, each transaction whole, and --check then finds all of it there', async () => {
    await opened.empty({ migrate: false });
    const { printed } = await act(dryRunAction);
    expect(printed.match(/^BEGIN;$/gm)).toHaveLength(stages.length - 1);
    expect(printed.match(/^COMMIT;$/gm)).toHaveLength(stages.length - 1);
    await run(printed);
    const { said } = await act(checkAction);
    for (const version of stages.slice(1))
      expect(said).toContain(`Migration ${version} is NOT RECORDED, though all of it is there`);
  });
});

describe('what is asked for being there while more is pending', () => {
  it.each([
    ['000', stages.slice(1)],
    ['002', stages.slice(3)],
  ])('at --to %s is not called all', async (to, pending) => {
    await run(`DELETE FROM keyward_migrations WHERE version > '${to}'`);
    for (const action of [applyAction, dryRunAction]) {
      const { exitCode, said } = await act(action, { to });
      expect(said).toContain(`no migration up to ${to} is pending. Beyond it are: ${pending.join(', ')}`);
      expect(exitCode).toBe(0);
    }
  });
});

describe('an empty api_key_source', () => {
  it('is told by --check as it fails --verify, and --force writes environment', async () => {
    await run(`UPDATE llm_providers SET api_key_source = '' WHERE provider_slug IN ('groq', 'xai')`);
    const checked = await act(checkAction);
    expect(checked.said).toContain('2 providers with an empty api_key_source, which counts for environment');
    expect(checked.exitCode).toBe(4);
    expect(await act(verifyAction)).toMatchObject({ exitCode: 7 });
    expect(await act(applyAction, { force: true })).toMatchObject({ exitCode: 0 });
    expect(await act(verifyAction)).toMatchObject({ exitCode: 0 });
    expect(await act(checkAction)).toMatchObject({ exitCode: 0 });
  });
});

describe('a NOT NULL that is NOT VALID, which PostgreSQL 18 knows', () => {
  it('is drift, and --force validates it', async ({ skip }) => {
    const { rows } = await (
      await opened.connect()
    ).query<{ number: string }>(`SELECT current_setting('server_version_num') AS number`);
    skip(Number(rows[0]?.number) < 180_000, 'an older PostgreSQL');
    await run(`ALTER TABLE llm_providers ALTER api_key_source DROP NOT NULL; COMMIT;
      UPDATE llm_providers SET api_key_source = NULL WHERE provider_slug = 'groq'; COMMIT;
      ALTER TABLE llm_providers ADD CONSTRAINT has_source NOT NULL api_key_source NOT VALID`);
    const { exitCode, said } = await act(checkAction);
    expect(said).toContain('not null not valid');
    expect(exitCode).toBe(4);
    expect(await act(applyAction, { force: true })).toMatchObject({ exitCode: 0 });
    expect(await act(checkAction)).toMatchObject({ exitCode: 0 });
  });
});

describe('keys that a rollback saved', () => {
  const backup = `CREATE TABLE llm_providers_system_keys_backup_002 (provider_slug TEXT, encrypted_api_key TEXT, api_key_source TEXT,
      api_key_updated_at TIMESTAMP, api_key_last_tested TIMESTAMP, api_key_test_status TEXT, backed_up_at TIMESTAMP DEFAULT now());
    INSERT INTO llm_providers_system_keys_backup_002 (provider_slug, encrypted_api_key) VALUES ('groq', 'older'), ('xai', 'saved')`;
  const newKey = `UPDATE llm_providers SET encrypted_api_key = 'newer' WHERE provider_slug = 'groq'`;

  it('are offered where there is room for them; of one that a newer key has replaced the truth is told', async () => {
    await run(`${backup}; ${newKey}`);
    const left =
      /Left in the backup, because a newer key is stored or the provider is gone: groq\. .*DROP TABLE/;
    const offered = await act(applyAction);
    expect(offered.said).toContain(
      'A rollback saved the keys of xai. Put them back with: keyward migrate --yes',
    );
    expect(offered.said).toMatch(left);
    expect((await act(applyAction, { yes: true })).said).toMatch(left);
    const after = await act(applyAction);
    expect(after.said).not.toContain('Put them back');
    expect(after.said).toMatch(left);
    expect((await act(applyAction, { yes: true })).report['restored']).toEqual({
      restored: [],
      left: ['groq'],
    });
  });
});

describe('an embedded database that is not made yet', () => {
  const directory = useTemporaryDirectory();
  afterEach(() => vi.unstubAllEnvs());

  it('is not made by --check, which finds everything pending', async () => {
    for (const name of ['DATABASE_URL', 'POSTGRES_HOST']) vi.stubEnv(name, undefined);
    vi.stubEnv('KEYWARD_DATA_DIR', join(directory(), 'data'));
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const exitCode = await migrate({ check: true }).finally(() => stderr.mockRestore());
    expect(exitCode).toBe(3);
    expect(readdirSync(directory())).toEqual([]);
  });
});

describe('tables that Keyward cannot extend', () => {
  const otherGeneration =
    'CREATE TABLE llm_providers (id UUID PRIMARY KEY, name TEXT, type TEXT, enabled BOOLEAN)';
  const renamed = `${known.migrations[0]?.sql}; ALTER TABLE llm_models RENAME TO models`;

  it.each([
    ['of another generation', otherGeneration, 'missing: llm_providers.api_key_format'],
    ['under another name', renamed, 'models looks like llm_models'],
  ])(
    '%s end --check as they end an apply, with the list and without a word of applying',
    async (_, sql, says) => {
      await opened.empty({ migrate: false });
      await run(sql);
      const { exitCode, said, report } = await act(checkAction);
      expect({ exitCode, error: report['error'] }).toEqual({
        exitCode: 1,
        error: expect.stringContaining(says),
      });
      expect(said).toContain('Migration 001 CANNOT BE APPLIED to what is there');
      expect(said).toContain(says);
      expect(said).not.toContain('Apply what is missing');
      await expect(act(applyAction)).rejects.toThrow(says);
    },
  );
});
