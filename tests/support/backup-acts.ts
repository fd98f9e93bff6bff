/** Backing up and restoring as the commands do it, on databases of the tests. */
import { proveArchive } from '../../src/backup/inspect-archive.ts';
import { makeBackup, type MadeBackup } from '../../src/backup/make-backup.ts';
import { ArchiveFile } from '../../src/backup/read-archive.ts';
import { refuseUnfitDatabase, restoreArchive, type Restored } from '../../src/backup/restore-archive.ts';
import type { KeyRing } from '../../src/crypto/key-ring.ts';
import type { Database } from '../../src/database/database.ts';
import type { KnownMigrations } from '../../src/database/migrations/assess.ts';
import { shippedMigrations } from '../../src/database/migrations/shipped-migrations.ts';
import { systemClock } from '../../src/foundation/clock.ts';
import { occasionOfTests } from './audited.ts';

const shipped = shippedMigrations();

export interface BackUpOptions {
  readonly withUsage?: boolean;
  readonly known?: KnownMigrations;
  readonly onProgress?: () => void;
}

export async function backUp(
  { kysely: db }: Pick<Database, 'kysely'>,
  path: string,
  ring: KeyRing,
  { withUsage = true, known = shipped, onProgress = () => undefined }: BackUpOptions = {},
): Promise<MadeBackup> {
  const parts = { db, ring, known, clock: systemClock };
  return makeBackup(parts, { path, overwrite: false, withUsage, onProgress });
}

export async function restore(
  database: Database,
  path: string,
  ring: KeyRing,
  known: KnownMigrations = shipped,
): Promise<Restored> {
  const archive = await ArchiveFile.open(path);
  try {
    await proveArchive(archive, ring, known);
    await refuseUnfitDatabase({ database, known }, archive);
    return await restoreArchive(
      { database, ring, known, clock: systemClock, occasion: occasionOfTests },
      archive,
      { onStep: () => undefined, onProgress: () => undefined },
    );
  } finally {
    await archive.close();
  }
}
