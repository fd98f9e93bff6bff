/** The commands that rotate keys: a whole rotation, and each of its steps. */
import { type Command, Option } from 'commander';
import { expires, json, percentage, reason, seconds, wholeNumber, type Settle } from './command-options.ts';
import type { ManagementAct, ManagementOptions, ScheduleOptions } from './keys-management.ts';
import type { RotateOptions } from './keys-rotate.ts';
import type { RotationActName, RotationOptions } from './keys-rotation.ts';

const descriptions: Readonly<Record<RotationActName, string>> = {
  show: 'where the last rotation stands and why, with what both keys have served',
  start: 'stage a new key beside the stored one, asked for without echo, or made by the provider',
  test: 'ask the provider about the new key',
  canary: 'let the new key serve a share of the calls',
  promote: 'make the new key the stored one; the old one stays as its fallback',
  rollback: 'make the old key the stored one again',
  retire: 'end the soak: the old key is removed',
  cancel: 'give the new key up before it serves all calls',
};

const forcible: ReadonlySet<RotationActName> = new Set(['canary', 'promote', 'rollback', 'retire']);
const losing: ReadonlySet<RotationActName> = new Set(['rollback', 'retire', 'cancel']);

export function addRotation(keys: Command, settle: Settle): void {
  const rotate = keys
    .command('rotate')
    .description('put a new key in the place of the stored one: stage, test, canary, promote')
    .argument('<provider>', 'slug of the provider, for example openrouter')
    .option(
      '--calls <count>',
      'calls that the new key must have answered (default: 20; with --spend 0)',
      wholeNumber,
    )
    .option('--wait <seconds>', 'how long to wait for them (default: 600)', seconds)
    .option('--retire', 'wait for the end of the soak too, and remove the old key');
  startOptions(rotate);
  testOptions(rotate);
  forceOptions(rotate)
    .addOption(json())
    .addHelpText(
      'after',
      '\nAn open rotation goes on where it stands; with another key or plan it is refused, unless its soak is over.\nExit code: 0 the new key serves, or with --automatic: is staged; 1 it does not.',
    )
    .action(async (slug: string, options: RotateOptions) => {
      const { rotateKey } = await import('./keys-rotate.ts');
      settle(await rotateKey(slug, options));
    });
  const rotation = keys.command('rotation').description('the steps of a rotation, each alone');
  for (const act of Object.keys(descriptions) as RotationActName[]) {
    const command = rotation
      .command(act)
      .description(descriptions[act])
      .argument('<provider>', 'slug of the provider');
    if (act === 'start') startOptions(command);
    if (act === 'test') testOptions(command);
    if (act === 'canary') percentOption(command);
    if (forcible.has(act)) forceOptions(command);
    else if (act !== 'show') command.addOption(reason());
    if (losing.has(act) || forcible.has(act)) command.option('--yes', 'do not ask');
    command.addOption(json()).action(async (slug: string, options: RotationOptions) => {
      const { actOnRotation } = await import('./keys-rotation.ts');
      settle(await actOnRotation(act, slug, options));
    });
  }
}

const managementDescriptions: Readonly<Record<ManagementAct, string>> = {
  show: 'what Keyward can do with the keys there, and what it takes',
  set: 'store the credential that makes and revokes keys, asked for without echo',
  remove: 'remove that credential',
  sweep: 'hold the keys at the provider against the ledger, and revoke what no server uses any more',
};

export function addManagement(keys: Command, settle: Settle): void {
  const management = keys.command('management').description('keys that a provider makes and revokes by API');
  for (const act of Object.keys(managementDescriptions) as ManagementAct[]) {
    const command = management
      .command(act)
      .description(managementDescriptions[act])
      .argument('<provider>', 'slug of the provider');
    if (act === 'set') {
      command
        .option('--file <path>', 'read the credential from this file')
        .option('--base-url <url>', 'where the management API is (default: where the provider has it)')
        .option(
          '--parameter <name=value...>',
          'what the provider needs beside it, for example project=proj_1',
        )
        .option('--force', 'store it although the provider refuses it; needs --reason');
    }
    if (act === 'remove')
      command
        .option('--force', 'go on although keys that were made with it live there; needs --reason')
        .option('--yes', 'do not ask');
    if (act === 'sweep')
      command.option('--grace <seconds>', 'how long a retired key is left alone (default: 300)', wholeNumber);
    if (act !== 'show') command.addOption(reason());
    command.addOption(json()).action(async (slug: string, options: ManagementOptions) => {
      const { actOnManagement } = await import('./keys-management.ts');
      settle(await actOnManagement(act, slug, options));
    });
  }
  keys
    .command('schedule')
    .description('when a key is rotated without being asked; without options: show it')
    .argument('<provider>', 'slug of the provider')
    .option('--every-days <count>', 'so many days after the key came', wholeNumber)
    .option('--before-expiry-days <count>', 'so many days before the key ends', wholeNumber)
    .option('--jitter <minutes>', 'up to so much later (default: 60)', wholeNumber)
    .option('--window <from-to>', 'only then, UTC, for example 02:00-04:00')
    .option('--remove', 'rotate only when asked')
    .addOption(reason())
    .addOption(json())
    .action(async (slug: string, options: ScheduleOptions) => {
      const { actOnSchedule } = await import('./keys-management.ts');
      await actOnSchedule(slug, options);
    });
}

function startOptions(command: Command): Command {
  return percentOption(command)
    .option('--file <path>', 'read the new key from this file')
    .option('--mint', 'let the provider make the new key; needs: keyward keys management set')
    .option('--soak <seconds>', 'how long the old key stays as the fallback (default: 86400)', seconds)
    .addOption(expires())
    .option('--automatic', 'a running server takes the further steps by itself, behind the same proofs')
    .option(
      '--canary-seconds <count>',
      'with --automatic: try it so long at least (default: 600)',
      wholeNumber,
    )
    .option(
      '--canary-calls <count>',
      'with --automatic: so many calls must be answered with it (default: 20)',
      wholeNumber,
    );
}

function percentOption(command: Command): Command {
  return command.addOption(
    new Option('--percent <share>', 'share of the calls that the new key serves (default: 5)').argParser(
      percentage,
    ),
  );
}

function testOptions(command: Command): Command {
  return command
    .option('--spend', 'also make a chat of one token, which is spent')
    .option('--model <name>', 'with this model (default: the first active one of the provider)');
}

function forceOptions(command: Command): Command {
  return command
    .option('--force', 'go on although the proof does not allow it; needs --reason')
    .addOption(reason());
}
