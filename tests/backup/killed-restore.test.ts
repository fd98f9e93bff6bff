/** A restore that is killed, or loses its connection, at any moment: the database is as empty as before or holds everything, and the next restore goes on by itself. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { expect, inject, it, vi } from 'vitest';
import { ArchiveFile } from '../../src/backup/read-archive.ts';
import { restoreArchive } from '../../src/backup/restore-archive.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { shippedMigrations } from '../../src/database/migrations/shipped-migrations.ts';
import { systemClock } from '../../src/foundation/clock.ts';
import { section, writeArchive } from '../support/archives.ts';
import { occasionOfTests } from '../support/audited.ts';
import { backUp } from '../support/backup-acts.ts';
import { startCuttingLink } from '../support/cutting-link.ts';
import { readContents } from '../support/database-contents.ts';
import { openOn } from '../support/keyward-database.ts';
import { KeywardProcess, runKeyward } from '../support/keyward-process.ts';
import { archivedRows, liveIn } from '../support/lived-in-database.ts';
import { byPort, openUrl, serverAddress, untilAlone } from '../support/migration-stages.ts';
import { createDatabase } from '../support/real-postgres.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

vi.setConfig({ testTimeout: 240_000 });

const directory = useTemporaryDirectory();
const known = shippedMigrations();
const encryptionKey = generateEncryptionKey();
const ring = KeyRing.parse(encryptionKey);
const moved = ['keyward_revision', 'keyward_audit_events'];
/** A request is like its neighbours. */
const stride = 4;

async function backUpOne(path: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const opened = await openOn('postgres');
  try {
    await liveIn(opened, ring);
    await backUp(opened.database, path, ring);
    return await archivedRows(await opened.connect(), moved);
  } finally {
    await opened.close();
  }
}

/** @returns what it failed with */
async function restoreInto(url: string, path: string): Promise<unknown> {
  const archive = await ArchiveFile.open(path);
  try {
    const database = await openUrl(url);
    try {
      await restoreArchive(
        { database, ring, known, clock: systemClock, occasion: occasionOfTests },
        archive,
        { onStep: () => undefined, onProgress: () => undefined },
      );
    } finally {
      await database.close();
    }
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await archive.close();
  }
}

it.each(['withheld', 'unheard'] as const)(
  'a connection that is cut at any request, which is %s, leaves nothing or all of it',
  async (how) => {
    const path = join(directory(), `${how}.archive`);
    const rows = await backUpOne(path);
    const { url, drop } = await createDatabase({ template: inject('postgresMigrated') });
    const onlooker = new Client({ connectionString: url });
    await onlooker.connect();
    const empty = await readContents(onlooker);
    let cuts = 0;
    for (let at = 1; ; at += stride) {
      const link = await startCuttingLink(serverAddress(), { at, how });
      const failure = await restoreInto(byPort(url, link.port), path);
      await link.close();
      await untilAlone(onlooker);
      const now = await readContents(onlooker);
      if (JSON.stringify(now) !== JSON.stringify(empty)) break;
      expect(failure).toMatchObject({
        message: expect.stringMatching(/connection to the database was lost|does not answer/) as string,
      });
      cuts += 1;
    }
    expect(await archivedRows(onlooker, moved)).toEqual(rows);
    expect(cuts).toBeGreaterThan(20);
    await onlooker.end();
    await drop();
  },
);

it('a command that is killed while it loads leaves an empty embedded database, and the next one restores all', async () => {
  const path = join(directory(), 'large.archive');
  const count = 60_000;
  // One and the same for all batches: another would begin the table anew.
  const usage = section('llm_usage_logs', ['id', 'user_id', 'error_message', 'created_at']);
  await writeArchive(path, {
    ring,
    batches: Array.from({ length: count / 500 }, (_, batch) => ({
      section: usage,
      rows: Array.from({ length: 500 }, (__, index) =>
        JSON.stringify([String(batch * 500 + index + 1), 'a', 'x'.repeat(100), '2026-01-02 03:04:05']),
      ),
    })),
  });
  const dataDirectory = join(directory(), 'embedded');
  await mkdir(dataDirectory);
  const environment = { KEYWARD_DATA_DIR: dataDirectory, BYOK_ENCRYPTION_KEY: encryptionKey.reveal() };
  const killed = new KeywardProcess(['restore', path, '--yes'], environment);
  await killed.said(/Applied migration 009/);
  killed.kill('SIGKILL');
  expect(await killed.ended()).toMatchObject({ exitCode: null });
  const check = await runKeyward(['restore', path, '--check', '--json'], environment);
  expect(JSON.parse(check.stdout)).toMatchObject({ fits: true });
  const done = await runKeyward(['restore', path, '--yes', '--json'], environment);
  expect(JSON.parse(done.stdout), done.stderr).toMatchObject({ tables: { llm_usage_logs: count } });
});
