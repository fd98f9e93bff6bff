/** Commands beside a running server: what they change is in force before they end. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { commandLine, type CommandLine } from '../support/command-line.ts';
import { gatewayToken } from '../support/running-keyward.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

const exported = ['sk', 'or', 'v1', 'e4e4'.repeat(16)].join('-');
const first = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
const second = ['sk', 'or', 'v1', 'da7a'.repeat(16)].join('-');

let provider: StandInProvider;
beforeEach(async () => {
  provider = await startStandInProvider({ keys: [exported, first, second] });
});
afterEach(async () => provider.close());

async function withServer(engine: 'embedded' | 'postgres'): Promise<CommandLine & { url: string }> {
  const installation = await commandLine({}, engine);
  const { url } = await installation.serve({
    OPENROUTER_BASE_URL: provider.baseUrl,
    OPENROUTER_API_KEY: exported,
  });
  return { ...installation, url };
}

async function chat(url: string, token = gatewayToken): Promise<{ status: number; source: string | null }> {
  const answer = await fetch(`${url}/api/v1/llm/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'openrouter/google/gemini-flash-1.5',
      messages: [{ role: 'user', content: 'Hello' }],
    }),
  });
  await answer.text();
  return { status: answer.status, source: answer.headers.get('x-keyward-key-source') };
}

const keyOfLastChat = (): string | undefined =>
  provider.requests.at(-1)?.headers.authorization?.slice('Bearer '.length);

describe.each(['embedded', 'postgres'] as const)(
  'with a server on the engine %s',
  { timeout: 120_000 },
  (engine) => {
    it('the very next request after keys set uses the new key', async () => {
      const { url, run } = await withServer(engine);
      expect(await chat(url)).toEqual({ status: 200, source: 'environment' });
      expect(keyOfLastChat()).toBe(exported);
      for (const key of [first, second, first]) {
        const { stdout } = await run('keys set openrouter', { input: key });
        expect(stdout).toMatch(/^Live on the running server \(revision \d+\)\.$/m);
        expect(await chat(url)).toEqual({ status: 200, source: 'database' });
        expect(keyOfLastChat()).toBe(key);
      }
    });

    it('so does the next request after any other change', async () => {
      const { url, run } = await withServer(engine);
      await run('keys set openrouter', { input: first });
      await run('keys source openrouter environment');
      expect(await chat(url)).toEqual({ status: 200, source: 'environment' });
      await run('keys source openrouter hybrid');
      expect(await chat(url)).toEqual({ status: 200, source: 'database' });
      await run('keys remove openrouter --yes');
      expect(await chat(url)).toEqual({ status: 200, source: 'environment' });
      await run('keys source openrouter database');
      expect(await chat(url)).toEqual({ status: 503, source: null });
    });

    it('what serves is what the server says, not the environment of the shell', async () => {
      const { run } = await withServer(engine);
      const explained = await run('keys explain openrouter');
      expect(explained.stderr).toMatch(/^The server \S+ \(process \d+\) sends to http:\S+: [^\n]+\n$/);
      expect(explained.transcript.replaceAll(/(?:base URL|! The server) .*\n/g, '')).toMatchInlineSnapshot(`
        "$ keyward keys explain openrouter
        OpenRouter (openrouter)
          active       yes
          source       environment
          stored key   none
          last test    none
            serves now   fp_FINGERPRINT from environment: the source is environment (OPENROUTER_API_KEY) [HOST, process PID, revision N]
        "
      `);
      const { stderr, stdout } = await run('keys list');
      expect(stderr).toBe('');
      expect(stdout).toMatch(/^openrouter +environment +environment +-/m);
    });

    it('a token works from the moment it is made, and gets 401 from the moment it is revoked', async () => {
      const { url, run } = await withServer(engine);
      const { token, id } = (await run('tokens create an-application --json')).json as {
        token: string;
        id: number;
      };
      expect(await chat(url, token)).toMatchObject({ status: 200 });
      expect((await run(`tokens revoke ${id}`)).stdout).toContain('Live on the running server');
      expect(await chat(url, token)).toMatchObject({ status: 401 });
      expect(await chat(url)).toMatchObject({ status: 200 });
    });
  },
);

describe('with two servers on a real PostgreSQL', { timeout: 120_000 }, () => {
  it('a change is on both before the command ends, and the next request at either uses it', async () => {
    const { run, serve, url } = await withServer('postgres');
    const other = await serve({ OPENROUTER_BASE_URL: provider.baseUrl });
    const { stdout } = await run('keys set openrouter', { input: second });
    expect(stdout).toMatch(/^Live on all 2 servers \(revision \d+\)\.$/m);
    for (const one of [url, other.url]) {
      expect(await chat(one)).toEqual({ status: 200, source: 'database' });
      expect(keyOfLastChat()).toBe(second);
    }
  });

  it('a server that hangs is named, with exit code 1, and the others have the change', async () => {
    const { run, serve, url } = await withServer('postgres');
    const other = await serve();
    other.process.kill('SIGSTOP');
    const { stdout, exitCode } = await run('keys set openrouter', { input: second });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      new RegExp(`1 of 2 servers have it, not yet: \\S+ \\(process ${other.process.pid}\\)\\.$`, 'm'),
    );
    expect(await chat(url)).toEqual({ status: 200, source: 'database' });
    other.process.kill('SIGCONT');
  });

  it('a key that was encrypted with another key than that of the servers is no silent loss', async () => {
    const { run, url } = await withServer('postgres');
    const foreign = { BYOK_ENCRYPTION_KEY: generateEncryptionKey().reveal() };
    const alone = await run('keys set openrouter', { input: first, env: foreign });
    expect([alone.exitCode, alone.stdout]).toEqual([1, '']);
    const notTheirs = /is not in the ring of \S+ \(process \d+, which has \w+\).*Nothing was changed\./;
    expect(alone.stderr).toMatch(notTheirs);

    await run('keys set openrouter', { input: second });
    const refused = await run('keys set groq', { input: ['gsk', 'e4e4'.repeat(13)].join('_'), env: foreign });
    expect([refused.exitCode, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toMatch(notTheirs);
    expect(await chat(url)).toEqual({ status: 200, source: 'database' });
  });
});
