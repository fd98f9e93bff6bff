/** `keyward migrate --rollback` and the apply after it: no key is lost on the way, and nobody has to trust that. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { backupTable } from '../../src/database/migrations/key-backup.ts';
import { readCatalogue } from '../support/database-contents.ts';
import { migrateForPeople, migrateForPrograms } from '../support/migrate-command.ts';
import { known, stages, threeKeys, withClient } from '../support/migration-stages.ts';
import { type MigratingCase, useMigratingCases } from '../support/migrating-cases.ts';
import { hasTerminal, TerminalProcess } from '../support/terminal-process.ts';

vi.setConfig({ testTimeout: 60_000 });

const newCase = useMigratingCases();
const newest = stages.at(-1) ?? '';

/** What a rollback to this version takes back, in its order. */
const filesAfter = (stays: string): string[] =>
  known.migrations
    .filter(({ version }) => version > stays)
    .map(({ file }) => file)
    .toReversed();

interface Backup {
  readonly path: string;
  readonly count: number;
  readonly checksum: string;
}

/** A database with three keys, and a data directory of its own. */
async function withKeys(): Promise<MigratingCase> {
  const found = await newCase(newest, `${threeKeys}; ${bindings}`);
  const dataDirectory = mkdtempSync(join(found.dataDirectory, 'data-'));
  return { ...found, dataDirectory, environment: { ...found.environment, KEYWARD_DATA_DIR: dataDirectory } };
}

async function rollBack({ environment }: MigratingCase): Promise<Backup> {
  const { exitCode, report, stderr } = await migrateForPrograms(environment, '--rollback', '--yes');
  expect(exitCode, stderr).toBe(0);
  return report['backup'] as Backup;
}

const keyFields = `provider_slug, encrypted_api_key, api_key_source, api_key_updated_at::text AS api_key_updated_at,
  api_key_last_tested::text AS api_key_last_tested, api_key_test_status`;
const addedFields = 'api_key_binding, allow_private_network, request_headers';
const bindings = `UPDATE llm_providers SET api_key_binding = 'binding of ' || provider_slug, allow_private_network = true,
  request_headers = '{"x-team": "a"}' WHERE provider_slug IN ('openai', 'groq')`;
const readKeys = `SELECT ${keyFields} FROM llm_providers WHERE encrypted_api_key IS NOT NULL ORDER BY provider_slug`;
/** With what 007 adds. */
const readBoundKeys = readKeys.replace(' FROM', `, ${addedFields} FROM`);

it('--yes saves the keys, still encrypted, to a table and to a file of mode 0600 with count and checksum', async () => {
  const found = await withKeys();
  const keys = await found.sql(readKeys);
  const boundKeys = await found.sql(readBoundKeys);
  const { exitCode, report, stderr } = await migrateForPrograms(found.environment, '--rollback', '--yes');
  expect(exitCode).toBe(0);
  expect(report['rolled_back']).toEqual(filesAfter('001'));
  expect(await found.stage()).toBe('001');
  expect(await found.sql(`SELECT ${keyFields} FROM ${backupTable} ORDER BY provider_slug`)).toEqual(keys);

  const { path, count, checksum } = report['backup'] as Backup;
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  const file = JSON.parse(readFileSync(path, 'utf8')) as { count: number; checksum: string; keys: unknown[] };
  expect(file).toMatchObject({ count: 3, checksum });
  expect(count).toBe(3);
  expect(createHash('sha256').update(JSON.stringify(file.keys)).digest('hex')).toBe(checksum);
  const spaced = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value).replaceAll(/(?<=-\d\d)T(?=\d\d:)/g, ' '));
  expect(spaced(file.keys)).toEqual(boundKeys);

  expect(stderr).toContain(`Saved 3 key(s), still encrypted, to the table ${backupTable}`);
  expect(stderr).toContain(path);
  expect(stderr).toContain(checksum);
  expect(stderr).toContain('To bring them back: keyward migrate --yes');
});

