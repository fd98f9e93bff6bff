/** The keys of the providers by command, without a server: a transcript of an administrator's first hour. */
import { describe, expect, it } from 'vitest';
import { commandLine } from '../support/command-line.ts';

const first = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
const second = ['sk', 'or', 'v1', 'da7a'.repeat(16)].join('-');
const exported = ['gsk', 'e4e4'.repeat(13)].join('_');

/** Every process loads the engine anew. */
const patience = { timeout: 120_000 };

describe('without a server', patience, () => {
  it('keys are set, explained, moved between sources and removed', async () => {
    const { run } = await commandLine({ GROQ_API_KEY: exported }, 'embedded');
    expect((await run('keys list')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys list
      PROVIDER    SOURCE       SERVED BY    STORED KEY  TEST  AGE
      anthropic   environment  -            -           -     -
      cohere      environment  -            -           -     -
      deepseek    environment  -            -           -     -
      fireworks   environment  -            -           -     -
      google      environment  -            -           -     -
      groq        environment  environment  -           -     -
      mistral     environment  -            -           -     -
      openai      environment  -            -           -     -
      openrouter  environment  -            -           -     -
      perplexity  environment  -            -           -     -
      together    environment  -            -           -     -
      xai         environment  -            -           -     -
      ! No server is running: "served by" is what the environment of this shell would give.
      "
    `);
    expect((await run('keys set openrouter', { input: `${first}\n` })).transcript).toMatchInlineSnapshot(`
      "$ keyward keys set openrouter
      Stored the key sk-or-v…fa4e (fp_FINGERPRINT) for openrouter, encrypted with a28d2b29.
      The source of openrouter is now database; it was environment.
      Revision N; no server is running.
      "
    `);
    expect((await run('keys explain openrouter')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys explain openrouter
      OpenRouter (openrouter)
        active       yes
        source       database
        stored key   sk-or-v…fa4e (fp_FINGERPRINT)
        binding      good: to openrouter at openrouter.ai:443
        last test    untested
        base URL     https://openrouter.ai/api/v1 (from database)
        would serve  fp_FINGERPRINT from database: the source is database
      ! No server is running: this is what the environment of this shell would give.
      "
    `);
    expect((await run('keys explain groq')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys explain groq
      Groq (groq)
        active       yes
        source       environment
        stored key   none
        last test    none
        base URL     https://api.groq.com/openai/v1 (from database)
        would serve  fp_FINGERPRINT from environment: the source is environment (GROQ_API_KEY)
      ! No server is running: this is what the environment of this shell would give.
      "
    `);
    expect((await run('keys source openrouter hybrid')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys source openrouter hybrid
      The source of openrouter is now hybrid; it was database.
      Revision N; no server is running.
      "
    `);
    expect((await run('keys set openrouter', { input: second })).transcript).toMatchInlineSnapshot(`
      "$ keyward keys set openrouter
      Stored the key sk-or-v…da7a (fp_FINGERPRINT) for openrouter, encrypted with a28d2b29.
      Revision N; no server is running.
      "
    `);
    expect((await run('keys set groq --source environment', { input: exported })).transcript)
      .toMatchInlineSnapshot(`
      "$ keyward keys set groq --source environment
      Stored the key gsk_e4e…e4e4 (fp_FINGERPRINT) for groq, encrypted with a28d2b29.
      Revision N; no server is running.
      ! It does not serve: the source is environment. Change it with: keyward keys source
      "
    `);
    expect((await run('keys list')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys list
      PROVIDER    SOURCE       SERVED BY    STORED KEY    TEST      AGE
      anthropic   environment  -            -             -         -
      cohere      environment  -            -             -         -
      deepseek    environment  -            -             -         -
      fireworks   environment  -            -             -         -
      google      environment  -            -             -         -
      groq        environment  environment  gsk_e4e…e4e4  untested  N s
      mistral     environment  -            -             -         -
      openai      environment  -            -             -         -
      openrouter  hybrid       database     sk-or-v…da7a  untested  N s
      perplexity  environment  -            -             -         -
      together    environment  -            -             -         -
      xai         environment  -            -             -         -
      ! No server is running: "served by" is what the environment of this shell would give.
      "
    `);
    expect((await run('keys remove openrouter')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys remove openrouter
      ! keyward: Removing a key asks first, and this is no terminal. Say --yes to go on.
      (exit code 2)
      "
    `);
    expect((await run('keys remove openrouter --yes')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys remove openrouter --yes
      Removed the stored key of openrouter. Its source is hybrid: the key of the environment serves, where one is set.
      Revision N; no server is running.
      "
    `);
    expect((await run('keys remove openrouter --yes')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys remove openrouter --yes
      No key is stored for openrouter.
      "
    `);
    expect((await run('keys source anthropic environment')).transcript).toMatch(
      /Warning: no key serves anthropic: .*ANTHROPIC_API_KEY.*\. Calls fail with 503 until one does\./,
    );
    expect((await run('keys source openrouter database')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys source openrouter database
      The source of openrouter is now database; it was hybrid.
      Revision N; no server is running.
      ! No key is stored for openrouter, so nobody is served. Store one with: keyward keys set openrouter
      "
    `);
    expect((await run('keys explain openrouter')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys explain openrouter
      OpenRouter (openrouter)
        active       yes
        source       database
        stored key   none
        last test    none
        base URL     https://openrouter.ai/api/v1 (from database)
        would serve  nothing: the source is database and no key is stored
      ! No server is running: this is what the environment of this shell would give.
      "
    `);
  });

  it('programs get one JSON object on standard output and nothing else', async () => {
    const { run } = await commandLine();
    const set = await run('keys set openrouter --json', { input: first });
    expect(set.json).toEqual({
      provider: 'openrouter',
      source: 'database',
      mask: 'sk-or-v…fa4e',
      fingerprint: expect.stringMatching(/^fp_[0-9a-f]{12}$/) as string,
      revision: expect.any(Number) as number,
      applied: expect.stringContaining('no server is running') as string,
      not_served: [],
    });
    const { fingerprint, revision } = set.json as { fingerprint: string; revision: number };
    const list = (await run('keys list --json')).json as { providers: { provider: string }[] };
    expect(list.providers).toHaveLength(12);
    expect(list.providers.find(({ provider }) => provider === 'openrouter')).toEqual({
      provider: 'openrouter',
      active: true,
      source: 'database',
      serves: {
        source: 'database',
        fingerprint,
        fallback: null,
        reason: 'the source is database',
        base_url: 'https://openrouter.ai/api/v1',
      },
      stored: 'sk-or-v…fa4e',
      binding: 'bound',
      updated_at: expect.stringMatching(/Z$/) as string,
      last_tested: null,
      test_status: 'untested',
      answered_since: null,
    });
    expect((await run('keys explain openrouter --json')).json).toMatchObject({
      provider: 'openrouter',
      stored_key: { mask: 'sk-or-v…fa4e', fingerprint, problem: null, binding: 'bound' },
      upstream: { base_url: 'https://openrouter.ai/api/v1', from: 'database', problem: null },
      servers: [],
      this_environment: { source: 'database', fingerprint },
    });
    expect((await run('keys source openrouter hybrid --json')).json).toMatchObject({
      provider: 'openrouter',
      source: 'hybrid',
      was: 'database',
      revision: revision + 1,
    });
    expect((await run('keys remove openrouter --yes --json')).json).toMatchObject({
      provider: 'openrouter',
      removed: true,
      revision: revision + 2,
    });
    expect((await run('keys remove openrouter --yes --json')).json).toEqual({
      provider: 'openrouter',
      removed: false,
    });
  });

  it('a provider that is not there is answered with those that are, exit code 2', async () => {
    const { run } = await commandLine();
    for (const words of [
      'set nobody',
      'explain nobody',
      'test nobody',
      'remove nobody --yes',
      'source nobody hybrid',
    ]) {
      const { exitCode, stdout, stderr } = await run(`keys ${words}`, { input: first });
      expect([words, exitCode, stdout]).toEqual([words, 2, '']);
      expect(stderr).toContain('keyward: There is no provider "nobody". There are: anthropic, cohere,');
    }
  });
});

describe('on a real PostgreSQL', patience, () => {
  it('commands wait for nothing and migrate nothing: they say which command does', async () => {
    const { run } = await commandLine({}, 'postgres', { migrated: false });
    expect((await run('keys list')).transcript).toMatchInlineSnapshot(`
      "$ keyward keys list
      ! keyward: The database (PostgreSQL postgres@127.0.0.1:PORT/DATABASE) has not got 001, 002, 003, 004, 005, 006, 007, 008, 009, 010, 011, 012 of the migrations yet. Apply them with: keyward migrate
      (exit code 3)
      "
    `);
    await run('migrate');
    expect((await run('keys set openrouter', { input: first })).transcript).toMatchInlineSnapshot(`
      "$ keyward keys set openrouter
      Stored the key sk-or-v…fa4e (fp_FINGERPRINT) for openrouter, encrypted with a28d2b29.
      The source of openrouter is now database; it was environment.
      Revision N; no server is running.
      "
    `);
  });
});
