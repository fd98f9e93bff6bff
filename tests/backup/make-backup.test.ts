/** What a backup reads, on both engines: one state of the database, all of it or named as left out; and when it is refused. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createToken } from '../../src/auth/token-store.ts';
import { applyMigrations } from '../../src/database/migrations/apply.ts';
import { shippedMigrations } from '../../src/database/migrations/shipped-migrations.ts';
import { newRing } from '../support/archives.ts';
import { changePartsOn, occasionOfTests } from '../support/audited.ts';
import { backUp, restore } from '../support/backup-acts.ts';
import { usualEngines } from '../support/depth.ts';
import { openOn, type OpenedDatabase } from '../support/keyward-database.ts';
import { liveIn } from '../support/lived-in-database.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const directory = useTemporaryDirectory();
const known = shippedMigrations();
const ring = newRing();

let files = 0;
const newPath = (): string => join(directory(), `${(files += 1)}.archive`);

describe.each(usualEngines)('on %s', (engine) => {
  let opened: OpenedDatabase;
  beforeAll(async () => {
    opened = await openOn(engine);
  });
  beforeEach(async () => opened.empty());
  afterAll(async () => opened.close());

  it('an archive is one state of the database, whatever is written meanwhile', async () => {
    await liveIn(opened, ring);
    const path = newPath();
    const other = engine === 'postgres' ? await opened.reopen() : undefined;
    let written: Promise<unknown> | undefined;
    const onProgress = (): void => {
      written ??=
        other &&
        changePartsOn(other, ring).then(async ({ audit }) =>
          createToken(audit, occasionOfTests, { kind: 'gateway', name: 'meanwhile' }),
        );
    };
    await backUp(opened.database, path, ring, { onProgress });
    await written;
    await opened.empty();
    await restore(opened.database, path, ring);
    const names = await opened.database.kysely.selectFrom('keyward_tokens').select('name').execute();
    expect(names.map(({ name }) => name)).toEqual(['an application', 'ß']);
  });

  it('what is no column of Keyward, and what a rollback kept, is named and not in it', async () => {
    await liveIn(opened, ring);
    const client = await opened.connect();
    await client.query('ALTER TABLE llm_providers ADD COLUMN of_the_platform TEXT');
    await client.query('CREATE TABLE llm_providers_system_keys_backup_002 (encrypted_api_key TEXT)');
    const path = newPath();
    const { header } = await backUp(opened.database, path, ring);
    await client.query('DROP TABLE llm_providers_system_keys_backup_002');
    await client.query('ALTER TABLE llm_providers DROP COLUMN of_the_platform');
    expect(header.left_out.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['llm_providers.of_the_platform', 'llm_providers_system_keys_backup_002']),
    );
    await opened.empty({ migrate: false });
    await restore(opened.database, path, ring);
  });

  it('a database that is not Keyward, of an old schema or of a newer one is not backed up', async () => {
    const client = await opened.connect();
    await client.query(
      `INSERT INTO keyward_migrations VALUES ('900', 'later', repeat('0', 64), now(), 'a', 1)`,
    );
    await expect(backUp(opened.database, newPath(), ring)).rejects.toThrow('A newer Keyward applied 900');
    await opened.empty({ migrate: false });
    await expect(backUp(opened.database, newPath(), ring)).rejects.toThrow('There is nothing to back up');
    const apply = { force: false, lockTimeoutMs: 2_000, onStep: () => undefined };
    await applyMigrations(opened.database.kysely, known, { ...apply, to: '008' });
    await expect(backUp(opened.database, newPath(), ring)).rejects.toThrow(
      'at migration 008, and a backup needs 009',
    );
  });

  it('with another ring than that of the installation nothing is backed up', async () => {
    await liveIn(opened, ring);
    await expect(backUp(opened.database, newPath(), newRing())).rejects.toThrow(
      `in use: ${ring.activeKeyId}`,
    );
  });

  it("tokens that no key opens are counted, carried as they are, and in nobody's way", async () => {
    await liveIn(opened, ring);
    const client = await opened.connect();
    await client.query(`UPDATE user_api_keys SET encrypted_api_key = 'corrupt' WHERE user_id = 'user 1'`);
    const path = newPath();
    const { header } = await backUp(opened.database, path, ring);
    expect(header.unreadable_tokens).toBe(1);
    await opened.empty({ migrate: false });
    await restore(opened.database, path, ring);
    const { rows } = await (
      await opened.connect()
    ).query(`SELECT FROM user_api_keys WHERE encrypted_api_key = 'corrupt'`);
    expect(rows).toHaveLength(1);
  });

  it('nothing in the file can be read without the key', async () => {
    await liveIn(opened, ring);
    const path = newPath();
    await backUp(opened.database, path, ring);
    const bytes = await readFile(path);
    for (const text of ['gAAAA', 'an application', 'openrouter', 'fp_', 'user 1'])
      expect(bytes.includes(text), text).toBe(false);
  });
});
