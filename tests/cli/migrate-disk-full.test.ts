/** `keyward migrate` on a full disk: it says so, nothing is changed, and with space again it goes on. */
import { expect, it, vi } from 'vitest';
import { readContents } from '../support/database-contents.ts';
import { migrateForPrograms } from '../support/migrate-command.ts';
import { threeKeys, withClient } from '../support/migration-stages.ts';
import { fillDisk, mountSmallDisk } from '../support/small-disk.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

vi.setConfig({ testTimeout: 60_000 });

const dataDirectory = useTemporaryDirectory();

it('a disk that is full is one line, at an apply and at a rollback; with space again it goes on', async (context) => {
  const disk = await mountSmallDisk(24);
  if (disk === undefined) {
    context.skip('no disk can be mounted here');
    return;
  }
  const { url } = disk.database;
  const environment = { DATABASE_URL: url, KEYWARD_DATA_DIR: dataDirectory() };
  try {
    await migrateForPrograms(environment, '--to', '001');
    await withClient(url, async (client) => {
      await fillDisk(client);
      const before = await readContents(client);
      const { exitCode, report, stderr } = await migrateForPrograms(environment);
      expect(exitCode, stderr).toBe(1);
      expect(report['error']).toMatch(
        /^Migration 002_\S+ failed and changed nothing: [^\n]*No space left on device\.$/,
      );
      expect(await readContents(client)).toEqual(before);

      disk.grow(32);
      expect(await migrateForPrograms(environment)).toMatchObject({ exitCode: 0 });
      await client.query(threeKeys);
      await fillDisk(client);
      const whole = await readContents(client);
      const back = await migrateForPrograms(environment, '--rollback', '--yes');
      expect(back.exitCode, back.stderr).toBe(1);
      expect(back.report['error']).toMatch(
        /^The rollback failed and changed nothing: [^\n]*No space left on device\.$/,
      );
      expect(await readContents(client)).toEqual(whole);

      disk.grow(40);
      expect(await migrateForPrograms(environment, '--rollback', '--yes')).toMatchObject({
        exitCode: 0,
        report: { backup: { count: 3 } },
      });
    });
  } finally {
    await disk.remove();
  }
});
