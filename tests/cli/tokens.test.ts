/** `keyward tokens`: made, shown once, listed by their beginning, revoked by number. */
import { describe, expect, it } from 'vitest';
import { commandLine } from '../support/command-line.ts';

describe('tokens', { timeout: 120_000 }, () => {
  it('are made, listed and revoked', async () => {
    const { run } = await commandLine();
    expect((await run('tokens list')).transcript).toMatchInlineSnapshot(`
      "$ keyward tokens list
      ID  KIND  ROLE  NAME  TOKEN  AGE  LAST USED  EXPIRES  STATE  LIMITS
      ! No tokens are stored. Make one with: keyward tokens create <name>
      ! KEYWARD_GATEWAY_TOKEN in this environment is not listed: it is not stored.
      "
    `);
    const made = await run('tokens create reports');
    expect(made.transcript).toMatchInlineSnapshot(`
      "$ keyward tokens create reports
      kwg_TOKEN
      ! This gateway token (number 1, "reports") is shown this once. Revision N; no server is running.
      "
    `);
    expect((await run('tokens create nightly --admin')).transcript).toMatchInlineSnapshot(`
      "$ keyward tokens create nightly --admin
      kwa_TOKEN
      ! This admin token (number 2, "nightly", role admin) is shown this once. Revision N; no server is running.
      "
    `);
    const viewer = await run('tokens create auditor --admin --role viewer --expires-at 2031-01-31');
    expect(viewer.transcript).toMatchInlineSnapshot(`
      "$ keyward tokens create auditor --admin --role viewer --expires-at 2031-01-31
      kwa_TOKEN
      ! This admin token (number 3, "auditor", role viewer, good until 2031-01-31 00:00 UTC) is shown this once. Revision N; no server is running.
      "
    `);
    expect((await run('tokens revoke 1')).transcript).toMatchInlineSnapshot(`
      "$ keyward tokens revoke 1
      Revoked token number 1. Revision N; no server is running.
      "
    `);
    const list = await run('tokens list');
    expect(list.transcript).toMatchInlineSnapshot(`
      "$ keyward tokens list
      ID  KIND     ROLE    NAME     TOKEN        AGE  LAST USED  EXPIRES               STATE            LIMITS
      1   gateway  -       reports  kwg_BEGIN…  N s  -          -                     revoked N s ago  -
      2   admin    admin   nightly  kwa_BEGIN…  N s  -          -                     good             -
      3   admin    viewer  auditor  kwa_BEGIN…  N s  -          2031-01-31 00:00 UTC  good             -
      ! KEYWARD_GATEWAY_TOKEN in this environment is not listed: it is not stored.
      "
    `);
    expect((await run('tokens revoke 99')).transcript).toMatchInlineSnapshot(`
      "$ keyward tokens revoke 99
      ! keyward: There is no token number 99.
      (exit code 2)
      "
    `);
    expect(list.stdout).not.toContain(made.stdout.trim());
  });

  it('are revoked by their name too, where one good token alone has it', async () => {
    const { run } = await commandLine();
    for (const name of ['reports', 'reports', 'nightly']) await run(`tokens create ${name}`);
    expect((await run('tokens revoke nightly --json')).json).toMatchObject({ id: 3, revoked: true });
    expect((await run('tokens revoke reports')).transcript).toMatchInlineSnapshot(`
      "$ keyward tokens revoke reports
      ! keyward: Several tokens are named "reports": 1, 2. Say which by its number.
      (exit code 2)
      "
    `);
    await run('tokens revoke 1');
    expect((await run('tokens revoke reports --json')).json).toMatchObject({ id: 2, revoked: true });
    expect((await run('tokens revoke nobody')).transcript).toMatchInlineSnapshot(`
      "$ keyward tokens revoke nobody
      ! keyward: There is no token "nobody". See them with: keyward tokens list
      (exit code 2)
      "
    `);
  });

  it('with a role or an end that makes no sense are refused, and nothing is made', async () => {
    const { run } = await commandLine();
    const wrong = [
      'tokens create x --role viewer',
      'tokens create x --admin --role owner',
      'tokens create x --expires-in soon',
      'tokens create x --expires-at 2001-01-31',
      'tokens create x --expires-in 90d --expires-at 2031-01-31',
      `tokens create ${'x'.repeat(201)}`,
      `tokens create ${['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-')}`,
    ];
    for (const words of wrong) {
      const { exitCode, stdout, stderr } = await run(words);
      expect([words, exitCode, stdout]).toEqual([words, 2, '']);
      expect(stderr).not.toContain('unexpected fault');
    }
    expect((await run('tokens list --json')).json).toEqual({ tokens: [] });
  });

  it('have no name that reads as another', async () => {
    const { run } = await commandLine();
    const refused = await run('tokens create read\u202ebackwards');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toBe(
      'keyward: A name has 1 to 200 characters on one line, and none that turn the direction of text.\n',
    );
  });

  it('are made with limits, which are changed by number or name', async () => {
    const { run } = await commandLine();
    const made = await run('tokens create reports --owner ada --providers groq,openai --daily-budget 2.5');
    expect(made.transcript).toMatchInlineSnapshot(`
      "$ keyward tokens create reports --owner ada --providers groq,openai --daily-budget 2.5
      kwg_TOKEN
      ! This gateway token (number 1, "reports", of ada, groq openai, $2.5/day) is shown this once. Revision N; no server is running.
      "
    `);
    expect(
      (await run('tokens limit reports --providers none --models groq/* --requests-per-minute 60'))
        .transcript,
    ).toMatchInlineSnapshot(`
      "$ keyward tokens limit reports --providers none --models groq/* --requests-per-minute 60
      Token number 1: of ada, groq/*, 60 requests/min, $2.5/day. Revision N; no server is running.
      "
    `);
    expect((await run('tokens list --json')).json).toMatchObject({
      tokens: [
        {
          owner: 'ada',
          allowed_providers: null,
          allowed_models: ['groq/*'],
          requests_per_minute: 60,
          daily_budget_usd: 2.5,
        },
      ],
    });
    expect((await run('tokens limit 1 --providers groq,grok')).transcript).toMatchInlineSnapshot(`
      "$ keyward tokens limit 1 --providers groq,grok
      ! keyward: There is no provider "grok". Known here: anthropic, cohere, deepseek, fireworks, google, groq, mistral, openai, openrouter, perplexity, together, xai. Nothing was changed.
      (exit code 2)
      "
    `);
    expect((await run('tokens limit 1 --monthly-budget much')).transcript).toMatchInlineSnapshot(`
      "$ keyward tokens limit 1 --monthly-budget much
      ! keyward: Nothing was changed: monthly_budget_usd must be a number of USD.
      (exit code 2)
      "
    `);
    expect((await run('tokens limit 1')).transcript).toMatchInlineSnapshot(`
      "$ keyward tokens limit 1
      ! keyward: Say what is to be limited: keyward tokens limit --help
      (exit code 2)
      "
    `);
    expect((await run('tokens create nightly --admin --owner ada')).transcript).toMatchInlineSnapshot(`
      "$ keyward tokens create nightly --admin --owner ada
      ! keyward: Only gateway tokens have limits: leave them out, or leave --admin out.
      (exit code 2)
      "
    `);
  });

  it('alone stand on standard output, so that a script can take one', async () => {
    const { run } = await commandLine();
    expect((await run('tokens create for-a-script')).stdout).toMatch(/^kwg_[\w-]{43}\n$/);
  });

  it('for programs are JSON, and only the one that was just made is whole', async () => {
    const { run } = await commandLine();
    const made = (await run('tokens create reports --admin --expires-in 90d --json')).json as {
      token: string;
      expires_at: string;
    };
    expect(made).toMatchObject({ id: 1, kind: 'admin', name: 'reports', role: 'admin' });
    const days = (new Date(made.expires_at).getTime() - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(90);
    expect(made.token).toMatch(/^kwa_[\w-]{43}$/);
    expect((await run('tokens revoke 1 --json')).json).toMatchObject({ id: 1, revoked: true });
    const { json, stdout } = await run('tokens list --json');
    expect(json).toMatchObject({
      tokens: [
        {
          id: 1,
          kind: 'admin',
          name: 'reports',
          role: 'admin',
          expires_at: made.expires_at,
          last_used_at: null,
          revoked_at: expect.stringMatching(/Z$/) as string,
          prefix: made.token.slice(0, 10),
        },
      ],
    });
    expect(stdout).not.toContain(made.token.slice(0, 11));
    expect(stdout).not.toMatch(/[0-9a-f]{64}/);
  });
});
