/** Going back: in order, whole or not at all, and never past what somebody would miss. */
import { readdirSync } from 'node:fs';
import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import { assess, type KnownMigrations } from '../../../src/database/migrations/assess.ts';
import {
  lossesOf,
  previewRollBack,
  rollBackMigrations,
  type RolledBack,
} from '../../../src/database/migrations/roll-back.ts';
import { readContents } from '../../support/database-contents.ts';
import { describeOnUsualDatabases } from '../../support/keyward-database.ts';
import { known, threeKeys } from '../../support/migration-stages.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const filesAfter = (stays: string): string[] =>
  known.migrations
    .filter(({ version }) => version > stays)
    .map(({ file }) => file)
    .toReversed();

describeOnUsualDatabases('a rollback', (opened) => {
  let before: unknown;
  const contents = async (): Promise<unknown> => readContents(await opened().connect());
  const run = async (sqlText: string): Promise<void> => {
    await sql.raw(sqlText).execute(opened().database.kysely);
    before = await contents();
  };
  const rollBack = async (
    options: { to?: string; confirmed?: boolean } = {},
    what: KnownMigrations = known,
  ): Promise<RolledBack> =>
    rollBackMigrations(opened().database.kysely, what, {
      to: '001',
      confirmed: false,
      backupDirectory: directory(),
      lockTimeoutMs: 2_000,
      onWaiting: () => undefined,
      ...options,
    });

  beforeEach(async () => {
    before = await contents();
  });

  it('takes back what is after a version, the newest first; then there is nothing to take back', async () => {
    expect(await rollBack({ to: '003' })).toEqual({ files: filesAfter('003'), backup: null, kept: [] });
    expect(await rollBack({ to: '001' })).toMatchObject({
      files: filesAfter('001').filter((file) => file < '004'),
    });
    const reports = await assess(opened().database.kysely, known);
    expect(reports.map(({ version, state }) => `${version} ${state}`)).toEqual(
      known.migrations.map(({ version }) => `${version} ${version === '001' ? 'applied' : 'pending'}`),
    );
    expect(await rollBack()).toEqual({ files: [], backup: null, kept: [] });
  });

  it('says what it keeps for a later apply: the trail, and settings of providers', async () => {
    await run(`UPDATE llm_providers SET allow_private_network = true WHERE provider_slug = 'groq'`);
    expect((await rollBack({ to: '006' })).kept).toEqual([
      'settings of providers and bindings of keys, in llm_providers_settings_backup_007',
    ]);
    expect((await rollBack({ to: '005' })).kept).toEqual([
      'the audit trail, in keyward_audit_saved_*',
      'settings of providers and bindings of keys, in llm_providers_settings_backup_007',
    ]);
  });

  it('says beforehand what would go', async () => {
    await run(`${threeKeys}; INSERT INTO keyward_tokens (kind, name, token_hash, token_prefix)
      VALUES ('gateway', 'a', repeat('a', 64), 'a'), ('admin', 'b', repeat('b', 64), 'b')`);
    const { kysely } = opened().database;
    const plan = await previewRollBack(kysely, known, { to: '001', lockTimeoutMs: 2_000 });
    expect(plan.migrations.map(({ file }) => file)).toEqual(filesAfter('001'));
    expect(lossesOf(plan)).toBe(
      'the encrypted keys of anthropic, groq, openai and 2 good tokens of callers and administrators',
    );
    const less = await previewRollBack(kysely, known, { to: '003', lockTimeoutMs: 2_000 });
    expect(lossesOf(less)).toBe('2 good tokens of callers and administrators');
    expect(await contents()).toEqual(before);
  });

  it('of 007 alone revokes the tokens of viewers and those with an end, and says so beforehand', async () => {
    await run(`INSERT INTO keyward_tokens (kind, name, token_hash, token_prefix, role, expires_at)
      SELECT 'admin', name, encode(sha256(name::bytea), 'hex'), 'kwa_', role, now() AT TIME ZONE 'UTC' + hours * interval '1 hour'
        FROM (VALUES ('viewer', 'viewer', NULL), ('ends', NULL, 1), ('ended', 'viewer', -1), ('admin', 'admin', NULL), ('plain', NULL, NULL))
          AS made (name, role, hours)`);
    const { kysely } = opened().database;
    const lossesAt = async (to: string): Promise<string> =>
      lossesOf(await previewRollBack(kysely, known, { to, lockTimeoutMs: 2_000 }));
    expect(await lossesAt('006')).toBe('2 good tokens of viewers or with an end');
    // One whose end is past is no loss.
    expect(await lossesAt('003')).toBe('4 good tokens of callers and administrators');
    await expect(rollBack({ to: '006' })).rejects.toMatchObject({ exitCode: 6 });
    expect(await contents()).toEqual(before);
    await rollBack({ to: '006', confirmed: true });
    const { rows } =
      await sql`SELECT name FROM keyward_tokens WHERE revoked_at IS NULL ORDER BY name`.execute(kysely);
    expect(rows).toEqual([{ name: 'admin' }, { name: 'plain' }]);
  });

  it('that would lose keys or tokens needs a word, and without it changes nothing and writes no file', async () => {
    await run(threeKeys);
    await expect(rollBack()).rejects.toMatchObject({
      exitCode: 6,
      message: expect.stringContaining('Nothing was changed'),
    });
    expect(await contents()).toEqual(before);
    expect(readdirSync(directory())).toEqual([]);
  });

  it.each([
    [
      'a key that a user brought',
      `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key) SELECT 'a', min(id), 'x' FROM llm_providers`,
      '(1) and the usage log (0 rows)',
    ],
    [
      'a line of the usage log',
      `INSERT INTO llm_usage_logs (user_id) VALUES ('a')`,
      '(0) and the usage log (1 rows)',
    ],
    [
      'a provider of the platform',
      `INSERT INTO llm_providers (provider_name, provider_slug, display_name) VALUES ('own', 'own', 'Own')`,
      'rows that migration 001 did not write would be lost from: llm_providers. Save them',
    ],
  ])('never takes away %s, whatever word is given', async (_, change, message) => {
    await run(change);
    await expect(rollBack({ to: '000', confirmed: true })).rejects.toMatchObject({
      exitCode: 6,
      message: expect.stringContaining(message),
    });
    expect(await contents()).toEqual(before);
  });

  it("is refused where a newer Keyward's migration builds on it, and allowed down to that", async () => {
    await run(
      `INSERT INTO keyward_migrations VALUES ('901', 'of_tomorrow', repeat('0', 64), now(), 'somebody', 1)`,
    );
    await expect(rollBack({ confirmed: true })).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('applied 901 here'),
    });
    expect(await contents()).toEqual(before);
  });

  it.each([
    [
      'leaves something behind',
      (rollbackSql: string) => `${rollbackSql}; ALTER TABLE llm_providers ADD COLUMN api_key_source TEXT`,
      'column llm_providers.api_key_source: expected nothing, found text null',
    ],
    [
      'does nothing',
      () => 'SELECT 1',
      'column llm_providers.encrypted_api_key: expected nothing, found text null',
    ],
  ])('whose SQL %s fails its verification, and all of it is undone', async (_, spoil, message) => {
    const spoilt = known.migrations.map((one) =>
      one.version === '002' ? { ...one, rollbackSql: spoil(one.rollbackSql) } : one,
    );
    await run(threeKeys);
    await expect(rollBack({ confirmed: true }, { ...known, migrations: spoilt })).rejects.toMatchObject({
      exitCode: 7,
      message: expect.stringContaining(message),
    });
    expect(await contents()).toEqual(before);
    expect(readdirSync(directory())).toEqual([]);
  });

  it('whose SQL fails says why, and all of it is undone', async () => {
    const broken = known.migrations.map((one) =>
      one.version === '002' ? { ...one, rollbackSql: 'SELECT 1 / 0' } : one,
    );
    await run(threeKeys);
    await expect(rollBack({ confirmed: true }, { ...known, migrations: broken })).rejects.toMatchObject({
      exitCode: 1,
      message: 'The rollback failed and changed nothing: division by zero.',
    });
    expect(await contents()).toEqual(before);
    expect(readdirSync(directory())).toEqual([]);
  });
});
