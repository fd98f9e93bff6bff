/** What an archive is, whether it is as it was written, and whether a ring opens it and the keys in it. Changes nothing, and needs no database. */
import type { KeyRing } from '../crypto/key-ring.ts';
import type { KnownMigrations } from '../database/migrations/assess.ts';
import { messageOf, UsageError } from '../foundation/errors.ts';
import { columnsUpTo } from './archived-columns.ts';
import { refuseUnknownNames } from './load-tables.ts';
import type { ArchiveFile } from './read-archive.ts';

export interface ArchiveReport {
  /** Whether all bytes are those that were written, by the checksum. */
  readonly isWhole: boolean;
  /** Whether the ring has the key of the archive itself; null where there is no ring. */
  readonly opens: boolean | null;
  /** Whether everything in it was decrypted and is as it was written; null where it could not be looked at. */
  readonly isProven: boolean | null;
  /** What is wrong with it, in a sentence; null where nothing is. */
  readonly fault: string | null;
  /** Ids of the keys that it takes and the ring has not got; all of them where there is no ring. */
  readonly missingKeys: readonly string[];
}

/**
 * @param known says which tables and columns an archive may hold; one of a newer schema may hold others
 * @param onProgress told how many rows were looked at
 */
export async function inspectArchive(
  archive: ArchiveFile,
  ring: KeyRing | null,
  known: KnownMigrations,
  onProgress: (rows: number) => void = () => undefined,
): Promise<ArchiveReport> {
  const isWhole = await archive.isWhole();
  const missingKeys = missingIn(archive, ring);
  const opens = ring && ring.keyIds.includes(archive.header.encrypted_under);
  const damaged = isWhole
    ? null
    : `${archive.path} is damaged: its checksum does not fit. Use another copy of it.`;
  if (ring === null || !opens) return { isWhole, opens, isProven: null, fault: damaged, missingKeys };
  try {
    await readThrough(archive, ring, known, onProgress);
    return { isWhole, opens, isProven: isWhole, fault: damaged, missingKeys };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { isWhole, opens, isProven: false, fault: messageOf(error), missingKeys };
  }
}

async function readThrough(
  archive: ArchiveFile,
  ring: KeyRing,
  known: KnownMigrations,
  onProgress: (rows: number) => void,
): Promise<void> {
  const columns = isNewer(archive, known) ? null : columnsUpTo(known.expected, archive.header.schema_version);
  let rows = 0;
  for await (const batch of archive.batches(ring)) {
    if (columns !== null) refuseUnknownNames(batch.section, columns);
    onProgress((rows += batch.rows.length));
  }
}

function isNewer({ header }: ArchiveFile, { migrations }: KnownMigrations): boolean {
  return header.schema_version > (migrations.at(-1)?.version ?? '');
}

/** The key of the archive itself first. */
export function keysNeeded({ header }: ArchiveFile): string[] {
  return [...new Set([header.encrypted_under, ...header.keys.map(({ id }) => id)])];
}

function missingIn(archive: ArchiveFile, ring: KeyRing | null): string[] {
  return keysNeeded(archive).filter((id) => ring?.keyIds.includes(id) !== true);
}

/**
 * Proves all of it, for whoever is about to restore it.
 * @throws UsageError that says what is wrong with it, which version to install, or which keys are missing
 */
export async function proveArchive(
  archive: ArchiveFile,
  ring: KeyRing,
  known: KnownMigrations,
  onProgress?: (rows: number) => void,
): Promise<void> {
  const { schema_version: schema, keyward_version: madeBy } = archive.header;
  if (isNewer(archive, known)) {
    throw new UsageError(
      `${archive.path} was made by Keyward ${madeBy} of a database at migration ${schema}, and this Keyward knows the migrations up to ${known.migrations.at(-1)?.version}. Nothing was changed. Install Keyward ${madeBy} or newer.`,
      { exitCode: 3 },
    );
  }
  const { fault, missingKeys } = await inspectArchive(archive, ring, known, onProgress);
  if (fault !== null) throw new UsageError(`${fault} Nothing was changed.`);
  if (missingKeys.length === 0) return;
  const [which, them] =
    missingKeys.length === 1
      ? [`key ${missingKeys[0]}`, 'it']
      : [`keys ${missingKeys.join(' and ')}`, 'them'];
  throw new UsageError(
    `${archive.path} takes the encryption ${which}, and the ring here holds ${ring.keyIds.join(', ')}. Nothing was changed. Add ${them} to the ring, behind the others.`,
    { exitCode: 3 },
  );
}
