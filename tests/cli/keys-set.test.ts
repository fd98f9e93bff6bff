/** How a key gets in: typed without echo, piped or from a file; and never onto the screen. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { commandLine, encryptionKey, type CommandLine } from '../support/command-line.ts';
import { hasTerminal, TerminalProcess } from '../support/terminal-process.ts';

const key = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
const patience = { timeout: 120_000 };

async function storedIn({ run }: CommandLine): Promise<unknown> {
  const { providers } = (await run('keys list --json')).json as { providers: Record<string, unknown>[] };
  return providers.find(({ provider }) => provider === 'openrouter')?.['stored'];
}

describe('a key from standard input or a file', patience, () => {
  it('is taken with the blanks and line ends around it off, and not shown', async () => {
    const installation = await commandLine();
    const file = join(installation.dataDirectory, 'a-key');
    writeFileSync(file, `  ${key}\r\n`);
    for (const { words, input } of [
      { words: 'keys set openrouter', input: `\n${key}\n` },
      { words: `keys set openrouter --file ${file}`, input: '' },
    ]) {
      const { exitCode, stdout, stderr } = await installation.run(words, { input });
      expect(exitCode).toBe(0);
      expect(stdout + stderr).not.toContain(key);
      expect(stdout + stderr).not.toContain('fa4efa4e');
      expect(stdout).toContain('Stored the key sk-or-v…fa4e');
    }
    expect((await installation.run('encryption-key check --json')).json).toMatchObject({
      stored_keys: 1,
      unreadable: [],
    });
  });

  it('that cannot be one is refused with exit code 2, not repeated, and nothing is stored', async () => {
    const installation = await commandLine();
    for (const [input, why] of [
      ['', 'The key is empty.'],
      [' \n\t', 'The key is empty.'],
      ['sk-or-v…fa4e', 'This is a masked key, not the key itself.'],
      [`${key}\n${key}`, 'The key has a line break inside.'],
      [`Bearer ${key}`, 'The key starts with "Bearer ".'],
      [`OPENROUTER_API_KEY=${key}`, 'This is a whole line of an environment file.'],
      [`"${key}"`, 'The key stands in quotation marks.'],
      [['sk', 'admin', 'fa4e'.repeat(10)].join('-'), 'This is an OpenAI admin key'],
    ] as const) {
      const { exitCode, stdout, stderr } = await installation.run('keys set openrouter', { input });
      expect([why, exitCode, stdout]).toEqual([why, 2, '']);
      expect(stderr).toContain(`keyward: ${why}`);
      expect(stderr).not.toContain('fa4efa4e');
    }
    expect(await storedIn(installation)).toBeNull();
  });

  it('that is a secret of Keyward itself is refused, and nothing is stored', async () => {
    const installation = await commandLine();
    const token = ['kwa', 'fa4e'.repeat(10), 'abc'].join('_').slice(0, 47);
    for (const [secret, why] of [
      [token, 'This is a token of Keyward itself'],
      [encryptionKey, 'This is the encryption key of Keyward'],
    ] as const) {
      const { exitCode, stdout, stderr } = await installation.run('keys set openrouter', { input: secret });
      expect([exitCode, stdout]).toEqual([2, '']);
      expect(stderr).toContain(`keyward: ${why}`);
      expect(stderr).not.toContain(secret);
    }
    expect(await storedIn(installation)).toBeNull();
  });

  it('in the place of the provider is not repeated', async () => {
    const { run } = await commandLine();
    for (const words of [`keys set ${key}`, `keys explain ${key}`, `keys remove ${key} --yes`]) {
      const { exitCode, stdout, stderr } = await run(words, { input: key });
      expect([exitCode, stdout]).toEqual([2, '']);
      expect(stderr).toContain('There is no provider');
      expect(stderr).not.toContain('fa4e');
    }
  });

  it('of an unusual shape is stored with a warning: shapes change', async () => {
    const { run } = await commandLine();
    const unusual = ['brand', 'new', 'shape', '1234'.repeat(8)].join('-');
    expect((await run('keys set openrouter', { input: unusual })).transcript).toMatchInlineSnapshot(`
      "$ keyward keys set openrouter
      Stored the key brand-n…1234 (fp_FINGERPRINT) for openrouter, encrypted with a28d2b29.
      The source of openrouter is now database; it was environment.
      Revision N; no server is running.
      ! The key does not look like the usual keys of OpenRouter, which begin with sk-or-v1-. Shapes change, so it is taken as it is.
      "
    `);
    const ofGroq = ['gsk', 'e4e4'.repeat(13)].join('_');
    expect((await run('keys set openrouter', { input: ofGroq })).transcript).toMatchInlineSnapshot(`
      "$ keyward keys set openrouter
      Stored the key gsk_e4e…e4e4 (fp_FINGERPRINT) for openrouter, encrypted with a28d2b29.
      Revision N; no server is running.
      ! The key looks like a key of Groq, not like one of OpenRouter.
      "
    `);
  });

  it('that cannot be read is one line and exit code 1', async () => {
    const { run } = await commandLine();
    const { exitCode, stderr } = await run('keys set openrouter --file /nowhere/key');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('keyward: The file /nowhere/key cannot be read: ENOENT');
  });
});

function openTerminal(words: string, environment: Readonly<Record<string, string>>): TerminalProcess {
  const terminal = new TerminalProcess(words.split(' '), environment);
  onTestFinished(() => terminal.close());
  return terminal;
}

describe.skipIf(!hasTerminal())('at a terminal', patience, () => {
  it('a key is asked for, and what is typed never appears on the screen', async () => {
    const installation = await commandLine();
    const terminal = openTerminal('keys set openrouter', installation.environment);
    await terminal.shows(/API key of openrouter \(it is not shown\)/);
    terminal.type(key);
    terminal.type('\r');
    const { exitCode, shown } = await terminal.ended();
    expect(exitCode).toBe(0);
    expect(shown).toContain('Stored the key sk-or-v…fa4e');
    expect(shown).not.toContain('fa4efa4e');
    expect(shown).not.toContain('sk-or-v1-');
    expect(await storedIn(installation)).toBe('sk-or-v…fa4e');
  });

  it('Ctrl-C at the question stores nothing', async () => {
    const installation = await commandLine();
    const terminal = openTerminal('keys set openrouter', installation.environment);
    await terminal.shows(/API key of openrouter/);
    terminal.type(`${key.slice(0, 30)}\u0003`);
    const { exitCode, shown } = await terminal.ended();
    expect(exitCode).toBe(1);
    expect(shown).toContain('Nothing was changed.');
    expect(shown).not.toContain('fa4efa4e');
    expect(await storedIn(installation)).toBeNull();
  });

  it('removing a key asks first: Enter leaves it, y removes it', async () => {
    const installation = await commandLine();
    await installation.run('keys set openrouter', { input: key });
    const question = /Remove the stored key of openrouter\? .*nobody is served by it\./;
    const hesitant = openTerminal('keys remove openrouter', installation.environment);
    await hesitant.shows(question);
    hesitant.type('\r');
    expect(await hesitant.ended()).toMatchObject({
      exitCode: 1,
      shown: expect.stringContaining('Nothing was changed.') as string,
    });
    expect(await storedIn(installation)).toBe('sk-or-v…fa4e');

    const certain = openTerminal('keys remove openrouter', installation.environment);
    await certain.shows(question);
    certain.type('y');
    expect(await certain.ended()).toMatchObject({
      exitCode: 0,
      shown: expect.stringContaining('Removed the stored key of openrouter.') as string,
    });
    expect(await storedIn(installation)).toBeNull();
  });
});
