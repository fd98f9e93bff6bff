/** A disk of a few megabytes that a PostgreSQL of the tests can fill, where this machine lets us mount one. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { chooseUser, temporaryRoot } from './postgres-binaries.ts';
import { runAsSuperuser } from './real-postgres.ts';

export interface SmallDisk {
  readonly tablespace: string;
  readonly grow: (megabytes: number) => void;
  /** Once no database lies on it any more. */
  readonly remove: () => Promise<void>;
}

/** @returns undefined where it cannot be: without root, without the right to mount, with a server elsewhere */
export async function mountSmallDisk(initialMegabytes: number): Promise<SmallDisk | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const user = await chooseUser();
  const directory = await mkdtemp(join(await temporaryRoot(user), 'keyward-test-disk-'));
  const tablespace = `small_${randomBytes(6).toString('hex')}`;
  const unmount = async (): Promise<void> => {
    execFileSync('umount', [directory], { stdio: 'ignore' });
    await rm(directory, { recursive: true });
  };
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${initialMegabytes}m,mode=0755`, 'tmpfs', directory], {
      stdio: 'ignore',
    });
  } catch {
    await rm(directory, { recursive: true });
    return undefined;
  }
  try {
    if (user.uid !== undefined) await chown(directory, user.uid, user.gid);
    await runAsSuperuser(`CREATE TABLESPACE ${tablespace} LOCATION '${directory}'`);
  } catch {
    await unmount();
    return undefined;
  }
  return {
    tablespace,
    grow: (megabytes) => {
      execFileSync('mount', ['-o', `remount,size=${megabytes}m`, directory], { stdio: 'ignore' });
    },
    remove: async () => {
      await runAsSuperuser(`DROP TABLESPACE ${tablespace}`);
      await unmount();
    },
  };
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
