/** Saved keys: the file that holds them, and the way back, on which each is read back before its backup goes. */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  backupTable,
  type BoundKey,
  readSystemKeys,
  removeBackupFile,
  savedProviders,
  restoreSystemKeys,
  type SavedKey,
  writeBackupFile,
} from '../../../src/database/migrations/key-backup.ts';
import { rollBackMigrations } from '../../../src/database/migrations/roll-back.ts';
import { describeOnUsualDatabases } from '../../support/keyward-database.ts';
import { applyQuietly, known, threeKeys } from '../../support/migration-stages.ts';
import { applyMigrations } from '../../../src/database/migrations/apply.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';

const root = useTemporaryDirectory();
const quietly = { lockTimeoutMs: 2_000, onWaiting: () => undefined };

const keys: readonly SavedKey[] = ['openai', 'groq'].map((slug) => ({
  provider_slug: slug,
  encrypted_api_key: `token-of-${slug}`,
  api_key_source: 'hybrid',
  api_key_updated_at: '2025-10-27T14:35:00.123456',
  api_key_last_tested: null,
  api_key_test_status: 'valid',
}));

describe('the file', () => {
  it('is of mode 0600 in a directory of mode 0700, whatever the umask', () => {
    const umask = process.umask(0);
    try {
      const directory = join(mkdtempSync(join(root(), 'x-')), 'backups');
      const { path } = writeBackupFile(directory, keys);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(statSync(directory).mode & 0o777).toBe(0o700);
    } finally {
      process.umask(umask);
    }
  });

  it('holds the keys, how many they are, and a checksum that anybody can compute', () => {
    const { path, count, checksum } = writeBackupFile(mkdtempSync(join(root(), 'x-')), keys);
    const content = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    expect(content).toMatchObject({ what: 'Keyward system keys, encrypted', count: 2, checksum, keys });
    expect(count).toBe(2);
    expect(createHash('sha256').update(JSON.stringify(content['keys'])).digest('hex')).toBe(checksum);
  });

  it('never overwrites another, and can be taken away', () => {
    const directory = mkdtempSync(join(root(), 'x-'));
    const backup = writeBackupFile(directory, keys);
    removeBackupFile(backup);
    expect(existsSync(backup.path)).toBe(false);
    expect(() => removeBackupFile(backup)).not.toThrow();
  });

  it('that cannot be written is one line, and says that nothing was changed', () => {
    const inTheWay = join(root(), 'in-the-way');
    writeFileSync(inTheWay, '');
    chmodSync(inTheWay, 0o600);
    expect(() => writeBackupFile(join(inTheWay, 'backups'), keys)).toThrow(
      /^The backup of the keys cannot be written to [^\n]+: ENOTDIR[^\n]+ Nothing was changed\.$/,
    );
  });
});