it('an apply without --yes tells of the saved keys and leaves them; with --yes each comes back and the table goes', async () => {
  const found = await withKeys();
  const keys = await found.sql(readBoundKeys);
  await rollBack(found);

  const without = await migrateForPrograms(found.environment);
  expect(without).toMatchObject({ exitCode: 0, report: { restored: null } });
  expect(without.stderr).toContain(
    'A rollback saved the keys of anthropic, groq, openai. Put them back with: keyward migrate --yes',
  );
  expect(await found.sql(readKeys)).toEqual([]);

  const { exitCode, report, stderr } = await migrateForPrograms(found.environment, '--yes');
  expect(exitCode).toBe(0);
  expect(report['restored']).toEqual({ restored: ['anthropic', 'groq', 'openai'], left: [] });
  expect(stderr).toContain('Restored 3 key(s), each read back: anthropic, groq, openai');
  expect(await found.sql(readBoundKeys)).toEqual(keys);
  expect(await found.sql(`SELECT to_regclass('${backupTable}') AS backup`)).toEqual([{ backup: null }]);
});

it('of 007 alone brings bindings and settings back with the next apply, unasked', async () => {
  const found = await withKeys();
  const keys = await found.sql(readBoundKeys);
  expect(await migrateForPrograms(found.environment, '--rollback', '--to', '006')).toMatchObject({
    exitCode: 0,
    report: { rolled_back: filesAfter('006'), backup: null },
  });
  expect(await found.stage()).toBe('006');
  expect(await migrateForPrograms(found.environment)).toMatchObject({ exitCode: 0 });
  expect(await found.sql(readBoundKeys)).toEqual(keys);
});

it('a newer key is not overwritten: the old one stays in the backup, and is named', async () => {
  const found = await withKeys();
  await rollBack(found);
  await migrateForPeople(found.environment);
  await found.sql(`UPDATE llm_providers SET encrypted_api_key = 'newer' WHERE provider_slug = 'groq'`);
  const { report, stderr } = await migrateForPrograms(found.environment, '--yes');
  expect(report['restored']).toEqual({ restored: ['anthropic', 'openai'], left: ['groq'] });
  expect(stderr).toContain('Left in the backup, because a newer key is stored or the provider is gone: groq');
  expect(await found.sql(`SELECT provider_slug, encrypted_api_key FROM ${backupTable}`)).toEqual([
    { provider_slug: 'groq', encrypted_api_key: 'token-of-groq' },
  ]);
  expect(
    await found.sql(`SELECT encrypted_api_key AS key FROM llm_providers WHERE provider_slug = 'groq'`),
  ).toEqual([{ key: 'newer' }]);
});

it('an apply that stops before 002 leaves the saved keys where they are', async () => {
  const found = await withKeys();
  await rollBack(found);
  expect(await migrateForPrograms(found.environment, '--to', '001', '--yes')).toMatchObject({ exitCode: 0 });
  expect(await found.sql(`SELECT count(*)::int AS saved FROM ${backupTable}`)).toEqual([{ saved: 3 }]);
  expect(await migrateForPrograms(found.environment, '--to', '002', '--yes')).toMatchObject({
    exitCode: 0,
    report: { restored: { restored: ['anthropic', 'groq', 'openai'] } },
  });
});

it('a backup file that cannot be written stops the rollback, and nothing is changed', async () => {
  const found = await withKeys();
  writeFileSync(join(found.dataDirectory, 'backups'), 'a file where the directory should be');
  const before = await found.contents();
  const { exitCode, report } = await migrateForPrograms(found.environment, '--rollback', '--yes');
  expect(exitCode).toBe(1);
  expect(report['error']).toMatch(
    /^The backup of the keys cannot be written to [^\n]+ Nothing was changed\.$/,
  );
  expect(await found.contents()).toEqual(before);
});

