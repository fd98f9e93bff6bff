/** `keyward migrate` speaks to people on standard error and to programs on standard output, and never mixes them up. */
import { describe, expect, it, vi } from 'vitest';
import { runKeyward } from '../support/keyward-process.ts';
import { stages, threeKeys } from '../support/migration-stages.ts';
import { migrateForPeople, migrateForPrograms } from '../support/migrate-command.ts';
import { useMigratingCases } from '../support/migrating-cases.ts';
import { hasTerminal, TerminalProcess } from '../support/terminal-process.ts';

vi.setConfig({ testTimeout: 60_000 });

const newCase = useMigratingCases();
const newest = stages.at(-1) ?? '';
const escape = '\u001B';

describe('for people', () => {
  it('everything is on standard error: header, connection, each step with a mark, verification, closing line', async () => {
    const { environment, url } = await newCase('000');
    const { exitCode, stdout, stderr } = await migrateForPeople(environment, '--to', '002');
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    const { host, pathname, password } = new URL(url);
    const steady = stderr
      .replaceAll(/\d+(?= ms)/g, 'N')
      .replace(/^Migrations: .*$/m, 'Migrations: …')
      .replace(/^Timestamp: .*$/m, 'Timestamp:  …')
      .replace(host + pathname, '…');
    const rule = '='.repeat(70);
    expect(steady.split('\n')).toEqual([
      rule,
      '  Keyward Migration Runner',
      rule,
      '',
      'Migrations: …',
      'Timestamp:  …',
      '',
      '✅ Connected to database: PostgreSQL postgres@…',
      '',
      rule,
      '  Applying pending migrations',
      rule,
      '',
      '✅ Applied 001_create_llm_tables.sql in N ms',
      '✅ Applied 002_add_system_api_keys.sql in N ms',
      '',
      rule,
      '  Verifying',
      rule,
      '',
      '✅ Migration 001 is APPLIED: create_llm_tables',
      '✅ Migration 002 is APPLIED: add_system_api_keys',
      '',
      'ℹ️  Database connection closed',
      '',
    ]);
    expect(stderr).not.toContain(password);
  });

  it.each([[['--check']], [['--verify']], [['--rollback']], [['--to', '001']]])(
    '%j leaves standard output empty',
    async (args) => {
      const { environment } = await newCase(newest);
      const { exitCode, stdout, stderr } = await migrateForPeople(environment, ...args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
      expect(stderr).toContain('Keyward Migration Runner');
    },
  );

  it('there is no colour where no terminal is, nor is there for programs', async () => {
    const { environment } = await newCase(newest);
    for (const args of [[], ['--check'], ['--verify'], ['--json']]) {
      const { stdout, stderr } = await migrateForPeople(environment, ...args);
      expect(stdout + stderr).not.toContain(escape);
    }
  });

  it.skipIf(!hasTerminal())('there is colour on a terminal, and none under NO_COLOR', async () => {
    const { environment } = await newCase(newest);
    const coloured = await new TerminalProcess(['migrate', '--check'], environment).ended();
    expect(coloured.exitCode).toBe(0);
    expect(coloured.shown).toContain(`${escape}[32m✅ Migration 002 is APPLIED`);
    const plain = await new TerminalProcess(['migrate', '--check'], {
      ...environment,
      NO_COLOR: '1',
    }).ended();
    expect(plain.shown).toContain('✅ Migration 002 is APPLIED');
    expect(plain.shown).not.toContain(escape);
  });

  it('the help lists every exit code', async () => {
    const { stdout } = await runKeyward(['migrate', '--help'], {});
    for (const code of [0, 1, 2, 3, 4, 5, 6, 7])
      expect(stdout).toMatch(new RegExp(`^ {2}${code} {2}\\S`, 'm'));
  });
});

describe('for programs', () => {
  it.each([
    { args: [], stage: '001', keys: ['action', 'ok', 'exit_code', 'done', 'restored', 'migrations'] },
    { args: ['--check'], stage: newest, keys: ['action', 'ok', 'exit_code', 'migrations'] },
    { args: ['--rollback'], stage: newest, keys: ['action', 'ok', 'exit_code', 'rolled_back', 'backup'] },
    { args: ['--rollback'], stage: '001', keys: ['action', 'ok', 'exit_code', 'rolled_back', 'backup'] },
    { args: ['--dry-run'], stage: '001', keys: ['action', 'ok', 'exit_code', 'adopted', 'sql'] },
    {
      args: ['--verify'],
      stage: newest,
      keys: ['action', 'ok', 'exit_code', 'tests_run', 'tests_passed', 'tests_failed', 'suites'],
    },
  ])(
    '--json $args at $stage is one object on standard output, and people still read along',
    async ({ args, stage, keys }) => {
      const { environment } = await newCase(stage);
      const { exitCode, report, stderr } = await migrateForPrograms(environment, ...args);
      expect(Object.keys(report)).toEqual(keys);
      expect(report).toMatchObject({ ok: true, exit_code: 0 });
      expect(exitCode).toBe(0);
      expect(stderr).toContain('Keyward Migration Runner');
    },
  );

  it('a refusal is one object too', async () => {
    const { environment } = await newCase(newest, threeKeys);
    const { exitCode, report } = await migrateForPrograms(environment, '--rollback');
    expect(exitCode).toBe(6);
    expect(report).toEqual({ action: 'rollback', ok: false, exit_code: 6, error: expect.any(String) });
  });

  it('a configuration at fault is one object too', async () => {
    const { exitCode, report } = await migrateForPrograms({ POSTGRES_HOST: 'db.internal' });
    expect(exitCode).toBe(1);
    expect(report['error']).toContain('The database is half set');
  });
});

describe('--dry-run', () => {
  it.each(['000', '001', '003'])(
    'at %s prints the SQL that is missing, which does what the runner does',
    async (stage) => {
      const { environment, contents, sql } = await newCase(stage);
      const before = await contents();
      const { exitCode, stdout } = await migrateForPeople(environment, '--dry-run');
      expect(exitCode).toBe(0);
      expect(stdout.match(/^-- \d{3}\w+\.sql$/gm)?.map((line) => line.slice(3, 6))).toEqual(
        stages.filter((version) => version > stage),
      );
      expect(await contents()).toEqual(before);

      await sql(stdout);
      const { report } = await migrateForPrograms(environment, '--check');
      expect(report['migrations']).toMatchObject(
        stages.slice(1).map((version) => ({ version, differences: [] })),
      );
    },
  );

  it('--to bounds it, and at the newest version there is nothing', async () => {
    const { environment } = await newCase('001');
    const upTo002 = await migrateForPrograms(environment, '--dry-run', '--to', '002');
    expect(upTo002.report['sql']).toMatchObject([{ version: '002', transactions: 1 }]);
    const { environment: whole } = await newCase(newest);
    const nothing = await migrateForPeople(whole, '--dry-run');
    expect(nothing).toMatchObject({ exitCode: 0, stdout: '' });
    expect(nothing.stderr).toContain('Nothing would run');
  });

  it("tables of before Keyward would be adopted, and none of 001's SQL is printed", async () => {
    const { environment, sql } = await newCase('001', 'DROP TABLE keyward_migrations');
    const { stdout, stderr } = await migrateForPeople(environment, '--dry-run');
    expect(stderr).toContain('001_create_llm_tables.sql would be adopted');
    expect(stdout).not.toContain('-- 001');
    expect(await sql(`SELECT to_regclass('keyward_migrations') AS ledger`)).toEqual([{ ledger: null }]);
  });

  it('on a large table it says that 002 takes two transactions', async () => {
    const { environment } = await newCase(
      '001',
      `INSERT INTO llm_providers (provider_name, provider_slug, display_name, description)
       SELECT 'p' || n, 'p' || n, 'P', repeat('x', 1000) FROM generate_series(1, 10000) AS n`,
    );
    const { report, stderr } = await migrateForPrograms(environment, '--dry-run', '--to', '002');
    expect(report['sql']).toMatchObject([{ version: '002', transactions: 2 }]);
    expect(stderr).toContain(
      '002_add_system_api_keys.sql would run in 2 transactions, as the table is large',
    );
  });
});
