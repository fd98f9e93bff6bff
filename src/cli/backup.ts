/** `keyward backup` and `keyward backup inspect`: makes an archive, and says what is in one and whether it opens here. */
import { stat } from 'node:fs/promises';
import { ownSecrets } from '../alerts/known-secrets.ts';
import { AuditTrail } from '../audit/audit-trail.ts';
import { recordedArchive } from '../backup/archive-header.ts';
import { inspectArchive, keysNeeded, type ArchiveReport } from '../backup/inspect-archive.ts';
import { makeBackup, type MadeBackup } from '../backup/make-backup.ts';
import { ArchiveFile } from '../backup/read-archive.ts';
import { presentKeyRing, type FoundKeyRing } from '../crypto/find-key-ring.ts';
import { databaseFaultSentence, isDatabaseFault } from '../database/database-fault.ts';
import type { Database } from '../database/database.ts';
import { isEmbeddedThere } from '../database/embedded.ts';
import { shippedMigrations } from '../database/migrations/shipped-migrations.ts';
import { systemClock } from '../foundation/clock.ts';
import { loadConfig, type Config } from '../foundation/config.ts';
import { KeywardError, UsageError } from '../foundation/errors.ts';
import { redactSecrets } from '../providers/redact.ts';
import { extentOf, openAsItIs, percent, ringAtHand, rowsIn } from './archive-parts.ts';
import { counted, print, printJson, progressLine, remark, table } from './terminal.ts';
import { commandOccasion, noteHead, reasonedOccasion } from './with-installation.ts';

export interface BackupOptions {
  readonly output?: string;
  readonly force?: true;
  readonly withUsage?: true;
  readonly reason?: string;
  readonly json?: true;
}

export async function backUp(options: BackupOptions): Promise<void> {
  const config = loadConfig();
  if (config.database.kind === 'embedded' && !isEmbeddedThere(config.dataDirectory)) {
    throw new UsageError(
      `There is no database in ${config.dataDirectory}, so there is nothing to back up. Set DATABASE_URL or KEYWARD_DATA_DIR to those of the servers.`,
    );
  }
  const keyRing = await ringAtHand(config);
  const path = options.output ?? defaultName(systemClock.now());
  const database = await openAsItIs(config);
  const progress = progressLine();
  try {
    const made = await makeBackup(
      { db: database.kysely, ring: keyRing.ring, known: shippedMigrations(), clock: systemClock },
      {
        path,
        overwrite: options.force === true,
        withUsage: options.withUsage === true,
        onProgress: ({ table: name, rows, of }) =>
          progress.show(`${percent(rows, of)}: ${rows} of ${of} rows (${name})`),
      },
    ).finally(() => progress.end());
    const isRecorded = await record(config, database, keyRing, made, options.reason);
    await tell(path, made, isRecorded, options);
  } finally {
    await database.close();
  }
}

/** `keyward-20260131T120000Z.archive` */
function defaultName(now: Date): string {
  return `keyward-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}.archive`;
}

/**
 * A copy of everything is worth an event. The archive stands without it too: it is wanted the most when something
 * is wrong with the database.
 */
async function record(
  config: Config,
  database: Database,
  keyRing: FoundKeyRing,
  made: MadeBackup,
  reason: string | undefined,
): Promise<boolean> {
  const audit = new AuditTrail({ db: database.kysely, ring: keyRing.ring, clock: systemClock });
  try {
    const hasChannels = 'keyward_alert_channels' in made.header.tables;
    const occasion = hasChannels
      ? await reasonedOccasion({ config, database, keyRing }, reason)
      : commandOccasion(reason && redactSecrets(reason, ownSecrets({ ring: keyRing.ring, config })));
    await audit.record(occasion, {
      action: 'archive.made',
      ...recordedArchive(made),
    });
  } catch (error) {
    if (!(error instanceof KeywardError) && !isDatabaseFault(error)) throw error;
    const why = error instanceof KeywardError ? error.message : databaseFaultSentence(error);
    remark(`Warning: the archive is made, but no event of the audit trail tells of it. ${why}`);
    return false;
  }
  await noteHead({ config, database, keyRing, clock: systemClock });
  return true;
}

