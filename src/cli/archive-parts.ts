/** What `keyward backup` and `keyward restore` have in common: the ring that is there, the database as it is, and how they speak of an archive. */
import type { ArchiveHeader } from '../backup/archive-header.ts';
import { presentKeyRing, type FoundKeyRing } from '../crypto/find-key-ring.ts';
import type { Database } from '../database/database.ts';
import { openDatabase, withoutQueryTimeout } from '../database/open-database.ts';
import type { Config } from '../foundation/config.ts';
import { UsageError } from '../foundation/errors.ts';
import { counted, remark } from './terminal.ts';

/**
 * Makes no key: a new one would open nothing.
 * @throws UsageError with exit code 3 that says where the key is to be put
 */
export async function ringAtHand(config: Config): Promise<FoundKeyRing> {
  const found = await presentKeyRing(config);
  if (found !== null) return found;
  throw new UsageError(
    `There is no encryption key in ${config.dataDirectory}. Put the file encryption-key back there from where you keep it, or set BYOK_ENCRYPTION_KEY or BYOK_ENCRYPTION_KEY_FILE.`,
    { exitCode: 3 },
  );
}

/** As it is: no migration is applied. */
export async function openAsItIs(config: Config): Promise<Database> {
  return openDatabase(withoutQueryTimeout(config.database), {
    as: 'command',
    onProgress: remark,
    onIdleError: () => undefined,
  });
}

export function rowsIn({ tables }: ArchiveHeader): number {
  return Object.values(tables).reduce((sum, rows) => sum + rows, 0);
}

/** `2000 rows of 18 tables`. */
export function extentOf(header: ArchiveHeader): string {
  return `${counted(rowsIn(header), 'row')} of ${counted(Object.keys(header.tables).length, 'table')}`;
}

export function percent(done: number, of: number): string {
  return `${Math.floor((100 * done) / Math.max(of, 1))} %`;
}
