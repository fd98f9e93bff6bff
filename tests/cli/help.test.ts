/** The command line itself: what it offers, and what it says to what it does not know. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commandLineAt } from '../support/command-line.ts';

// Nothing here opens a database: were it so, this directory would be refused.
const { run } = commandLineAt({ KEYWARD_DATA_DIR: '/dev/null/keyward' });

const key = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');

describe('help', () => {
  it('names every command, on standard output', async () => {
    expect((await run('--help')).transcript).toMatchInlineSnapshot(`
      "$ keyward --help
      Usage: keyward [options] [command]

      Keeps the API keys of LLM providers and serves them through an OpenAI-compatible
      gateway.

      Options:
        -V, --version             output the version number
        -h, --help                display help for command

      Commands:
        serve                     start the gateway; makes the database at the first
                                  start
        keys                      the keys of the providers
        providers                 the providers themselves
        tokens                    the tokens of callers and administrators
        user-keys                 the keys that users brought (BYOK)
        encryption-key            the key that encrypts the stored keys
        models                    the models, and names that stand for them
        alerts                    what is wrong, who is told of it, and who sees to it
        audit                     the record of every change: read, prove, export
        health [options]          how the keys stand, and what is coming
        backup [options]          copy everything into one encrypted file, without the
                                  encryption key
        restore [options] <file>  put what keyward backup copied into an empty
                                  database
        migrate [options]         bring the database to the version that this program
                                  needs, or back
        help [command]            display help for command
      "
    `);
    expect((await run('help')).stdout).toBe((await run('--help')).stdout);
  });

  it.each([
    'serve',
    'keys',
    'keys list',
    'keys set',
    'keys source',
    'keys remove',
    'keys test',
    'keys explain',
    'providers list',
    'providers show',
    'providers create',
    'providers change',
    'providers delete',
  ])('of keyward %s is there', async (command) => {
    const { exitCode, stdout, stderr } = await run(`${command} --help`);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`Usage: keyward ${command}`);
  });

  it.each([
    'models alias list',
    'models alias set',
    'models alias remove',
    'tokens list',
    'tokens create',
    'tokens limit',
    'tokens revoke',
    'user-keys list',
    'user-keys remove',
    'encryption-key generate',
    'encryption-key check',
    'alerts list',
    'alerts show',
    'alerts ack',
    'alerts snooze',
    'alerts resolve',
    'alerts test',
    'alerts channels list',
    'alerts channels add',
    'alerts channels change',
    'alerts channels remove',
    'audit list',
    'audit verify',
    'audit export',
    'audit retain',
    'backup',
    'backup inspect',
    'restore',
    'migrate',
  ])('of keyward %s is there as well', async (command) => {
    const { exitCode, stdout } = await run(`${command} --help`);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Usage: keyward ${command}`);
  });

  it('of a command that answers by its exit code lists the codes', async () => {
    const commands = ['keys test', 'encryption-key check', 'audit verify', 'audit retain'];
    for (const command of [...commands, 'backup inspect', 'restore', 'migrate'])
      expect((await run(`${command} --help`)).stdout).toMatch(/Exit code:\s+0/);
  });
});

it('the version is that of the package', async () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect((await run('--version')).stdout).toBe(`${manifest.version}\n`);
});

describe('what is not known is refused with exit code 2:', () => {
  it.each(['nonsense', '--nonsense', 'keys nonsense', 'keys list --nonsense', 'serve --port 1'])(
    'keyward %s',
    async (words) => {
      const { exitCode, stdout, stderr } = await run(words);
      expect([exitCode, stdout]).toEqual([2, '']);
      expect(stderr).toContain('error: ');
      expect(stderr).toContain('--help');
    },
  );

  it.each(['keys', 'tokens', 'encryption-key', 'audit'])(
    'keyward %s without more, and the help is shown',
    async (words) => {
      const { exitCode, stdout, stderr } = await run(words);
      expect([exitCode, stdout]).toEqual([2, '']);
      expect(stderr).toContain(`Usage: keyward ${words}`);
    },
  );

  it('a missing argument, a source that is none, a number that is none', async () => {
    expect((await run('keys set')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys set
      ! error: missing required argument 'provider'
      ! (keyward --help shows the commands)
      (exit code 2)
      "
    `);
    expect((await run('keys source openrouter vault')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys source openrouter vault
      ! error: command-argument value 'vault' is invalid for argument 'source'. Allowed choices are environment, database, hybrid.
      ! (keyward --help shows the commands)
      (exit code 2)
      "
    `);
    const { exitCode, stderr } = await run('encryption-key rotate --rate many');
    expect(exitCode).toBe(2);
    expect(stderr).toContain("argument 'many' is invalid. It must be a whole number");
  });
});

describe('a key in the wrong place', () => {
  it.each([
    `keys set openrouter ${key}`,
    `keys set openrouter --key ${key}`,
    `keys set openrouter --key=${key}`,
    `keys set --source=${key} openrouter`,
    `keys ${key}`,
    key,
    `--${key}`,
    `tokens revoke ${key}`,
    `keys source openrouter ${key}`,
  ])('is refused with exit code 2 and not repeated: %#', async (words) => {
    const { exitCode, stdout, stderr } = await run(words);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).not.toContain('fa4e');
  });

  it('as an argument of keys set is answered with what to do', async () => {
    const { stderr } = await run(`keys set openrouter ${key}`);
    expect(stderr).toMatchInlineSnapshot(`
      "keyward: The key is never taken from an argument: it would stay in the history of the shell. Call it without, and type the key when asked, or pipe it in. If that was a real key, replace it.
      "
    `);
  });
});

describe('a faulty configuration', () => {
  it('is one message with every fault, by name and never by value', async () => {
    const planted = ['planted', 'value', '4c4c'].join('-');
    const { transcript, stderr } = await run('keys list', {
      env: { PORT: planted, DATABASE_URL: `mysql://${planted}`, POSTGRES_HOST: planted, LOG_LEVEL: planted },
    });
    expect(transcript).toMatchInlineSnapshot(`
      "$ keyward keys list
      ! keyward: The configuration has 3 faults:
      !   - PORT must be a whole number.
      !   - DATABASE_URL must begin with postgres:// or postgresql://.
      !   - LOG_LEVEL must be one of: fatal, error, warn, info, debug, trace, silent.
      (exit code 1)
      "
    `);
    expect(stderr).not.toContain('4c4c');
  });

  it('with a half-set database does not end in the embedded one', async () => {
    const { transcript } = await run('serve', {
      env: { POSTGRES_HOST: 'db.internal', POSTGRES_USER: 'unicorn' },
    });
    expect(transcript).toMatchInlineSnapshot(`
      "$ keyward serve
      ! keyward: The configuration has a fault: The database is half set: POSTGRES_HOST, POSTGRES_USER given, POSTGRES_PASSWORD, POSTGRES_DB missing. Set them all (POSTGRES_PASSWORD may be empty), or none for the embedded database.
      (exit code 1)
      "
    `);
  });
});