describeOnUsualDatabases('the way back', (opened) => {
  beforeEach(async () => {
    const { kysely } = opened().database;
    await sql.raw(threeKeys).execute(kysely);
  });

  const savedKeys = async (): Promise<BoundKey[]> => readSystemKeys(opened().database.kysely);

  async function forthAgain(to?: string): Promise<void> {
    const { kysely } = opened().database;
    await rollBackMigrations(kysely, known, {
      ...quietly,
      to: '001',
      confirmed: true,
      backupDirectory: root(),
    });
    expect(await savedProviders(kysely, 2_000)).toEqual({ restorable: [], superseded: [] });
    await applyMigrations(kysely, known, { ...applyQuietly, ...(to !== undefined && { to }) });
  }

  it('brings every field of every key back, and the table goes', async () => {
    const { kysely } = opened().database;
    const before = await savedKeys();
    expect(before).toHaveLength(3);
    await forthAgain();
    expect(await savedKeys()).toEqual([]);
    expect(await savedProviders(kysely, 2_000)).toEqual({
      restorable: ['anthropic', 'groq', 'openai'],
      superseded: [],
    });
    expect(await restoreSystemKeys(kysely, quietly)).toEqual({
      restored: ['anthropic', 'groq', 'openai'],
      left: [],
    });
    expect(await savedKeys()).toEqual(before);
    expect(await restoreSystemKeys(kysely, quietly)).toEqual({ restored: [], left: [] });
    const { rows } = await sql`SELECT to_regclass(${backupTable}) AS backup`.execute(kysely);
    expect(rows).toEqual([{ backup: null }]);
  });

  const bindKeys = `
    UPDATE llm_providers SET api_key_binding = 'binding of ' || provider_slug WHERE provider_slug IN ('openai', 'groq');
    UPDATE llm_providers SET allow_private_network = true, request_headers = '{"x-team": "a"}' WHERE provider_slug IN ('groq', 'xai')`;
  const settingsBackup = async (): Promise<unknown[]> => {
    const { rows } = await sql`SELECT to_regclass('llm_providers_settings_backup_007') AS there`.execute(
      opened().database.kysely,
    );
    return rows;
  };

  it('brings the bindings of keys and the settings of providers back too, those without a key included', async () => {
    const { kysely } = opened().database;
    await sql.raw(bindKeys).execute(kysely);
    const before = await savedKeys();
    expect(before).toMatchObject([
      {
        provider_slug: 'anthropic',
        api_key_binding: null,
        allow_private_network: false,
        request_headers: null,
      },
      {
        provider_slug: 'groq',
        api_key_binding: 'binding of groq',
        allow_private_network: true,
        request_headers: { 'x-team': 'a' },
      },
      { provider_slug: 'openai', api_key_binding: 'binding of openai' },
    ]);
    await forthAgain();
    const keyless = sql`SELECT allow_private_network, request_headers FROM llm_providers WHERE provider_slug = 'xai'`;
    expect((await keyless.execute(kysely)).rows).toEqual([
      { allow_private_network: true, request_headers: { 'x-team': 'a' } },
    ]);
    await restoreSystemKeys(kysely, quietly);
    expect(await savedKeys()).toEqual(before);
    expect(await settingsBackup()).toEqual([{ there: null }]);
  });

  it('to a version before 007 brings the keys back, and 007 then the rest', async () => {
    const { kysely } = opened().database;
    await sql.raw(bindKeys).execute(kysely);
    const before = await savedKeys();
    await forthAgain('002');
    expect(await restoreSystemKeys(kysely, quietly)).toMatchObject({ left: [] });
    const between = await savedKeys();
    expect(between.map(({ encrypted_api_key: key }) => key)).toEqual(
      before.map(({ encrypted_api_key: key }) => key),
    );
    expect(between.filter((key) => 'api_key_binding' in key)).toEqual([]);
    await applyMigrations(kysely, known, applyQuietly);
    expect(await savedKeys()).toEqual(before);
    expect(await settingsBackup()).toEqual([{ there: null }]);
  });

  it('gives no binding to a key that was set since', async () => {
    const { kysely } = opened().database;
    await sql.raw(bindKeys).execute(kysely);
    await forthAgain();
    await sql`UPDATE llm_providers SET encrypted_api_key = 'newer' WHERE provider_slug = 'groq'`.execute(
      kysely,
    );
    await restoreSystemKeys(kysely, quietly);
    expect(await savedKeys()).toMatchObject([
      { provider_slug: 'anthropic', api_key_binding: null },
      { provider_slug: 'groq', encrypted_api_key: 'newer', api_key_binding: null },
      { provider_slug: 'openai', api_key_binding: 'binding of openai' },
    ]);
  });

  it('stops where a binding does not read back as it was saved, and nothing is changed', async () => {
    const { kysely } = opened().database;
    await sql.raw(bindKeys).execute(kysely);
    await forthAgain();
    await sql
      .raw(`CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.api_key_binding := 'x'; RETURN NEW; END $$;
        CREATE TRIGGER zz_spoil BEFORE UPDATE OF api_key_binding ON llm_providers FOR EACH ROW EXECUTE FUNCTION spoil()`)
      .execute(kysely);
    await expect(restoreSystemKeys(kysely, quietly)).rejects.toMatchObject({
      exitCode: 7,
      message:
        'The binding of groq, openai does not read back as it was saved. Nothing was restored; the backup is untouched.',
    });
    expect(await savedKeys()).toEqual([]);
    expect(await settingsBackup()).not.toEqual([{ there: null }]);
  });

  it('leaves a key that was set since, and one whose provider is gone, and keeps both in the backup', async () => {
    const { kysely } = opened().database;
    await forthAgain();
    await sql`UPDATE llm_providers SET encrypted_api_key = 'newer' WHERE provider_slug = 'groq'`.execute(
      kysely,
    );
    await sql`DELETE FROM llm_providers WHERE provider_slug = 'anthropic'`.execute(kysely);
    expect(await restoreSystemKeys(kysely, quietly)).toEqual({
      restored: ['openai'],
      left: ['anthropic', 'groq'],
    });
    expect(await savedProviders(kysely, 2_000)).toEqual({
      restorable: [],
      superseded: ['anthropic', 'groq'],
    });
    expect((await savedKeys()).map((key) => key.encrypted_api_key)).toEqual(['newer', 'token-of-openai']);
  });

  it('takes the newest of several backups of a provider', async () => {
    const { kysely } = opened().database;
    await forthAgain();
    await sql`UPDATE llm_providers SET encrypted_api_key = 'second' WHERE provider_slug = 'openai'`.execute(
      kysely,
    );
    await forthAgain();
    await restoreSystemKeys(kysely, quietly);
    expect((await savedKeys()).map((key) => key.encrypted_api_key)).toEqual([
      'token-of-anthropic',
      'token-of-groq',
      'second',
    ]);
  });

  it.each([
    ['the key', `NEW.encrypted_api_key := NEW.encrypted_api_key || 'x'`],
    ['the source', `NEW.api_key_source := 'environment'`],
    ['the verdict', `NEW.api_key_test_status := 'error'`],
    ['the date', `NEW.api_key_updated_at := now()`],
  ])(
    'stops where %s of a row does not read back as it was saved, and nothing is changed',
    async (_, spoiling) => {
      const { kysely } = opened().database;
      await forthAgain();
      await sql
        .raw(
          `CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${spoiling}; RETURN NEW; END $$;
         CREATE TRIGGER zz_spoil BEFORE UPDATE ON llm_providers FOR EACH ROW WHEN (NEW.provider_slug = 'groq') EXECUTE FUNCTION spoil()`,
        )
        .execute(kysely);
      await expect(restoreSystemKeys(kysely, quietly)).rejects.toMatchObject({
        exitCode: 7,
        message:
          'The key of groq does not read back as it was saved. Nothing was restored; the backup is untouched.',
      });
      expect(await savedKeys()).toEqual([]);
      expect(await savedProviders(kysely, 2_000)).toEqual({
        restorable: ['anthropic', 'groq', 'openai'],
        superseded: [],
      });
    },
  );
});
