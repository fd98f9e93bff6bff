/** `keyward backup` and `keyward restore` as they are called. */
import type { Command } from 'commander';
import type { BackupOptions } from './backup.ts';
import { json, reason, type Settle } from './command-options.ts';
import type { RestoreOptions } from './restore.ts';

export function addBackup(program: Command, settle: Settle): void {
  const backup = program
    .command('backup')
    .description('copy everything into one encrypted file, without the encryption key')
    .option('--output <file>', 'where to (default: keyward-<time>.archive in this directory)')
    .option('--force', 'replace a file of that name')
    .option('--with-usage', 'also the usage logs, which may be large')
    .addOption(reason())
    .addOption(json())
    .action(async (options: BackupOptions) => {
      const { backUp } = await import('./backup.ts');
      await backUp(options);
    });
  backup
    .command('inspect')
    .description('say what is in such a file, whether it is whole, and whether the ring here opens it')
    .argument('<file>')
    .addOption(json())
    .addHelpText(
      'after',
      '\nNeeds no database.\nExit code: 0 it opens here, 1 it is damaged, 3 encryption keys are missing here.',
    )
    .action(async (file: string, _options: unknown, command: Command) => {
      const { inspectBackup } = await import('./backup.ts');
      settle(await inspectBackup(file, command.optsWithGlobals()));
    });
}

export function addRestore(program: Command, settle: Settle): void {
  program
    .command('restore')
    .description('put what keyward backup copied into an empty database')
    .argument('<file>')
    .option('--check', 'only say whether it can be restored here, and change nothing')
    .option('--yes', 'do not ask')
    .addOption(reason())
    .addOption(json())
    .addHelpText('after', restoreExitCodes)
    .action(async (file: string, options: RestoreOptions) => {
      const { restore } = await import('./restore.ts');
      settle(await restore(file, options));
    });
}

const restoreExitCodes = `
It replaces nothing: a database in which Keyward holds anything is refused; tables of other programs are left alone. The file is proven before anything is changed.
Exit code:
  0  restored, or with --check: can be
  1  failed, nothing of it is in the database
  2  wrong use
  3  encryption keys, or a newer Keyward, are needed first
  6  Keyward holds something in the database, or another table refers to what would be replaced`;