async function tell(
  path: string,
  { header, checksum }: MadeBackup,
  isRecorded: boolean,
  { json }: BackupOptions,
): Promise<void> {
  const { size } = await stat(path);
  if (json) {
    const { salt: _, ...said } = header;
    printJson({ file: path, bytes: size, checksum, ...said, recorded: isRecorded });
    return;
  }
  print(`Backed up ${extentOf(header)} to ${path} (${size} bytes, mode 0600).`);
  print(`Checksum: ${checksum}`);
  const ids = [...new Set([header.encrypted_under, ...header.keys.map(({ id }) => id)])];
  print(
    `To restore it takes the encryption ${ids.length === 1 ? 'key' : 'keys'} ${ids.join(', ')}, not in the archive: back ${ids.length === 1 ? 'it' : 'them'} up apart from it.`,
  );
  if (header.unreadable_tokens > 0)
    print(
      `${counted(header.unreadable_tokens, 'stored token')} in it no key of the ring opens: keyward encryption-key check`,
    );
  print('Not in it either: keys in environment variables, and');
  for (const { name, why } of header.left_out) print(`  ${name}: ${why}`);
}

/** @returns the exit code: 0 it opens here, 1 it is damaged, 3 keys are missing here */
export async function inspectBackup(path: string, { json }: { json?: true }): Promise<number> {
  const archive = await ArchiveFile.open(path);
  const progress = progressLine();
  try {
    const found = await ringOrNone();
    const total = rowsIn(archive.header);
    const report = await inspectArchive(archive, found?.ring ?? null, shippedMigrations(), (rows) =>
      progress.show(`${percent(rows, total)}: ${rows} of ${total} rows`),
    ).finally(() => progress.end());
    if (json) tellPrograms(archive, report);
    else tellPeople(archive, report, found);
    return report.fault !== null ? 1 : report.missingKeys.length > 0 ? 3 : 0;
  } finally {
    await archive.close();
  }
}

/** Without a ring there is still something to be said. */
async function ringOrNone(): Promise<FoundKeyRing | null> {
  try {
    return await presentKeyRing(loadConfig());
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    remark(`No key can be tried: ${error.message}`);
    return null;
  }
}

function tellPrograms({ path, bytes, checksum, header }: ArchiveFile, report: ArchiveReport): void {
  const { salt: _, ...said } = header;
  printJson({
    file: path,
    bytes,
    checksum,
    checksum_fits: report.isWhole,
    opens: report.opens,
    proven: report.isProven,
    missing_keys: report.missingKeys,
    fault: report.fault,
    ...said,
  });
}

function tellPeople(archive: ArchiveFile, report: ArchiveReport, found: FoundKeyRing | null): void {
  const { header, path, bytes } = archive;
  print(
    `${path}: made ${header.made_at} by Keyward ${header.keyward_version} of a database at migration ${header.schema_version}, ${bytes} bytes.`,
  );
  const rows = Object.entries(header.tables).map(([name, count]) => [name, String(count)]);
  for (const line of table([['TABLE', 'ROWS'], ...rows])) print(line);
  for (const { name, why } of header.left_out) print(`Not in it: ${name} (${why})`);
  const keys = keysNeeded(archive).map((id) => [
    id,
    id === header.encrypted_under ? 'yes' : 'no',
    String(header.keys.find((key) => key.id === id)?.tokens ?? 0),
    report.missingKeys.includes(id) ? 'missing' : 'in the ring',
  ]);
  for (const line of table([['ENCRYPTION KEY', 'OPENS IT', 'STORED TOKENS', 'HERE'], ...keys])) print(line);
  if (header.unreadable_tokens > 0)
    print(`${counted(header.unreadable_tokens, 'stored token')} in it no key opened when it was made.`);
  print(`Checksum: ${archive.checksum}, which ${report.isWhole ? 'fits' : 'does not fit'}.`);
  print(verdict(report, found));
}

function verdict({ fault, isProven, missingKeys }: ArchiveReport, found: FoundKeyRing | null): string {
  if (fault !== null) return fault;
  const from = found === null ? 'there is no ring here' : `the ring from ${found.from} lacks them`;
  if (isProven === null)
    return `It does not open here (${from}), so what is said above is not proven. It takes: ${missingKeys.join(', ')}.`;
  if (missingKeys.length > 0)
    return `It opens here, but not all keys in it do: ${missingKeys.join(', ')} missing in the ring from ${found?.from}.`;
  return `Everything in it is as it was written, and opens with the ring from ${found?.from}.`;
}
