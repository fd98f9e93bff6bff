/**
 * A disk of a few megabytes to fill, where this machine lets us mount one, with a PostgreSQL of its own: a
 * server with a tablespace on a full disk writes no checkpoint, and every DROP DATABASE there asks for one.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { chooseUser, temporaryRoot } from './postgres-binaries.ts';
import { createDatabase, runAsSuperuser, type TestDatabase } from './real-postgres.ts';
import { startRealPostgres } from './start-real-postgres.ts';

export interface SmallDisk {
  /** The one database that lies on it. */
  readonly database: TestDatabase;
  readonly grow: (megabytes: number) => void;
  /** The database, its server, and the disk. */
  readonly remove: () => Promise<void>;
}

/** @returns undefined where it cannot be: without root, or without the right to mount */
export async function mountSmallDisk(initialMegabytes: number): Promise<SmallDisk | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const user = await chooseUser();
  const directory = await mkdtemp(join(await temporaryRoot(user), 'keyward-test-disk-'));
  try {
    mountTmpfs(`size=${initialMegabytes}m,mode=0755`, directory);
  } catch {
    await rm(directory, { recursive: true });
    return undefined;
  }
  if (user.uid !== undefined) await chown(directory, user.uid, user.gid);
  const server = await startRealPostgres();
  // A vacuum in the background has the file of cached catalogues written anew at the next connection, which a
  // full disk then refuses.
  await runAsSuperuser('ALTER SYSTEM SET autovacuum = off', server.url);
  await runAsSuperuser('SELECT pg_reload_conf()', server.url);
  const tablespace = `small_${randomBytes(6).toString('hex')}`;
  await runAsSuperuser(`CREATE TABLESPACE ${tablespace} LOCATION '${directory}'`, server.url);
  return {
    database: await createDatabase({ tablespace, server: server.url }),
    grow: (megabytes) => {
      mountTmpfs(`remount,size=${megabytes}m`, directory);
    },
    remove: async () => {
      await server.stop();
      execFileSync('umount', [directory], { stdio: 'ignore' });
      await rm(directory, { recursive: true });
    },
  };
}

function mountTmpfs(options: string, directory: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory], { stdio: 'ignore' });
}

/** Writes until nothing more goes in, in ever smaller pieces. */
export async function fillDisk(client: pg.Client): Promise<void> {
  await client.query(
    'CREATE SCHEMA IF NOT EXISTS filler; CREATE TABLE IF NOT EXISTS filler.filler (text TEXT); ALTER TABLE filler.filler ALTER text SET STORAGE PLAIN',
  );
  for (const rows of [256, 16, 1]) {
    for (;;) {
      const isFull = await client
        .query(`INSERT INTO filler.filler SELECT repeat('x', 7000) FROM generate_series(1, ${rows})`)
        .then(
          () => false,
          (error: Error) => /No space left on device/.test(error.message),
        );
      if (isFull) break;
    }
  }
}
