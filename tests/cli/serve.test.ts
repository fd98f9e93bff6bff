/** `keyward serve`: the first start tells a newcomer everything once, the second repeats no secret. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { commandLine, commandLineAt } from '../support/command-line.ts';
import { migratedPgliteDirectory } from '../support/fresh-pglite.ts';
import { startStandInProvider } from '../support/stand-in-provider.ts';

const key = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
const patience = { timeout: 120_000 };

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'keyward-cli-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

async function statusOf(url: string, path: string, token: string): Promise<number> {
  const answer = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
  await answer.text();
  return answer.status;
}

describe('the first start in a place where nothing is', patience, () => {
  it('says where everything is, shows two tokens that work, and the next start repeats no secret', async () => {
    const dataDirectory = join(newDirectory(), 'new', '.keyward');
    const { serve } = commandLineAt({ KEYWARD_DATA_DIR: dataDirectory, PORT: '0' });
    const first = await serve();
    const { url } = first;
    await first.process.said(/Ctrl-C ends it/);
    const [, admin = ''] = await first.process.said(/Admin token +(\S+)/);
    const [, gateway = ''] = await first.process.said(/Gateway token +(\S+)/);
    expect(await statusOf(url, '/api/v1/admin/status', admin)).toBe(200);
    expect(await statusOf(url, '/api/v1/admin/status', gateway)).toBe(401);
    expect(await statusOf(url, '/v1/chat/completions', gateway)).toBe(405);
    first.process.kill('SIGTERM');
    const { stdout, stderr, exitCode } = await first.process.ended();
    expect(exitCode).toBe(0);
    expect(plain(stdout, dataDirectory)).toMatchInlineSnapshot(`
      "Keyward 0.1.0 listens on http://127.0.0.1:PORT

        Admin page      http://127.0.0.1:PORT/
        Data            embedded database in DATA
        Encryption key  DATA/encryption-key (generated, mode 0600)
                        Back this file up: without it every stored key is lost.
        Admin token     kwa_TOKEN   (shown this once: keep it)
        Gateway token   kwg_TOKEN   (shown this once: keep it)
        Serves          no provider has a key yet: npx keyward keys set openrouter

      Try it (with OPENROUTER_API_KEY set at the start, or after: npx keyward keys set openrouter):

        curl http://127.0.0.1:PORT/api/v1/llm/chat/completions \\
          -H "Authorization: Bearer kwg_TOKEN" \\
          -H "Content-Type: application/json" \\
          -d '{"model": "openrouter/google/gemini-flash-1.5", "messages": [{"role": "user", "content": "Hello"}]}'

      The embedded database is for a first day: it outlives a killed process, not a power cut. For a real PostgreSQL:

        DATABASE_URL=postgres://user:password@host:5432/database BYOK_ENCRYPTION_KEY_FILE=path npm start

      Ctrl-C ends it.
      "
    `);
    expect(plain(stderr, dataDirectory)).toMatchInlineSnapshot(`
      "Making the embedded database in DATA/database (a few seconds, once)
      Applied migration 001_create_llm_tables.sql in N ms
      Applied migration 002_add_system_api_keys.sql in N ms
      Applied migration 003_add_more_providers.sql in N ms
      Applied migration 004_add_keyward_tables.sql in N ms
      Applied migration 005_add_key_checks.sql in N ms
      Applied migration 006_add_audit.sql in N ms
      Applied migration 007_add_administration.sql in N ms
      Applied migration 008_add_key_rotation.sql in N ms
      Applied migration 009_add_encryption_keys.sql in N ms
      Applied migration 010_add_health_watch.sql in N ms
      Applied migration 011_add_gateway.sql in N ms
      Applied migration 012_add_usage_by_hour.sql in N ms
      SIGTERM: finishing the requests in flight
      Stopped.
      "
    `);

    expect(modeOf(dataDirectory)).toBe('700');
    const keyFile = join(dataDirectory, 'encryption-key');
    expect(modeOf(keyFile)).toBe('600');
    expect(stdout + stderr).not.toContain(readFileSync(keyFile, 'utf8').trim());

    const second = await serve();
    expect(await statusOf(second.url, '/api/v1/admin/status', admin)).toBe(200);
    second.process.kill('SIGINT');
    const again = await second.process.ended();
    expect(again.exitCode).toBe(0);
    for (const secret of [admin, gateway, readFileSync(keyFile, 'utf8').trim()])
      expect(again.stdout + again.stderr).not.toContain(secret);
    expect(again.stdout).not.toMatch(/kw[ag]_/);
    expect(plain(again.stdout, dataDirectory)).toMatchInlineSnapshot(`
      "Keyward 0.1.0 listens on http://127.0.0.1:PORT

        Admin page      http://127.0.0.1:PORT/
        Data            embedded database in DATA
        Encryption key  DATA/encryption-key
        Serves          no provider has a key yet: npx keyward keys set openrouter

      Ctrl-C ends it.
      "
    `);
  });

  it('with tokens in the environment shows none and makes none', async () => {
    const { run, serve } = await commandLine();
    const { process: server } = await serve();
    expect((await run('tokens list --json')).json).toEqual({ tokens: [] });
    server.kill('SIGTERM');
    const { stdout } = await server.ended();
    expect(stdout).not.toMatch(/kw[ag]_|token/i);
  });

  it.each([
    ['with the token that it made', {}],
    ['without a token where the door is open, which it says loudly', { GATEWAY_AUTH: 'open' }],
  ])('shows a curl that works as it stands, %s', async (_how, env) => {
    const { environment } = await commandLine(env);
    const { KEYWARD_GATEWAY_TOKEN: _gateway, KEYWARD_ADMIN_TOKEN: _admin, ...without } = environment;
    const { serve } = commandLineAt(without);
    const { process: server } = await serve();
    const [curl] = await server.said(/curl [^']+'[^']+'/);
    const [, url = ''] = /curl (\S+)/.exec(curl) ?? [];
    const [, body = ''] = /-d '(.+)'/.exec(curl) ?? [];
    const headers = new Headers();
    for (const [, name = '', value = ''] of curl.matchAll(/-H "([^:]+): ([^"]+)"/g)) headers.set(name, value);
    const answer = await fetch(url, { method: 'POST', headers, body });
    // There is no key yet; but address, token and body are right.
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ error: { code: 'provider_key_missing' } });
    expect(headers.has('authorization')).toBe(!('GATEWAY_AUTH' in env));
    const loud = server.said(
      /THE DOOR IS OPEN \(GATEWAY_AUTH=open\): whoever reaches http:\S+ spends your keys/,
    );
    if ('GATEWAY_AUTH' in env) await loud;
    else loud.catch(() => undefined);
  });
});

describe('the encryption key that a command made', patience, () => {
  it('is told by that command, and the first start asks for a backup all the same', async () => {
    const dataDirectory = join(newDirectory(), 'data');
    await migratedPgliteDirectory(join(dataDirectory, 'database'));
    const { run, serve } = commandLineAt({ KEYWARD_DATA_DIR: dataDirectory, PORT: '0' });
    const keyFile = join(dataDirectory, 'encryption-key');
    expect((await run('keys list')).stderr).toContain(
      `Made the encryption key ${keyFile} (mode 0600). Back it up: without it every stored key is lost.`,
    );
    expect((await run('keys list')).stderr).not.toContain('Made the encryption key');
    const first = await serve();
    await first.process.said(/Back this file up: without it every stored key is lost\./);
    first.process.kill('SIGTERM');
    await first.process.ended();
    const second = await serve();
    second.process.kill('SIGTERM');
    expect((await second.process.ended()).stdout).not.toContain('Back this file up');
  });

  it('and was damaged since is named, with what helps: the backup', async () => {
    const dataDirectory = join(newDirectory(), 'data');
    await migratedPgliteDirectory(join(dataDirectory, 'database'));
    const { run } = commandLineAt({ KEYWARD_DATA_DIR: dataDirectory, PORT: '0' });
    await run('keys set openrouter', { input: key });
    const keyFile = join(dataDirectory, 'encryption-key');
    writeFileSync(keyFile, 'garbage\n');
    const { exitCode, stderr } = await run('serve');
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`The encryption key file ${keyFile} is damaged, or no key file.`);
    expect(stderr).toContain('put the file back from your backup instead: a new key opens none of them.');
    expect(stderr).not.toContain('garbage');
  });
});

describe('a provider that cannot be called', patience, () => {
  it('is no provider that the start says is served, and is told with the reason', async () => {
    const { serve } = await commandLine({
      OPENROUTER_API_KEY: key,
      OPENROUTER_BASE_URL: 'http://169.254.169.254/v1',
    });
    const { process: server } = await serve();
    await server.said(
      /PROBLEM +openrouter: .*leads to the metadata service of a cloud, where nothing is ever sent/,
    );
    server.kill('SIGTERM');
    expect((await server.ended()).stdout).toMatch(/Serves +nothing\n/);
  });
});

describe('a second Ctrl-C', patience, () => {
  it('ends the server at once, though a stream is in flight that never ends', async () => {
    const provider = await startStandInProvider({ keys: [key] });
    onTestFinished(async () => provider.close());
    provider.behave({ cut: { afterBytes: 10, ending: 'stall' } });
    const { environment, serve } = await commandLine({
      OPENROUTER_API_KEY: key,
      OPENROUTER_BASE_URL: provider.baseUrl,
      SHUTDOWN_TIMEOUT_MS: '600000',
    });
    const { url, process: server } = await serve();
    const stream = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${environment['KEYWARD_GATEWAY_TOKEN']}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ model: 'openrouter/m', messages: [], stream: true }),
    });
    expect(stream.status).toBe(200);
    server.kill('SIGINT');
    await server.said(/SIGINT: finishing the requests in flight/);
    // npm passes on the Ctrl-C that the terminal has sent as well: that one is no second.
    await expect
      .poll(() => {
        server.kill('SIGINT');
        return server.isRunning;
      })
      .toBe(false);
    const { stderr, exitCode } = await server.ended();
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/SIGINT again: ended at once\.\n$/);
    await expect(stream.text()).rejects.toThrow('terminated');
    provider.release('reset');
  });
});

describe('a start without its encryption key', patience, () => {
  it('is refused when the file is gone and keys are stored, and goes on once it is back', async () => {
    const dataDirectory = join(newDirectory(), 'data');
    await migratedPgliteDirectory(join(dataDirectory, 'database'));
    const { run, serve } = commandLineAt({ KEYWARD_DATA_DIR: dataDirectory, PORT: '0' });
    await run('keys set openrouter', { input: key });
    const keyFile = join(dataDirectory, 'encryption-key');
    const backup = readFileSync(keyFile, 'utf8');
    rmSync(keyFile);
    const refused = await run('serve');
    expect(refused.transcript).toMatchInlineSnapshot(`
      "$ keyward serve
      ! keyward: The encryption key file DATA/encryption-key is gone, and nothing else opens the stored key and the audit trail. Put it back from your backup, or set BYOK_ENCRYPTION_KEY to the key it held.
      (exit code 1)
      "
    `);
    expect((await run('keys list')).exitCode).toBe(1);
    const { url } = await serve({ BYOK_ENCRYPTION_KEY: backup });
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  });

  it('makes a new one when the file is gone and nothing is stored', async () => {
    const dataDirectory = join(newDirectory(), 'data');
    await migratedPgliteDirectory(join(dataDirectory, 'database'));
    const { run } = commandLineAt({ KEYWARD_DATA_DIR: dataDirectory, PORT: '0' });
    await run('keys list');
    rmSync(join(dataDirectory, 'encryption-key'));
    expect((await run('keys list')).exitCode).toBe(0);
    expect(modeOf(join(dataDirectory, 'encryption-key'))).toBe('600');
  });

  it('on a real PostgreSQL is refused with the command that makes one', async () => {
    const { environment } = await commandLine();
    const { BYOK_ENCRYPTION_KEY: _none, ...without } = environment;
    const { run } = commandLineAt(without);
    for (const words of ['serve', 'keys list', 'encryption-key check']) {
      const { exitCode, stdout, stderr } = await run(words);
      expect([words, exitCode, stdout]).toEqual([words, 1, '']);
      expect(stderr).toBe(
        'keyward: No encryption key: with a PostgreSQL of your own, set BYOK_ENCRYPTION_KEY, BYOK_ENCRYPTION_KEY_FILE or BYOK_ENCRYPTION_KEY_COMMAND, the same for every instance. Make a good one with: keyward encryption-key generate\n',
      );
    }
  });

  it.each([
    ['an all-zero key', Buffer.alloc(32).toString('base64'), /all zeros/],
    ['a key with quotes left in', `"${Buffer.alloc(32, 7).toString('base64')}"`, /quotes were left in/],
    ['a key that is too short', 'dG9vIHNob3J0', /it has 12 characters, and a Fernet key has 44/],
  ])(
    '%s is refused without a word of it, and with the command that makes a good one',
    async (_what, bad, why) => {
      const { run } = await commandLine({ BYOK_ENCRYPTION_KEY: bad });
      const { exitCode, stdout, stderr } = await run('serve');
      expect([exitCode, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(why);
      expect(stderr).toContain('keyward encryption-key generate');
      expect(stderr).not.toContain(bad);
    },
  );

  it('with a key file that others can read starts, and says how to close it', async () => {
    const directory = newDirectory();
    const { run } = commandLineAt({});
    const file = join(directory, 'ring');
    await run(`encryption-key generate --file ${file}`);
    chmodSync(file, 0o644);
    const { environment } = await commandLine();
    const { BYOK_ENCRYPTION_KEY: _none, ...without } = environment;
    const { serve } = commandLineAt({ ...without, BYOK_ENCRYPTION_KEY_FILE: file });
    const { process: server } = await serve();
    const [warning] = await server.said(/Others can read it: chmod 600 .*/);
    expect(warning).toBe(`Others can read it: chmod 600 ${file}`);
  });
});

function plain(text: string, dataDirectory: string): string {
  return text
    .replaceAll(dataDirectory, 'DATA')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
    .replaceAll(/\bkw([ag])_[\w-]{43}/g, 'kw$1_TOKEN')
    .replaceAll(/\b\d+ ms\b/g, 'N ms');
}
