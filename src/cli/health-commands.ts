/** The commands of the health watch: how keys stand, how old they are, and how old they may grow. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { plainLine } from '../foundation/visible-text.ts';
import { json, reason, timeToCome, wholeNumber, type Settle } from './command-options.ts';
import { mostTestsInMonth } from '../keys/health/daily-due.ts';
import type { HealthOptions } from './health.ts';
import type { ExpiryOptions } from './keys-expiry.ts';
import type { PolicyOptions } from './keys-policy.ts';

export function addHealth(program: Command, settle: Settle): void {
  program
    .command('health')
    .description('how the keys stand, and what is coming')
    .option('--run', 'first have the running server test its keys, and wait for it; spends no tokens')
    .addOption(reason())
    .addOption(json())
    .addHelpText('after', '\nExit code: 0 no key is unhealthy, 1 some are.')
    .action(async (options: HealthOptions) => {
      const { showHealth } = await import('./health.ts');
      settle(await showHealth(options));
    });
}

export function addAges(keys: Command): void {
  keys
    .command('ages')
    .description('how old the keys are, whose they are, and what is coming')
    .addOption(json())
    .action(async (options: { json?: true }) => {
      const { showAges } = await import('./health.ts');
      await showAges(options);
    });
  keys
    .command('expiry')
    .description('when the stored key ends, where its provider does not say; without options: show it')
    .argument('<provider>', 'slug of the provider')
    .addOption(new Option('--at <time>', 'it ends then, UTC').argParser(timeToCome))
    .option('--unknown', 'it is not known to end')
    .addOption(reason())
    .addOption(json())
    .action(async (slug: string, options: ExpiryOptions) => {
      const { actOnExpiry } = await import('./keys-expiry.ts');
      await actOnExpiry(slug, options);
    });
  keys
    .command('policy')
    .description('how old a key may grow, and whose it is; without options: show it')
    .argument('<provider>', 'slug of the provider')
    .addOption(days('--ageing <days>', 'from this age it is ageing (default: 75)', 1, 3_650))
    .addOption(days('--due <days>', 'from this age its rotation is due (default: 90)', 1, 3_650))
    .addOption(days('--overdue <days>', 'from this age its rotation is overdue (default: 120)', 1, 3_650))
    .addOption(
      new Option('--owner <name>', 'who looks after it: a person or a team; "" for nobody').argParser(lineIn),
    )
    .addOption(
      days('--snooze <days>', 'its age warns nobody for so long; needs --reason; 0: it warns again', 0, 365),
    )
    .addOption(
      new Option(
        '--probe-model <model>',
        'its daily test also makes a chat of one token with this model, which is spent',
      ).argParser(lineIn),
    )
    .addOption(
      new Option(
        '--probe-calls <calls>',
        'at most so many of these calls a month, over all servers (new: 31)',
      ).argParser((text) => {
        const value = wholeNumber(text);
        if (value >= 1 && value <= mostTestsInMonth) return value;
        throw new InvalidArgumentError(`It must be a number from 1 to ${mostTestsInMonth}.`);
      }),
    )
    .option('--no-probe', 'its daily test spends nothing any more')
    .addOption(reason())
    .addOption(json())
    .action(async (slug: string, options: PolicyOptions) => {
      const { actOnPolicy } = await import('./keys-policy.ts');
      await actOnPolicy(slug, options);
    });
}

function days(flags: string, description: string, least: number, most: number): Option {
  return new Option(flags, description).argParser((text) => {
    const value = wholeNumber(text);
    if (value < least || value > most)
      throw new InvalidArgumentError(`It must be a number of days from ${least} to ${most}.`);
    return value;
  });
}

const longestLine = 300;

function lineIn(text: string): string {
  if (text.length > longestLine || !plainLine.test(text))
    throw new InvalidArgumentError(`It must be one line of at most ${longestLine} characters.`);
  return text;
}
