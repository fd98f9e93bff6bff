/** The tree of commands. Each command's work lies in a file of its own, read only when it is called. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { databaseFaultSentence, isDatabaseFault } from '../database/database-fault.ts';
import { KeywardError, messageOf, UsageError } from '../foundation/errors.ts';
import { version } from '../foundation/version.ts';
import { redactSecrets } from '../providers/redact.ts';
import { addAlerts } from './alert-commands.ts';
import { addAudit } from './audit-commands.ts';
import { addBackup, addRestore } from './backup-commands.ts';
import { expires, json, milliseconds, reason, wholeNumber, type Settle } from './command-options.ts';
import type { RotateOptions } from './encryption-key-rotate.ts';
import type { SetKeyOptions } from './keys-set.ts';
import type { MigrateOptions } from './migrate-context.ts';
import type { ProviderOptions } from './providers.ts';
import { addAges, addHealth } from './health-commands.ts';
import { addModels } from './model-commands.ts';
import { addManagement, addRotation } from './rotation-commands.ts';
import { printJson, remark } from './terminal.ts';
import { withLimits } from './token-limit-options.ts';
import type { LimitTokenOptions, MakeTokenOptions } from './tokens.ts';
import { addUserKeys } from './user-key-commands.ts';

const usageExitCode = 2;
const sources = ['environment', 'database', 'hybrid'] as const;

/** @returns the exit code: 0 done, 1 failed, 2 wrong use, and what the command documents */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const outcome = { exitCode: 0 };
  try {
    await commandTree(outcome).parseAsync([...argv], { from: 'user' });
    return outcome.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      tellMigratePrograms(argv, error);
      return usageExitCode;
    }
    if (error instanceof UsageError) {
      remark(redactSecrets(`keyward: ${error.message}`, []));
      return error.exitCode;
    }
    if (error instanceof KeywardError || isDatabaseFault(error)) {
      remark(redactSecrets(`keyward: ${lineOf(error)}`, []));
      return 1;
    }
    remark(redactSecrets(`keyward: unexpected fault: ${(error as Error).stack ?? String(error)}`, []));
    return 1;
  }
}

/** `migrate --json` gives one object however it ends, also when its options are not understood. */
function tellMigratePrograms(argv: readonly string[], { message }: CommanderError): void {
  if (argv[0] !== 'migrate' || !argv.includes('--json')) return;
  const actions = ['check', 'verify', 'rollback', 'dry-run', 'force'];
  const action = actions.find((one) => argv.includes(`--${one}`)) ?? 'apply';
  const error = redactSecrets(message.replace(/^error: /, ''), []);
  printJson({ action, ok: false, exit_code: usageExitCode, error });
}

function lineOf(error: unknown): string {
  if (!(error instanceof KeywardError)) return databaseFaultSentence(error);
  const cause = error.cause === undefined ? '' : messageOf(error.cause);
  return error.message.includes(cause) ? error.message : `${error.message} (${cause})`;
}

function commandTree(outcome: { exitCode: number }): Command {
  const settle = (exitCode: number): void => {
    outcome.exitCode = exitCode;
  };
  const program = new Command('keyward')
    .description('Keeps the API keys of LLM providers and serves them through an OpenAI-compatible gateway.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(keyward --help shows the commands)')
    // A key that was mistyped as an option must not be repeated on the screen.
    .configureOutput({ writeErr: (text) => process.stderr.write(redactSecrets(text, [])) });
  addServe(program, settle);
  addKeys(program, settle);
  addProviders(program, settle);
  addTokens(program);
  addUserKeys(program, settle);
  addEncryptionKey(program, settle);
  addModels(program);
  addAlerts(program, settle);
  addAudit(program, settle);
  addHealth(program, settle);
  addBackup(program, settle);
  addRestore(program, settle);
  addMigrate(program, settle);
  return program;
}

