/** `keyward backup`, `backup inspect` and `restore`, as an operator meets them. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { commandLine, commandLineAt, type CommandLine } from '../support/command-line.ts';
import { newPlace } from '../support/running-keyward.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const key = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');

/** Takes out what differs from run to run beyond what every transcript does. */
const steady = (text: string, archive: string): string =>
  text
    .replaceAll(archive, 'FILE')
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'CHECKSUM')
    .replaceAll(/\b\d+ bytes\b/g, 'N bytes')
    .replaceAll(/\S+@\S+:\d+\/DATABASE|\S+:\d+\/DATABASE/g, 'DATABASE');

async function backedUp(): Promise<CommandLine & { archive: string }> {
  const line = await commandLine();
  await line.run('keys set openrouter --source database', { input: key });
  const archive = join(line.dataDirectory, 'one.archive');
  await line.run(`backup --output ${archive}`);
  return { ...line, archive };
}

/** An empty place with the same encryption key. */
async function elsewhere(
  { environment }: CommandLine,
  engine: 'embedded' | 'postgres' = 'postgres',
  env: Readonly<Record<string, string>> = {},
): Promise<CommandLine> {
  const place = await newPlace(engine === 'embedded' ? 'named' : engine, { migrated: false });
  onTestFinished(async () => place.remove());
  const { BYOK_ENCRYPTION_KEY = '' } = environment;
  return commandLineAt({ ...place.environment, BYOK_ENCRYPTION_KEY, ...env });
}

describe('keyward backup', () => {
  it('says what it made, what it takes to restore it, and what is not in it', async () => {
    const { run, dataDirectory } = await commandLine();
    await run('keys set openrouter --source database', { input: key });
    const archive = join(dataDirectory, 'one.archive');
    const made = await run(`backup --output ${archive} --reason before-the-move`);
    expect(steady(made.transcript, 'DATA/one.archive')).toMatchInlineSnapshot(`
      "$ keyward backup --output FILE --reason before-the-move
      Backed up 18 rows of 27 tables to FILE (N bytes, mode 0600).
      Checksum: CHECKSUM
      To restore it takes the encryption key a28d2b29, not in the archive: back it up apart from it.
      Not in it either: keys in environment variables, and
        llm_usage_logs: asked for with --with-usage only
        keyward_idempotency_keys: answers kept for repeated requests, good for a day; and counts of attempts
        keyward_instances: says which servers run now
        keyward_migrations: a restore applies the migrations anew and writes its own
        keyward_sessions: whoever is signed in signs in again
        keyward_token_minutes: counts of the last minutes
        keyward_usage_hourly: counts of the last two days; those by day are in it
      "
    `);
    expect((await stat(archive)).mode & 0o777).toBe(0o600);
    expect((await run('audit list --json --action archive')).stdout).toContain('before-the-move');
  });

  it('replaces a file only with --force', async () => {
    const { run, archive } = await backedUp();
    const before = await readFile(archive);
    const refused = await run(`backup --output ${archive}`);
    expect([refused.exitCode, refused.stderr]).toEqual([
      2,
      `keyward: ${archive} is there already. Name another file, or say --force to replace it.\n`,
    ]);
    expect((await readFile(archive)).equals(before)).toBe(true);
    expect((await run(`backup --output ${archive} --force --json`)).json).toMatchObject({
      file: archive,
      recorded: true,
      tables: { keyward_audit_events: 2 },
    });
    expect((await readdir(join(archive, '..'))).filter((name) => name.includes('unfinished'))).toEqual([]);
  });

  it('makes neither a database nor a key where there is none', async () => {
    const place = await newPlace('named');
    onTestFinished(async () => place.remove());
    const { BYOK_ENCRYPTION_KEY: _, ...environment } = place.environment;
    const { run, dataDirectory } = commandLineAt(environment);
    expect((await run('backup')).stderr).toContain('There is no database in');
    expect(await readdir(dataDirectory)).toEqual([]);
  });

  it('stands also where no event can tell of it, and says so', async () => {
    const { run, environment, dataDirectory } = await commandLine();
    const readOnly = new URL(environment['DATABASE_URL'] ?? '');
    readOnly.searchParams.set('options', '-cdefault_transaction_read_only=on');
    const archive = join(dataDirectory, 'one.archive');
    const made = await run(`backup --output ${archive} --json`, { env: { DATABASE_URL: readOnly.href } });
    expect([made.exitCode, made.json]).toEqual([0, expect.objectContaining({ recorded: false })]);
    expect(made.stderr).toMatch(
      /^Warning: the archive is made, but no event of the audit trail tells of it\. /,
    );
  });
});

