/** `keyward health`, `keys ages` and `keys policy`, with and without a server that runs. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandLine, encryptionKey, type CommandLine } from '../support/command-line.ts';
import { rotatingKey } from '../support/rotating.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

const key = rotatingKey(1);

describe('the health of the keys', { timeout: 120_000 }, () => {
  let provider: StandInProvider;
  let installation: CommandLine;
  beforeEach(async () => {
    provider = await startStandInProvider({ keys: [key] });
    installation = await commandLine();
  });
  afterEach(async () => provider.close());

  it('is told of the keys that the server serves, once they were tested, with its exit code', async () => {
    const { run, serve } = installation;
    const none = await run('health --run');
    expect(none.exitCode).toBe(1);
    expect(none.stderr).toContain('No server is running that could test its keys.');
    await serve({ OPENROUTER_BASE_URL: provider.baseUrl, OPENROUTER_API_KEY: key });
    const before = await run('health');
    expect(before.stdout).toMatch(
      /^PROVIDER +HEALTH +LAST WORD +TESTED +TOOK +ANSWERED +AGE +TODAY\nopenrouter +unknown /,
    );
    expect(before.stderr).toMatch(/Without a key: anthropic, .*xai\. keyward keys explain says why\./);
    const tested = await run('health --run --reason before-the-weekend');
    expect(tested.exitCode).toBe(0);
    expect(tested.stdout).toMatch(/\nopenrouter +healthy +valid +\d+ s +\d+ ms +- +at least 0 d +done\n/);
    provider.revoke(key);
    const dead = await run('health --run --json');
    expect(dead.exitCode).toBe(1);
    expect(dead.json).toMatchObject({
      counts: { unhealthy: 1 },
      data: expect.arrayContaining([
        expect.objectContaining({
          provider: 'openrouter',
          source: 'environment',
          health: 'unhealthy',
          verdict: 'invalid',
          daily_test: expect.objectContaining({ state: 'done', verdict: 'invalid' }),
        }),
      ]),
    });
    expect((await run('health')).stderr).toContain('openrouter: OpenRouter does not know the key');
    expect(dead.stdout + dead.stderr).not.toContain(key);
  });

  it('ages and policies: shown, set, snoozed with a reason alone', async () => {
    const { run } = installation;
    await run('keys set openrouter', { input: key, env: { OPENROUTER_BASE_URL: provider.baseUrl } });
    const ages = await run('keys ages');
    expect(ages.stdout).toMatch(
      /^PROVIDER +SOURCE +KEY +AGE +STATE +POLICY +ENDS +OWNER\nopenrouter +database +sk-or-v…0001 +0 d +fresh +75\/90\/120 +- +-\n/,
    );
    expect((await run('keys policy openrouter')).stdout).toBe(
      'openrouter: ageing after 75 days, due after 90, overdue after 120 (the default); owner nobody.\n',
    );
    const set = await run('keys policy openrouter --due 60 --owner platform');
    expect(set.stdout).toMatch(
      /^openrouter: ageing after 50 days, due after 60, overdue after 120; owner platform\.\nRevision \d+; no server is running\.\n$/,
    );
    const silent = await run('keys policy openrouter --snooze 7');
    expect(silent).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('A snooze needs a reason') });
    const snoozed = await run('keys policy openrouter --snooze 7 --reason closing --json');
    expect(snoozed.json).toMatchObject({
      provider: 'openrouter',
      due_days: 60,
      owner: 'platform',
      snooze_reason: 'closing',
      snoozed_until: expect.any(String),
    });
    for (const refusedText of [`--owner ask-${encryptionKey}`, `--probe-model ${key}`])
      expect((await run(`keys policy openrouter ${refusedText}`)).stderr).toMatch(
        /^keyward: (?:An owner|A model) is shown to everybody who looks, and this one looks like a key\. Nothing was changed\.\n$/,
      );
    expect((await run('keys policy openrouter --due 0')).exitCode).toBe(2);
    expect((await run('keys policy openrouter --ageing 100')).stderr).toContain('are not in that order');
    const paid = await run('keys policy openrouter --probe-model some/model --probe-calls 5');
    expect(paid.stdout).toContain(
      'Its daily test spends a token with some/model: at most 5 calls a month, none made yet; what it costs is not known: llm_models has no price of it.',
    );
    expect((await run('keys policy openrouter --probe-calls 32')).exitCode).toBe(2);
    expect((await run('keys policy openrouter --no-probe --json')).json).toMatchObject({ probe: null });
    const nameless = await run('keys policy openrouter --probe-calls 5');
    expect(nameless).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Name the model') });
    expect((await run('keys ages --json')).json).toMatchObject({
      encryption_key: { age_days: null },
      warnings: [],
    });
  });
});
