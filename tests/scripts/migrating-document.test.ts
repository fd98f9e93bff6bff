/** docs/migrating.md tells the truth: its commands, exit codes and messages exist, its SQL does what it says. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { sqlStatements } from '../../scripts/markdown-sql.ts';
import { markedNames } from '../../scripts/marked-blocks.ts';
import { applyMigrations } from '../../src/database/migrations/apply.ts';
import { otherRunnerPatienceMs } from '../../src/database/migrations/lock-runners.ts';
import { migrateExit } from '../../src/database/migrations/migration-failure.ts';
import { rollBackMigrations } from '../../src/database/migrations/roll-back.ts';
import { defaultLockTimeoutMs } from '../../src/database/migrations/runner-lock.ts';
import { shippedMigrations } from '../../src/database/migrations/shipped-migrations.ts';
import { describeOnEachDatabase, openOn } from '../support/keyward-database.ts';
import { runKeyward } from '../support/keyward-process.ts';

const root = new URL('../../', import.meta.url);
const document = readFileSync(new URL('docs/migrating.md', root), 'utf8');
/** Code in a line of text, and each line of a block of code. */
const code = [
  ...[...document.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text),
  ...[...document.matchAll(/^ *```(?:sh|console)\n(.*?)^ *```$/gms)].flatMap(([, text = '']) =>
    text.split('\n'),
  ),
];

interface Command {
  /** `migrate`, `keys set`. */
  readonly path: string;
  readonly options: readonly string[];
}