function addServe(program: Command, settle: Settle): void {
  program
    .command('serve')
    .description('start the gateway; makes the database at the first start')
    .action(async () => {
      const { serve } = await import('./serve.ts');
      settle(await serve());
    });
}

function addKeys(program: Command, settle: Settle): void {
  const keys = program.command('keys').description('the keys of the providers');
  keys
    .command('list')
    .description('all providers, and the key that serves each')
    .addOption(json())
    .action(async (options: { json?: true }) => {
      const { listKeys } = await import('./keys-list.ts');
      await listKeys(options);
    });
  keys
    .command('set')
    .description('store a key, asked for without echo; or read from standard input or a file')
    .argument('<provider>', 'slug of the provider, for example openrouter')
    .option('--file <path>', 'read the key from this file')
    .addOption(
      new Option(
        '--source <source>',
        'where the key is to be found from now on (default: database, unless it is hybrid)',
      ).choices(sources),
    )
    .addOption(expires())
    .addOption(reason())
    .addOption(json())
    .allowExcessArguments()
    .action(async (slug: string, options: SetKeyOptions, command: Command) => {
      refuseKeyAsArgument(command);
      const { setKey } = await import('./keys-set.ts');
      settle(await setKey(slug, options));
    });
  keys
    .command('source')
    .description('say where the key of a provider is found')
    .argument('<provider>')
    .addArgument(program.createArgument('<source>', 'environment, database or hybrid').choices(sources))
    .addOption(reason())
    .addOption(json())
    .action(async (slug: string, source: string, options: { reason?: string; json?: true }) => {
      const { changeSource } = await import('./keys-source.ts');
      await changeSource(slug, source, options);
    });
  keys
    .command('remove')
    .description('remove the stored key of a provider')
    .argument('<provider>')
    .option('--yes', 'do not ask')
    .addOption(reason())
    .addOption(json())
    .action(async (slug: string, options: { yes?: true; reason?: string; json?: true }) => {
      const { removeKey } = await import('./keys-remove.ts');
      settle(await removeKey(slug, options));
    });
  keys
    .command('bind')
    .description('bind a key that another program stored to its provider and host')
    .argument('<provider>')
    .option('--yes', 'do not ask')
    .addOption(reason())
    .addOption(json())
    .action(async (slug: string, options: { yes?: true; reason?: string; json?: true }) => {
      const { bindKey } = await import('./keys-bind.ts');
      settle(await bindKey(slug, options));
    });
  keys
    .command('test')
    .description('ask the provider whether its key lives; spends no tokens')
    .argument('<provider>')
    .addOption(reason())
    .addOption(json())
    .addHelpText('after', '\nExit code: 0 valid, 1 not valid or not known.')
    .action(async (slug: string, options: { reason?: string; json?: true }) => {
      const { testProviderKey } = await import('./keys-test.ts');
      settle(await testProviderKey(slug, options));
    });
  keys
    .command('explain')
    .description('which source serves, with which fingerprint, and why')
    .argument('<provider>')
    .addOption(json())
    .action(async (slug: string, options: { json?: true }) => {
      const { explainKey } = await import('./keys-explain.ts');
      await explainKey(slug, options);
    });
  addRotation(keys, settle);
  addManagement(keys, settle);
  addAges(keys);
}

/** An argument stays in the shell's history and is seen by every user of the machine. */
function refuseKeyAsArgument(command: Command): void {
  if (command.args.length <= 1) return;
  throw new UsageError(
    'The key is never taken from an argument: it would stay in the history of the shell. Call it without, and type the key when asked, or pipe it in. If that was a real key, replace it.',
    { exitCode: usageExitCode },
  );
}

