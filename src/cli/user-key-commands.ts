/** The commands of keys that users brought, and how they are called. */
import type { Command } from 'commander';
import { json, reason, wholeNumber, type Settle } from './command-options.ts';
import type { ListUserKeysOptions, RemoveUserKeyOptions } from './user-keys.ts';

export function addUserKeys(program: Command, settle: Settle): void {
  const keys = program.command('user-keys').description('the keys that users brought (BYOK)');
  keys
    .command('list')
    .description('all of them by owner, masked')
    .option('--owner <user>', 'only those of this user, as user_api_keys names them')
    .option('--provider <provider>', 'only those for this provider, by its slug')
    .addOption(json())
    .action(async (options: ListUserKeysOptions) => {
      const { printUserKeys } = await import('./user-keys.ts');
      await printUserKeys(options);
    });
  keys
    .command('remove')
    .description('remove one, for when somebody has left; it lives on at its provider')
    .argument('<number>', 'as user-keys list shows it', wholeNumber)
    .option('--yes', 'do not ask')
    .addOption(reason())
    .addOption(json())
    .action(async (id: number, options: RemoveUserKeyOptions) => {
      const { endUserKey } = await import('./user-keys.ts');
      settle(await endUserKey(id, options));
    });
}
