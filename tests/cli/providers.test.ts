/** `keyward providers`: made, changed and deleted by the same rules as over HTTP. */
import { describe, expect, it } from 'vitest';
import { commandLine } from '../support/command-line.ts';

const url = 'https://llm.example.com/v1';

describe('providers', { timeout: 120_000 }, () => {
  it('are made, shown, changed and deleted', async () => {
    const { run } = await commandLine();
    await run('keys list');
    expect((await run(`providers create our-llm --name Ours --base-url ${url} --source database`)).transcript)
      .toMatchInlineSnapshot(`
        "$ keyward providers create our-llm --name Ours --base-url https://llm.example.com/v1 --source database
        Made the provider our-llm. Revision N; no server is running.
        ! Store its key with: keyward keys set our-llm
        "
      `);
    expect((await run('providers show our-llm')).transcript).toMatchInlineSnapshot(`
      "$ keyward providers show our-llm
      Ours (our-llm)
        active    yes
        source    database
        base URL  https://llm.example.com/v1
        user keys yes: users may bring keys of their own
      ! Its key: keyward keys explain our-llm
      "
    `);
    expect((await run('providers change our-llm --active no --user-keys no')).stdout).toMatch(
      /^Changed the provider our-llm\./,
    );
    const { json } = await run('providers list --json');
    expect((json as { providers: unknown[] }).providers).toContainEqual({
      provider: 'our-llm',
      name: 'Ours',
      active: false,
      source: 'database',
      base_url: url,
      is_byok_supported: false,
    });
    await run('keys set our-llm', { input: ['a', 'key', '1234'.repeat(8)].join('-') });
    const refused = await run('providers delete our-llm --yes');
    expect([refused.exitCode, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain('a stored key');
    const deleted = await run('providers delete our-llm --yes --force --json');
    expect(deleted.json).toMatchObject({ provider: 'our-llm', deleted: true });
    expect((await run('providers show our-llm')).exitCode).toBe(2);
  });

  it('are not made of what cannot serve, and deleting asks first', async () => {
    const { run } = await commandLine();
    for (const [words, exitCode, sentence] of [
      [`providers create Our_LLM --base-url ${url}`, 2, /The slug must begin with a letter/],
      ['providers create our-llm', 1, /base_url is needed: no address of/],
      ['providers create our-llm --base-url http://llm.example.com/v1', 1, /not https/],
      [`providers create groq --base-url ${url}`, 1, /There is a provider "groq" already/],
      ['providers change groq', 2, /Say what to change/],
      ['providers change groq --base-url ftp://a', 1, /must begin with https/],
      ['providers delete groq', 2, /Say --yes/],
      ['providers delete nobody --yes', 2, /There is no provider "nobody"/],
    ] as const) {
      const ended = await run(words);
      expect([words, ended.exitCode, ended.stdout]).toEqual([words, exitCode, '']);
      expect(ended.stderr).toMatch(sentence);
    }
  });
});