it('what was built on the columns since is named, nothing is changed, and no backup file is left', async () => {
  const found = await withKeys();
  await found.sql('CREATE VIEW keyed AS SELECT id FROM llm_providers WHERE encrypted_api_key IS NOT NULL');
  const before = await found.contents();
  const { exitCode, report } = await migrateForPrograms(found.environment, '--rollback', '--yes');
  expect(exitCode).toBe(1);
  expect(report['error']).toContain('view keyed depends on column encrypted_api_key of table llm_providers');
  expect(await found.contents()).toEqual(before);
  expect(readdirSync(join(found.dataDirectory, 'backups'))).toEqual([]);
});

it("a newer Keyward's migration is named, and nothing is rolled back from under it", async () => {
  const found = await withKeys();
  await found.sql(
    `INSERT INTO keyward_migrations VALUES ('901', 'of_tomorrow', repeat('0', 64), now(), 'somebody', 1)`,
  );
  const before = await found.contents();
  const { exitCode, report } = await migrateForPrograms(found.environment, '--rollback', '--yes');
  expect(exitCode).toBe(1);
  expect(report['error']).toContain('A newer Keyward applied 901 here');
  expect(await found.contents()).toEqual(before);
});

it('--to says what stays: only what is after it goes, in order; adopted tables stay even at 000', async () => {
  const found = await newCase(newest);
  expect(
    (await migrateForPrograms(found.environment, '--rollback', '--to', '003')).report['rolled_back'],
  ).toEqual(filesAfter('003'));
  expect(await found.stage()).toBe('003');
  expect(await migrateForPrograms(found.environment, '--rollback', '--to', '000')).toMatchObject({
    exitCode: 0,
  });
  const left = await withClient(found.url, readCatalogue);
  expect(Object.keys(left).filter((name) => name.startsWith('table '))).toEqual(['table keyward_migrations']);

  const adopted = await newCase('001', 'DROP TABLE keyward_migrations');
  await migrateForPeople(adopted.environment);
  expect(
    (await migrateForPrograms(adopted.environment, '--rollback', '--to', '000')).report['rolled_back'],
  ).toEqual(filesAfter('001'));
  expect(await adopted.sql('SELECT count(*)::int AS rows FROM llm_providers')).toEqual([{ rows: 7 }]);
});

it('from half a migration goes back too, with the keys', async () => {
  const found = await newCase(
    '002',
    `${threeKeys}; DELETE FROM keyward_migrations WHERE version = '002';
     DROP INDEX idx_llm_providers_has_db_key; ALTER TABLE llm_providers DROP COLUMN api_key_source, DROP COLUMN api_key_test_status`,
  );
  expect(await rollBack(found)).toMatchObject({ count: 3 });
  expect(await found.stage()).toBe('001');
  const { report } = await migrateForPrograms(found.environment, '--yes');
  expect(report['restored']).toMatchObject({ restored: ['anthropic', 'groq', 'openai'] });
  expect(await found.sql(readKeys)).toMatchObject([
    { provider_slug: 'anthropic', encrypted_api_key: 'token-of-anthropic', api_key_source: 'environment' },
    { provider_slug: 'groq' },
    { provider_slug: 'openai' },
  ]);
});

it.skipIf(!hasTerminal())('at a terminal it asks: no leaves everything, yes goes on', async () => {
  const found = await withKeys();
  const before = await found.contents();
  const refused = new TerminalProcess(['migrate', '--rollback'], found.environment);
  await refused.shows(/Go on\?/);
  refused.type('n');
  expect((await refused.ended()).exitCode).toBe(6);
  expect(await found.contents()).toEqual(before);

  const agreed = new TerminalProcess(['migrate', '--rollback'], found.environment);
  await agreed.shows(/Go on\?/);
  agreed.type('y');
  expect((await agreed.ended()).exitCode).toBe(0);
  expect(await found.stage()).toBe('001');

  const restoring = new TerminalProcess(['migrate'], found.environment);
  await restoring.shows(/Put them back\?/);
  restoring.type('y');
  expect((await restoring.ended()).exitCode).toBe(0);
  expect(await found.sql('SELECT count(encrypted_api_key)::int AS keys FROM llm_providers')).toEqual([
    { keys: 3 },
  ]);
});