function commandsShown(): Command[] {
  return code.flatMap((line) => {
    const typed = line.split(/ (?:#|2?>|\|) ?/)[0] ?? '';
    const words = /^(?:\$ )?keyward (.+)$/.exec(typed)?.[1]?.trim().split(/\s+/);
    if (words === undefined) return [];
    const firstOption = words.findIndex((word) => word.startsWith('--'));
    // What comes after the second word is an argument: a provider's slug.
    const path = words.slice(0, firstOption === -1 ? 2 : Math.min(firstOption, 2)).join(' ');
    return [{ path, options: words.filter((word) => word.startsWith('--')) }];
  });
}

describe('docs/migrating.md', () => {
  it('shows no command and no option that the program has not', async () => {
    const shown = commandsShown();
    const alone = code.flatMap((text) => /^--[a-z-]+/.exec(text)?.[0] ?? []);
    const ofPsql = '--single-transaction';
    shown.push({ path: 'migrate', options: alone.filter((option) => option !== ofPsql) });
    const paths = [...new Set(shown.map(({ path }) => path))];
    expect(paths).toEqual(expect.arrayContaining(['migrate', 'encryption-key check', 'keys set']));

    for (const path of paths) {
      const { exitCode, stdout } = await runKeyward([...path.split(' '), '--help'], {});
      expect({ path, exitCode }).toEqual({ path, exitCode: 0 });
      expect(stdout).toContain(`Usage: keyward ${path}`);
      const options = shown.filter((one) => one.path === path).flatMap((one) => one.options);
      expect(options.filter((option) => !stdout.includes(`${option} `))).toEqual([]);
    }
  });

  it('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = [...document.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name);
    expect(named).toContain('test:migration');
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('explains every exit code of the program, and no other', async () => {
    const explained = [...document.matchAll(/^\| (\d) \| /gm)].map(([, code]) => Number(code));
    expect(explained).toEqual(Object.values(migrateExit));
    const { stdout } = await runKeyward(['migrate', '--help'], {});
    const inHelp = [...stdout.matchAll(/^ {2}(\d) {2}/gm)].map(([, code]) => Number(code));
    expect(explained).toEqual(inHelp);
  });

  it('explains only messages that the program can say', () => {
    const sources = ['src/cli/', 'src/database/', 'src/database/migrations/', 'migrations/'].flatMap(
      (directory) =>
        readdirSync(new URL(directory, root))
          .filter((file) => /\.(?:ts|sql)$/.test(file))
          .map((file) => readFileSync(new URL(`${directory}${file}`, root), 'utf8')),
    );
    const source = sources.join('\n');
    const table = document.slice(document.indexOf('| Message |'), document.indexOf('## Troubleshooting'));
    const fragments = [...table.matchAll(/^\| (`.*?`) \| /gm)]
      .flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)])
      .flatMap(([, message = '']) => message.split('…'))
      .map((fragment) => fragment.trim())
      .filter((fragment) => /\w/.test(fragment));
    expect(fragments.length).toBeGreaterThan(14);
    expect(fragments.filter((fragment) => !source.includes(fragment))).toEqual([]);
  });

  it('gives the time that the runner waits for a lock as it is', () => {
    expect(defaultLockTimeoutMs).toBe(500);
    expect(otherRunnerPatienceMs).toBe(30_000);
    expect(document).toContain('the patience is longer: 30 seconds');
    expect(document).toContain(
      'wait for a table for half a second at most (`--lock-timeout`, in milliseconds)',
    );
    expect(document).toContain(`lock_timeout=${defaultLockTimeoutMs}ms`);
  });

  it('has a place for every transcript that is made, and none that stays empty', () => {
    const scenes = readFileSync(new URL('scripts/migrating-scenes.ts', root), 'utf8');
    const made = new Set([...scenes.matchAll(/stage\.show\(\s*'([\w-]+)'/g)].map(([, name]) => name));
    expect(new Set(markedNames(document))).toEqual(made);
    expect(document).not.toMatch(/<!-- transcript: \S+ -->\n<!-- end/);
  });

  it.each([
    ['a table', 'SELECT count(*) FROM llm_providers', 'llm_providers'],
    ['the lock of the runners', 'SELECT pg_advisory_xact_lock(8084002)', 'lock of the runners'],
  ])('finds the transaction that holds %s', async (_, hold, holds) => {
    const opened = await openOn('postgres');
    await opened.empty();
    const holder = await opened.connect();
    await holder.query(`BEGIN; ${hold}`);
    const { rows } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const query = sqlStatements(document).find((statement) => statement.includes('pg_stat_activity')) ?? '';
    const looker = await opened.connect();
    expect((await looker.query(query)).rows).toMatchObject([
      { pid: rows[0]?.pid, state: 'idle in transaction', holds },
    ]);
    await opened.close();
  });
});

describeOnEachDatabase('the backup file', (opened) => {
  it('brings every key back by the SQL of docs/migrating.md, without the backup table', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'keyward-test-backups-'));
    const known = shippedMigrations();
    const { kysely } = opened().database;
    const client = await opened().connect();
    await client.query(`
      UPDATE llm_providers SET encrypted_api_key = 'token of ' || provider_slug, api_key_source = 'hybrid' WHERE id < 4;
      UPDATE llm_providers SET api_key_updated_at = '2025-06-07 08:09:10.123456', api_key_last_tested = '2025-06-08', api_key_test_status = 'invalid' WHERE id < 4;
      UPDATE llm_providers SET api_key_binding = 'binding of ' || provider_slug, allow_private_network = true, request_headers = '{"x-team": "a"}' WHERE id < 3`);
    const keys = `
      SELECT provider_slug, encrypted_api_key, api_key_source, api_key_updated_at::text, api_key_last_tested::text, api_key_test_status,
             api_key_binding, allow_private_network, request_headers
        FROM llm_providers WHERE encrypted_api_key IS NOT NULL ORDER BY id`;
    const before = (await client.query(keys)).rows as unknown[];
    expect(before).toHaveLength(3);
    const quiet = { lockTimeoutMs: 2_000, onWaiting: () => undefined, onStep: () => undefined };
    await rollBackMigrations(kysely, known, {
      to: '001',
      confirmed: true,
      backupDirectory: directory,
      ...quiet,
    });
    await client.query('DROP TABLE llm_providers_system_keys_backup_002, llm_providers_settings_backup_007');
    await applyMigrations(kysely, known, { force: false, ...quiet });
    expect((await client.query(keys)).rows).toEqual([]);

    const [file = ''] = await readdir(directory);
    const content = pg.escapeLiteral(await readFile(join(directory, file), 'utf8'));
    const restore =
      sqlStatements(document).find((statement) => statement.includes('jsonb_to_recordset')) ?? '';
    await client.query(restore.replace(/^\\set .*\n/, '').replaceAll(":'file'", content));
    expect((await client.query(keys)).rows).toEqual(before);
    await rm(directory, { recursive: true });
  });
});