describe('keyward backup inspect', () => {
  it('says what is in it and that it opens here; needs no database', async () => {
    const { environment, archive } = await backedUp();
    const { run } = commandLineAt({ ...environment, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' });
    const inspected = await run(`backup inspect ${archive}`);
    expect(inspected.exitCode).toBe(0);
    expect(steady(inspected.transcript, 'DATA/one.archive')).toMatchInlineSnapshot(`
      "$ keyward backup inspect FILE
      FILE: made TIME by Keyward 0.1.0 of a database at migration 012, N bytes.
      TABLE                       ROWS
      keyward_revision            1
      keyward_installation        1
      keyward_audit_chain         1
      keyward_audit_events        1
      keyward_foreign_changes     0
      keyward_encryption_keys     0
      llm_providers               12
      llm_models                  0
      user_api_keys               0
      llm_routing_rules           0
      keyward_tokens              0
      keyward_token_limits        0
      keyward_model_aliases       0
      keyward_usage_daily         0
      keyward_key_tests           0
      keyward_key_versions        1
      keyward_rotations           0
      keyward_rotation_traffic    0
      keyward_rotation_schedules  0
      keyward_management_keys     0
      keyward_key_policies        0
      keyward_daily_tests         0
      keyward_live_verdicts       0
      keyward_alerts              0
      keyward_alert_channels      0
      keyward_alert_deliveries    0
      keyward_provider_revisions  1
      Not in it: llm_usage_logs (asked for with --with-usage only)
      Not in it: keyward_idempotency_keys (answers kept for repeated requests, good for a day; and counts of attempts)
      Not in it: keyward_instances (says which servers run now)
      Not in it: keyward_migrations (a restore applies the migrations anew and writes its own)
      Not in it: keyward_sessions (whoever is signed in signs in again)
      Not in it: keyward_token_minutes (counts of the last minutes)
      Not in it: keyward_usage_hourly (counts of the last two days; those by day are in it)
      ENCRYPTION KEY  OPENS IT  STORED TOKENS  HERE
      a28d2b29        yes       3              in the ring
      Checksum: CHECKSUM, which fits.
      Everything in it is as it was written, and opens with the ring from BYOK_ENCRYPTION_KEY.
      "
    `);
  });

  it('tells a ring that lacks its key, no ring at all, and a damaged file apart, also by the exit code', async () => {
    const { run, archive, environment } = await backedUp();
    const other = await run(`backup inspect ${archive} --json`, {
      env: { BYOK_ENCRYPTION_KEY: generateEncryptionKey().reveal() },
    });
    const [id] = (other.json as { missing_keys: string[] }).missing_keys;
    expect([other.exitCode, other.json]).toEqual([
      3,
      expect.objectContaining({
        opens: false,
        proven: null,
        checksum_fits: true,
        missing_keys: [id],
        encrypted_under: id,
      }),
    ]);
    const { BYOK_ENCRYPTION_KEY: _, ...without } = environment;
    const none = await commandLineAt(without).run(`backup inspect ${archive}`);
    expect([none.exitCode, none.stdout]).toEqual([
      3,
      expect.stringContaining('there is no ring here') as string,
    ]);
    const bytes = await readFile(archive);
    bytes[bytes.length - 100] = (bytes.at(-100) ?? 0) ^ 1;
    await writeFile(archive, bytes);
    const damaged = await run(`backup inspect ${archive}`);
    expect([damaged.exitCode, damaged.stdout]).toEqual([
      1,
      expect.stringContaining(
        `${archive} is damaged: chunk 1 of its contents is not as it was written.`,
      ) as string,
    ]);
  });
});

describe('keyward restore', () => {
  it('restores into an empty database, says so, and refuses a second time', async () => {
    const from = await backedUp();
    const to = await elsewhere(from);
    const { archive } = from;
    expect((await to.run(`restore ${archive} --check`)).stdout).toContain('can be restored into the ');
    const done = await to.run(`restore ${archive} --yes --reason moved`);
    expect(steady(done.transcript.replaceAll(archive, 'FILE'), archive)).toMatchInlineSnapshot(`
      "$ keyward restore FILE --yes --reason moved
      Restored 18 rows of 27 tables, as they were at TIME, into the PostgreSQL postgres@127.0.0.1:PORT/DATABASE.
      Revision N; event 2 of the audit trail tells of it.
      What was changed since then is not in it. Ask the providers whether the keys still live: keyward keys test <provider>
      Keys in environment variables were not in the archive. Who was signed in signs in again.
      ! Applied migration 001_create_llm_tables.sql in N ms
      ! Applied migration 002_add_system_api_keys.sql in N ms
      ! Applied migration 003_add_more_providers.sql in N ms
      ! Applied migration 004_add_keyward_tables.sql in N ms
      ! Applied migration 005_add_key_checks.sql in N ms
      ! Applied migration 006_add_audit.sql in N ms
      ! Applied migration 007_add_administration.sql in N ms
      ! Applied migration 008_add_key_rotation.sql in N ms
      ! Applied migration 009_add_encryption_keys.sql in N ms
      ! Applied migration 010_add_health_watch.sql in N ms
      ! Applied migration 011_add_gateway.sql in N ms
      ! Applied migration 012_add_usage_by_hour.sql in N ms
      "
    `);
    expect((await to.run('audit verify --json')).json).toMatchObject({ whole: true });
    expect((await to.run('keys explain openrouter --json')).json).toMatchObject({
      stored_key: { problem: null, binding: 'bound' },
    });
    expect((await to.run('audit list --json --action archive')).stdout).toContain('"moved"');
    const again = await to.run(`restore ${archive} --yes`);
    expect([again.exitCode, again.stderr]).toEqual([
      6,
      expect.stringMatching(/^keyward: The database is not empty \(.*1 row in llm_providers/) as string,
    ]);
  });

  it('is never done unasked, and makes no database before it is agreed to', async () => {
    const from = await backedUp();
    const to = await elsewhere(from, 'embedded');
    const unasked = await to.run(`restore ${from.archive}`);
    expect([unasked.exitCode, unasked.stderr]).toEqual([
      2,
      'keyward: A restore asks first, and this is no terminal. Say --yes to go on.\n',
    ]);
    expect((await to.run(`restore ${from.archive} --check --json`)).json).toMatchObject({ fits: true });
    expect(await readdir(to.dataDirectory)).toEqual([]);
    expect((await to.run(`restore ${from.archive} --yes --json`)).json).toMatchObject({
      file: from.archive,
      event: 2,
      open_rotations: 0,
    });
    expect((await to.run('keys explain openrouter --json')).json).toMatchObject({
      stored_key: { problem: null },
    });
  });

  it('makes no encryption key, and says where the old one is to be put', async () => {
    const from = await backedUp();
    const place = await newPlace('named');
    onTestFinished(async () => place.remove());
    const { BYOK_ENCRYPTION_KEY: _, ...environment } = place.environment;
    const { run, dataDirectory } = commandLineAt(environment);
    const refused = await run(`restore ${from.archive} --yes`);
    expect([refused.exitCode, refused.stderr]).toEqual([
      3,
      expect.stringContaining('Put the file encryption-key back there') as string,
    ]);
    expect(await readdir(dataDirectory)).toEqual([]);
  });

  it('says which key is missing before anything is changed', async () => {
    const from = await backedUp();
    const to = await elsewhere(from, 'embedded', { BYOK_ENCRYPTION_KEY: generateEncryptionKey().reveal() });
    const refused = await to.run(`restore ${from.archive} --yes`);
    expect([refused.exitCode, refused.stderr]).toEqual([
      3,
      expect.stringMatching(
        /takes the encryption key [0-9a-f]{8}, and the ring here holds [0-9a-f]{8}\. Nothing was changed\./,
      ) as string,
    ]);
    expect(await readdir(to.dataDirectory)).toEqual([]);
  });
});
