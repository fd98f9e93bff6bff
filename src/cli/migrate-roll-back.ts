/** The action of `keyward migrate` that goes back: says what will go, asks where keys are stored, tells how to restore. */
import { join } from 'node:path';
import { backupTable } from '../database/migrations/key-backup.ts';
import { migrateExit } from '../database/migrations/migration-failure.ts';
import { lossesOf, previewRollBack, rollBackMigrations } from '../database/migrations/roll-back.ts';
import { defaultLockTimeoutMs } from '../database/migrations/runner-lock.ts';
import { agreed } from './confirm.ts';
import type { MigrateContext, MigrateResult } from './migrate-context.ts';
import { transcript } from './migrate-transcript.ts';

/** Without --to, migration 002 goes, and with it what was built on it. */
const defaultTarget = '001';

export async function rollBackAction({
  database,
  known,
  config,
  options,
}: MigrateContext): Promise<MigrateResult> {
  const to = options.to ?? defaultTarget;
  transcript.section(`Rolling back to ${to === '000' ? 'an empty schema' : to}`);
  const lockTimeoutMs = options.lockTimeout ?? defaultLockTimeoutMs;
  const plan = await previewRollBack(database.kysely, known, { to, lockTimeoutMs });
  if (plan.migrations.length === 0) {
    transcript.info('Nothing to roll back');
    return { exitCode: migrateExit.atTarget, report: { rolled_back: [], backup: null } };
  }
  transcript.info(`These go, in this order: ${plan.migrations.map(({ file }) => file).join(', ')}`);
  const losses = lossesOf(plan);
  if (losses !== '') transcript.warn(`That takes away ${losses}`);
  const { files, backup, kept } = await rollBackMigrations(database.kysely, known, {
    to,
    confirmed:
      options.yes === true ||
      (losses !== '' &&
        process.stdin.isTTY &&
        (await agreed('Go on? Keys are saved first, still encrypted.'))),
    backupDirectory: join(config.dataDirectory, 'backups'),
    lockTimeoutMs,
    onWaiting: transcript.warn,
  });
  for (const file of files) transcript.good(`Rolled back ${file}`);
  for (const one of kept) transcript.info(`Kept for the next apply: ${one}`);
  if (backup !== null) {
    transcript.line();
    transcript.good(`Saved ${backup.count} key(s), still encrypted, to the table ${backupTable}`);
    transcript.good(`and to ${backup.path} (mode 0600, SHA-256 of the keys ${backup.checksum})`);
    transcript.info('To bring them back: keyward migrate --yes');
  }
  transcript.line();
  return { exitCode: migrateExit.atTarget, report: { rolled_back: files, backup } };
}