function withSettings(command: Command): Command {
  return command
    .argument('<provider>', 'slug of the provider, for example our-llm')
    .option('--name <name>', 'what to call it')
    .option('--base-url <url>', 'where it speaks the OpenAI API, for example https://llm.example.com/v1')
    .addOption(new Option('--source <source>', 'where its key is found').choices(sources))
    .addOption(new Option('--active <yes|no>', 'whether callers may use it').choices(['yes', 'no']))
    .addOption(
      new Option('--private-network <yes|no>', 'whether its address may lead into a private network').choices(
        ['yes', 'no'],
      ),
    )
    .addOption(
      new Option('--user-keys <yes|no>', 'whether users may bring keys of their own').choices(['yes', 'no']),
    )
    .addOption(reason())
    .addOption(json());
}

function addProviders(program: Command, settle: Settle): void {
  const providers = program.command('providers').description('the providers themselves');
  providers
    .command('list')
    .description('all providers and where they are reached')
    .addOption(json())
    .action(async (options: { json?: true }) => {
      const { listProviders } = await import('./providers.ts');
      await listProviders(options);
    });
  providers
    .command('show')
    .description('one provider')
    .argument('<provider>')
    .addOption(json())
    .action(async (slug: string, options: { json?: true }) => {
      const { showProvider } = await import('./providers.ts');
      await showProvider(slug, options);
    });
  withSettings(providers.command('create'))
    .description('add a provider: any endpoint that speaks the OpenAI API')
    .action(async (slug: string, options: ProviderOptions) => {
      const { createNewProvider } = await import('./providers.ts');
      await createNewProvider(slug, options);
    });
  withSettings(providers.command('change'))
    .description('change a provider; what is not named stays')
    .action(async (slug: string, options: ProviderOptions) => {
      const { changeOneProvider } = await import('./providers.ts');
      await changeOneProvider(slug, options);
    });
  providers
    .command('delete')
    .description('delete a provider')
    .argument('<provider>')
    .option('--force', 'also with its key, its models and the keys that users brought')
    .option('--yes', 'do not ask')
    .addOption(reason())
    .addOption(json())
    .action(async (slug: string, options: { force?: true; yes?: true; reason?: string; json?: true }) => {
      const { deleteOneProvider } = await import('./providers.ts');
      settle(await deleteOneProvider(slug, options));
    });
}

function addTokens(program: Command): void {
  const tokens = program.command('tokens').description('the tokens of callers and administrators');
  tokens
    .command('list')
    .description('all tokens with role, last use and expiry, without the tokens themselves')
    .addOption(json())
    .action(async (options: { json?: true }) => {
      const { printTokens } = await import('./tokens.ts');
      await printTokens(options);
    });
  withLimits(
    tokens
      .command('create')
      .description('make a token and show it once')
      .argument('<name>', 'what to call it'),
  )
    .option('--admin', 'for the admin API instead of the gateway')
    .addOption(
      new Option('--role <role>', 'what an admin token may do (default: admin)').choices(['admin', 'viewer']),
    )
    .option('--expires-in <span>', 'how long it is good: 30m, 12h, 90d, 4w (default: until it is revoked)')
    .option('--expires-at <date>', 'until when it is good: 2027-01-31, or 2027-01-31T12:00Z')
    .addOption(reason())
    .addOption(json())
    .action(async (name: string, options: MakeTokenOptions) => {
      const { makeToken } = await import('./tokens.ts');
      await makeToken(name, options);
    });
  withLimits(
    tokens
      .command('limit')
      .description('change whose a gateway token is and what it may use; live at once')
      .argument('<token>', 'its number as tokens list shows it, or its name where no other good one has it'),
  )
    .addOption(reason())
    .addOption(json())
    .addHelpText('after', '\n"none" takes a limit away; what is not said stays as it is.')
    .action(async (token: string, options: LimitTokenOptions) => {
      const { limitToken } = await import('./tokens.ts');
      await limitToken(token, options);
    });
  tokens
    .command('revoke')
    .description('revoke a token; works at once, also for the sessions begun with it')
    .argument('<token>', 'its number as tokens list shows it, or its name where no other good one has it')
    .addOption(json())
    .action(async (token: string, options: { json?: true }) => {
      const { endToken } = await import('./tokens.ts');
      await endToken(token, options);
    });
}

