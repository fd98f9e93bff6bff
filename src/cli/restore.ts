/** `keyward restore`: puts an archive into an empty database, or says what stands in the way. */
import { proveArchive } from '../backup/inspect-archive.ts';
import { ArchiveFile } from '../backup/read-archive.ts';
import { refuseUnfitDatabase, restoreArchive, type Restored } from '../backup/restore-archive.ts';
import type { FoundKeyRing } from '../crypto/find-key-ring.ts';
import type { Database } from '../database/database.ts';
import { isEmbeddedThere } from '../database/embedded.ts';
import { shippedMigrations } from '../database/migrations/shipped-migrations.ts';
import { systemClock } from '../foundation/clock.ts';
import { loadConfig, type Config } from '../foundation/config.ts';
import { extentOf, openAsItIs, percent, ringAtHand, rowsIn } from './archive-parts.ts';
import { confirmed } from './confirm.ts';
import { print, printJson, progressLine, remark } from './terminal.ts';
import { commandOccasion, noteHead } from './with-installation.ts';

export interface RestoreOptions {
  readonly check?: true;
  readonly yes?: true;
  readonly reason?: string;
  readonly json?: true;
}

const unasked = 'A restore asks first, and this is no terminal. Say --yes to go on.';

/** @returns the exit code: 0 done, or nothing stands in the way; 1 not done */
export async function restore(path: string, options: RestoreOptions): Promise<number> {
  const config = loadConfig();
  const archive = await ArchiveFile.open(path);
  try {
    const keyRing = await ringAtHand(config);
    await prove(archive, keyRing);
    // Neither to look nor to ask makes a database.
    const isNew = config.database.kind === 'embedded' && !isEmbeddedThere(config.dataDirectory);
    const place = isNew ? `new embedded database in ${config.dataDirectory}` : '';
    if (isNew && options.check) return tellFit(archive, place, options);
    if (isNew && !(await isAgreed(archive, place, options))) return 1;
    const database = await openAsItIs(config);
    try {
      await refuseUnfitDatabase({ database, known: shippedMigrations() }, archive);
      if (options.check) return tellFit(archive, database.description, options);
      if (!isNew && !(await isAgreed(archive, database.description, options))) return 1;
      return await restoreInto(database, archive, { config, keyRing, options });
    } finally {
      await database.close();
    }
  } finally {
    await archive.close();
  }
}

async function isAgreed({ header }: ArchiveFile, place: string, { yes }: RestoreOptions): Promise<boolean> {
  const question = `Restore ${extentOf(header)}, as they were at ${header.made_at}, into the ${place}?`;
  if (yes || (await confirmed(question, unasked))) return true;
  remark('Nothing was changed.');
  return false;
}

async function prove(archive: ArchiveFile, { ring }: FoundKeyRing): Promise<void> {
  const progress = progressLine();
  const total = rowsIn(archive.header);
  await proveArchive(archive, ring, shippedMigrations(), (rows) =>
    progress.show(`Proving it, ${percent(rows, total)}`),
  ).finally(() => progress.end());
}

function tellFit({ path, header }: ArchiveFile, place: string, { json }: RestoreOptions): number {
  if (json) printJson({ file: path, fits: true, database: place, tables: header.tables });
  else print(`${path} can be restored into the ${place}: ${extentOf(header)}, made ${header.made_at}.`);
  return 0;
}

interface Context {
  readonly config: Config;
  readonly keyRing: FoundKeyRing;
  readonly options: RestoreOptions;
}

async function restoreInto(
  database: Database,
  archive: ArchiveFile,
  { config, keyRing, options }: Context,
): Promise<number> {
  const progress = progressLine();
  const restored = await restoreArchive(
    {
      database,
      ring: keyRing.ring,
      known: shippedMigrations(),
      clock: systemClock,
      occasion: commandOccasion(options.reason),
    },
    archive,
    {
      onStep: ({ kind, message }) => remark(kind === 'applied' ? `Applied migration ${message}` : message),
      onProgress: ({ table, rows, of }) =>
        progress.show(`${percent(rows, of)}: ${rows} of ${of} rows (${table})`),
    },
  ).finally(() => progress.end());
  await noteHead({ config, database, keyRing, clock: systemClock });
  tellDone(archive, restored, database, options);
  return 0;
}

function tellDone(
  { path, header, checksum }: ArchiveFile,
  { revision, sequence, openRotations }: Restored,
  database: Database,
  { json }: RestoreOptions,
): void {
  if (json) {
    printJson({
      file: path,
      checksum,
      made_at: header.made_at,
      database: database.description,
      tables: header.tables,
      revision,
      event: sequence,
      open_rotations: openRotations,
    });
    return;
  }
  print(`Restored ${extentOf(header)}, as they were at ${header.made_at}, into the ${database.description}.`);
  print(`Revision ${revision}; event ${sequence} of the audit trail tells of it.`);
  if (openRotations > 0)
    print(
      `${openRotations === 1 ? 'A rotation of a key goes' : `${openRotations} rotations of keys go`} on from there when a server starts: keyward keys rotation`,
    );
  print(
    'What was changed since then is not in it. Ask the providers whether the keys still live: keyward keys test <provider>',
  );
  print('Keys in environment variables were not in the archive. Who was signed in signs in again.');
}
