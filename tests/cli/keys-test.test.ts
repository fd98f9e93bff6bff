/** `keyward keys test`: the verdict in words, in JSON and as an exit code, and in the row of the key that was tested. */
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandLine, type CommandLine } from '../support/command-line.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

const key = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
const exported = ['sk', 'or', 'v1', 'e4e4'.repeat(16)].join('-');

let provider: StandInProvider;
beforeEach(async () => {
  provider = await startStandInProvider({ keys: [key] });
});
afterEach(async () => provider.close());

async function withStoredKey(env: Record<string, string> = {}): Promise<CommandLine> {
  const installation = await commandLine({ OPENROUTER_BASE_URL: provider.baseUrl, ...env });
  await installation.run('keys set openrouter', { input: key });
  return installation;
}

async function statusIn({ run }: CommandLine): Promise<unknown> {
  const { providers } = (await run('keys list --json')).json as { providers: Record<string, unknown>[] };
  return providers.find((row) => row['provider'] === 'openrouter')?.['test_status'];
}

describe('the test of a key', { timeout: 120_000 }, () => {
  it('that found it invalid is not the last word while calls with the key are answered', async () => {
    const { run, environment } = await withStoredKey();
    const { stored_key: stored } = (await run('keys explain openrouter --json')).json as {
      stored_key: { fingerprint: string };
    };
    const client = new pg.Client({ connectionString: environment['DATABASE_URL'] });
    await client.connect();
    await client.query(
      `UPDATE llm_providers SET api_key_test_status = 'invalid' WHERE provider_slug = 'openrouter'`,
    );
    const saw = async (verdict: string, at: string): Promise<void> =>
      void (await client.query(
        `INSERT INTO keyward_live_verdicts (provider_id, fingerprint, verdict, calls, first_seen_at, last_seen_at)
         SELECT id, $1, $2, 1, $3, $3 FROM llm_providers WHERE provider_slug = 'openrouter'`,
        [stored.fingerprint, verdict, at],
      ));
    await saw('invalid', '2026-03-01 09:00:00');
    const refused = await run('keys list');
    expect(refused.stdout).toMatch(/^openrouter .* invalid {2}/m);
    expect(refused.stderr).not.toContain('Calls are answered');
    await saw('valid', '2026-03-01 10:00:00');
    const list = await run('keys list');
    expect(list.stdout).toMatch(/^openrouter .* invalid, but answered {2}/m);
    expect(list.stderr).toContain('Calls are answered with a key that its last test found invalid.');
    expect((await run('keys explain openrouter')).stdout).toContain(
      'calls        answered with it since, the last at 2026-03-01T10:00:00.000Z; test it again: keyward keys test openrouter',
    );
    await client.end();
  });

  it('that is good, that lost its credit, that was revoked, and at a provider that is away', async () => {
    const { run } = await withStoredKey();
    expect((await run('keys test openrouter')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys test openrouter
      openrouter: valid (N ms, key fp_FINGERPRINT from database)
      OpenRouter accepted the key.
        limit    100 USD
        left     74.50 USD
        spent    25.50 USD
        name     sk-or-v1-…890
      "
    `);
    provider.setStanding(key, 'out_of_credit');
    expect((await run('keys test openrouter')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys test openrouter
      openrouter: out_of_credit (N ms, key fp_FINGERPRINT from database)
      The key is alive, but has reached its spending limit.
        limit    100 USD
        left     0 USD
        spent    100 USD
        name     sk-or-v1-…890
      ! Raise the limit of the key at https://openrouter.ai/settings/keys.
      (exit code 1)
      "
    `);
    provider.revoke(key);
    expect((await run('keys test openrouter')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys test openrouter
      openrouter: invalid (N ms, key fp_FINGERPRINT from database)
      OpenRouter does not know the key: it is mistyped, disabled, deleted or expired.
      ! Create a key at https://openrouter.ai/settings/keys and set it.
      (exit code 1)
      "
    `);
    const away = { env: { OPENROUTER_BASE_URL: 'http://127.0.0.1:1/v1' } };
    expect((await run('keys test openrouter', away)).transcript).toMatchInlineSnapshot(`
      "$ keyward keys test openrouter
      openrouter: unreachable (N ms, key fp_FINGERPRINT from database)
      The provider could not be asked: nobody listens there (connect ECONNREFUSED 127.0.0.1:PORT).
      ! Check the host and the port in the base URL, then test again.
      (exit code 1)
      "
    `);
  });

  it('is recorded where the stored key was tested, as one of the four values of the column', async () => {
    const installation = await withStoredKey();
    expect(await statusIn(installation)).toBe('untested');
    await installation.run('keys test openrouter');
    expect(await statusIn(installation)).toBe('valid');
    provider.setStanding(key, 'out_of_credit');
    await installation.run('keys test openrouter');
    expect(await statusIn(installation)).toBe('error');
    provider.revoke(key);
    await installation.run('keys test openrouter');
    expect(await statusIn(installation)).toBe('invalid');
  });

  it('for programs is one JSON object, with exit code 0 for valid and 1 for everything else', async () => {
    const { run } = await withStoredKey();
    const good = await run('keys test openrouter --json');
    expect(good.exitCode).toBe(0);
    expect(good.json).toEqual({
      provider: 'openrouter',
      is_valid: true,
      verdict: 'valid',
      message: 'OpenRouter accepted the key.',
      advice: 'Nothing to do.',
      code: null,
      source: 'database',
      fingerprint: expect.stringMatching(/^fp_[0-9a-f]{12}$/) as string,
      http_status: 200,
      models_available: null,
      limit_usd: 100,
      limit_reset: null,
      remaining_usd: 74.5,
      usage_usd: 25.5,
      expires_at: null,
      key_name: 'sk-or-v1-…890',
      organisation: null,
      permissions: null,
      response_time_ms: expect.any(Number) as number,
      tested_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
    });
    provider.revoke(key);
    const bad = await run('keys test openrouter --json');
    expect(bad.exitCode).toBe(1);
    expect(bad.json).toMatchObject({
      is_valid: false,
      verdict: 'invalid',
      http_status: 401,
      usage_usd: null,
    });
  });

  it('tells what the provider tells for free, and nothing of that steers the terminal', async () => {
    const { run } = await withStoredKey();
    const data = {
      label: 'gateway\u001B[2J of {key}',
      limit: 20,
      limit_reset: 'monthly',
      limit_remaining: -0.0125,
      usage: 20.0125,
      expires_at: '2027-12-31T23:59:59Z',
    };
    provider.behave({ answer: { status: 200, body: JSON.stringify({ data }) } });
    expect((await run('keys test openrouter')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys test openrouter
      openrouter: out_of_credit (N ms, key fp_FINGERPRINT from database)
      The key is alive, but has reached its spending limit.
        limit    20 USD, monthly
        left     -0.0125 USD
        spent    20.0125 USD
        expires  TIME
        name     gateway [2J of [redacted]
      ! Raise the limit of the key at https://openrouter.ai/settings/keys.
      (exit code 1)
      "
    `);
    expect((await run('keys test openrouter --json')).json).toMatchObject({
      limit_usd: 20,
      limit_reset: 'monthly',
      remaining_usd: -0.0125,
      expires_at: '2027-12-31T23:59:59.000Z',
      key_name: 'gateway [2J of [redacted]',
      code: 'key_limit_reached',
    });
  });

  it('counts the models where the provider lists them', async () => {
    const groq = await startStandInProvider({ slug: 'groq', keys: [key] });
    try {
      const { run } = await commandLine({ GROQ_BASE_URL: groq.baseUrl, GROQ_API_KEY: key });
      expect((await run('keys test groq')).stdout).toContain('\n  models   1\n');
      expect((await run('keys test groq --json')).json).toMatchObject({ models_available: 1 });
    } finally {
      await groq.close();
    }
  });

  it('of a key from the environment says nothing about a stored one', async () => {
    const installation = await withStoredKey({ OPENROUTER_API_KEY: exported });
    await installation.run('keys source openrouter environment');
    provider.setKeys([exported]);
    const { stdout, exitCode } = await installation.run('keys test openrouter');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^openrouter: valid \(\d+ ms, key fp_[0-9a-f]{12} from environment\)$/m);
    expect(await statusIn(installation)).toBe('untested');
  });

  it('that was proven dead lets hybrid fall back to the environment', async () => {
    const installation = await withStoredKey({ OPENROUTER_API_KEY: exported });
    await installation.run('keys source openrouter hybrid');
    provider.setKeys([exported]);
    await installation.run('keys test openrouter');
    const { transcript } = await installation.run('keys explain openrouter');
    expect(transcript).toMatchInlineSnapshot(`
      "$ keyward keys explain openrouter
      OpenRouter (openrouter)
        active       yes
        source       hybrid
        stored key   sk-or-v…fa4e (fp_FINGERPRINT)
        binding      good: to openrouter at openrouter.ai:443
        last test    invalid at TIME
        base URL     http://127.0.0.1:PORT/api/v1 (from environment)
        would serve  fp_FINGERPRINT from environment, a fallback (database_key_dead): the source is hybrid and the stored key is set aside: the last test proved the stored key dead (OPENROUTER_API_KEY)
      ! No server is running: this is what the environment of this shell would give.
      "
    `);
  });

  it('from a shell with another address than the server says where the server sends', async () => {
    const { run, serve } = await withStoredKey();
    await serve();
    const env = { OPENROUTER_BASE_URL: `${provider.baseUrl}/elsewhere` };
    const told = `sends to ${provider.baseUrl}: it was started with other variables than this shell has.`;
    expect((await run('keys test openrouter', { env })).stderr).toContain(told);
    expect((await run('keys explain openrouter', { env })).stderr).toContain(told);
    expect((await run('keys test openrouter')).stderr).toBe('');
    expect((await run('keys explain openrouter')).stderr).toBe('');
    expect((await run('keys explain openrouter --json', { env })).json).toMatchObject({
      servers: [{ serves: { base_url: provider.baseUrl } }],
    });
  });

  it('without a key, or without an address, is one line and exit code 1', async () => {
    const { run } = await commandLine();
    expect((await run('keys test groq')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys test groq
      ! keyward: There is no key of groq to test from here: the source is environment and GROQ_API_KEY is not set. A key in the environment of the server is tested with the same variable set in this shell.
      (exit code 1)
      "
    `);
    const { transcript } = await run('keys test groq', { env: { GROQ_BASE_URL: 'http://plain.example/v1' } });
    expect(transcript).toMatchInlineSnapshot(`
      "$ keyward keys test groq
      ! keyward: groq cannot be asked: GROQ_BASE_URL is not https; name its host in UPSTREAM_ALLOW_HTTP to send to it without TLS.
      (exit code 1)
      "
    `);
  });

  it('never shows the key, even when the provider echoes it', async () => {
    const { run } = await withStoredKey();
    provider.behave({
      answer: { status: 401, body: JSON.stringify({ error: { message: 'bad key {key}', code: '{key}' } }) },
    });
    for (const words of ['keys test openrouter', 'keys test openrouter --json']) {
      const { stdout, stderr } = await run(words);
      expect(stdout + stderr).not.toContain('fa4efa4e');
    }
  });
});