function addEncryptionKey(program: Command, settle: Settle): void {
  const encryptionKey = program
    .command('encryption-key')
    .description('the key that encrypts the stored keys');
  encryptionKey
    .command('generate')
    .description('make a key for BYOK_ENCRYPTION_KEY and print it')
    .option('--file <path>', 'write it to a new file of mode 0600 instead')
    .addOption(json())
    .action(async (options: { file?: string; json?: true }) => {
      const { generateKey } = await import('./encryption-key.ts');
      generateKey(options);
    });
  encryptionKey
    .command('check')
    .description('how many stored keys decrypt, and under which key of the ring')
    .addOption(json())
    .addHelpText('after', '\nExit code: 0 all decrypt, 1 some do not.')
    .action(async (options: { json?: true }) => {
      const { checkKey } = await import('./encryption-key.ts');
      settle(await checkKey(options));
    });
  encryptionKey
    .command('rotate')
    .description('change the encryption key while the servers serve: new key, wait, encrypt anew, prove')
    .option('--check', 'only say whether everything stored is under the active key')
    .option('--status', 'only say where it stands: keys in use, running servers, rows under each key')
    .option('--dry-run', 'only say what it would do')
    .addOption(
      new Option('--wait <seconds>', 'how long to wait for the running servers at each step')
        .argParser(wholeNumber)
        .default(60),
    )
    .addOption(
      new Option('--rate <rows>', 'rows a second at most, to spare the database').argParser(wholeNumber),
    )
    .addOption(json())
    .addHelpText(
      'after',
      '\nA run that was ended goes on where it was when it is begun again.\nExit code: 0 done, 1 rows are left under another key, 3 something is to be done by hand first.',
    )
    .action(async (options: RotateOptions) => {
      const { rotateKey } = await import('./encryption-key-rotate.ts');
      settle(await rotateKey(options));
    });
  encryptionKey
    .command('forget')
    .description('let servers start without keys that are lost, and with them what only they opened')
    .argument('<id...>', 'ids, as the refused start names them')
    .option('--yes', 'do not ask')
    .addOption(json())
    .action(async (ids: string[], options: { yes?: true; json?: true }) => {
      const { forgetKeys } = await import('./encryption-key-rotate.ts');
      settle(await forgetKeys(ids, options));
    });
}

function addMigrate(program: Command, settle: Settle): void {
  program
    .command('migrate')
    .description('bring the database to the version that this program needs, or back')
    .option('--check', 'only compare: which migrations are applied, and every difference in the catalogue')
    .option('--verify', 'run the eighteen checks of migration 002')
    .option('--rollback', 'take migration 002 back, and what was built on it; keys are saved first')
    .option('--force', 'apply again what is applied, to repair what drifted')
    .option('--dry-run', 'print the SQL that would run')
    .addOption(new Option('--to <version>', 'stop at this migration, for example 002').argParser(threeDigits))
    .option('--yes', 'do not ask: roll back with keys stored, or restore saved keys')
    .addOption(
      new Option('--lock-timeout <ms>', 'how long one statement may wait for a table lock').argParser(
        milliseconds,
      ),
    )
    .addOption(json())
    .addHelpText('after', migrateExitCodes)
    .action(async (options: MigrateOptions) => {
      const { migrate } = await import('./migrate.ts');
      settle(await migrate(options));
    });
}

const migrateExitCodes = `
Exit code:
  0  at target
  1  failed, nothing changed
  2  wrong use
  3  migrations are pending
  4  drift: the catalogue or an applied file is not as it was
  5  a lock was not had in time, nothing changed
  6  keys would be lost, nothing changed
  7  a verification failed`;

function threeDigits(text: string): string {
  if (!/^\d{1,3}$/.test(text))
    throw new InvalidArgumentError('It must be the number of a migration, for example 002.');
  return text.padStart(3, '0');
}
