/** A provider's key is rotated by command: the whole way with its progress, what is refused, and the ways back. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandLine, type CommandLine } from '../support/command-line.ts';
import { rotatingKey } from '../support/rotating.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

const [first, second, third] = [rotatingKey(0xfa41), rotatingKey(0xfa42), rotatingKey(0xfa43)];

let provider: StandInProvider;
beforeAll(async () => {
  provider = await startStandInProvider({ keys: [first, second, third] });
});
afterAll(async () => provider.close());

async function withStoredKey(): Promise<CommandLine> {
  const installation = await commandLine({ OPENROUTER_BASE_URL: provider.baseUrl });
  expect((await installation.run('keys set openrouter', { input: first })).exitCode).toBe(0);
  return installation;
}

async function storedIn({ run }: CommandLine): Promise<unknown> {
  const { providers } = (await run('keys list --json')).json as { providers: Record<string, unknown>[] };
  return providers.find(({ provider: slug }) => slug === 'openrouter')?.['stored'];
}

const maskOf = (key: string): string => `${key.slice(0, 7)}…${key.slice(-4)}`;

describe('keyward keys rotate', { timeout: 240_000 }, () => {
  it('goes the whole way, says each step, and shows no key', async () => {
    const installation = await withStoredKey();
    const rotated = await installation.run('keys rotate openrouter --spend --model any/model', {
      input: second,
    });
    expect(rotated.transcript).toMatchInlineSnapshot(`
      "$ keyward keys rotate openrouter --spend --model any/model
      openrouter: rotation 1 is soaking: the new key serves. New key sk-or-v…fa42 (fp_FINGERPRINT), old key sk-or-v…fa41 (fp_FINGERPRINT).
      KEY  FINGERPRINT      CALLS  ERRORS  RATE
      new  fp_FINGERPRINT  0      0       -
      old  fp_FINGERPRINT  0      0       -
      The old key stands by. When the soak is over: keyward keys rotation retire openrouter
      ! openrouter: staged sk-or-v…fa42
      ! openrouter: tested: valid. OpenRouter answered a call with the key.
      ! openrouter: canary: 5 percent. Revision N; no server is running.
      ! openrouter: promoted. Revision N; no server is running.
      "
    `);
    expect(rotated.stdout + rotated.stderr).not.toContain(second);
    expect(await storedIn(installation)).toBe(maskOf(second));

    const back = await installation.run('keys rotation rollback openrouter --yes');
    expect(back.transcript).toMatchInlineSnapshot(`
      "$ keyward keys rotation rollback openrouter --yes
      openrouter: rotation 1 is rolled back: the new key is given up. New key sk-or-v…fa42 (fp_FINGERPRINT), old key sk-or-v…fa41 (fp_FINGERPRINT).
      Revision N; no server is running.
      "
    `);
    expect(await storedIn(installation)).toBe(maskOf(first));

    const again = await installation.run(
      'keys rotate openrouter --spend --model any/model --soak 0 --retire --json',
      { input: third },
    );
    expect([again.exitCode, again.json]).toMatchObject([
      0,
      {
        step: 'completed',
        is_open: false,
        is_forced: false,
        new_key: { mask: maskOf(third), state: 'active' },
      },
    ]);
    expect(again.stderr).toContain('openrouter: retired the old key.');
    expect(await storedIn(installation)).toBe(maskOf(third));
  });

  it('switches to no key that is not proven, unless by force and with a reason; cancelled, the old key stays', async () => {
    const installation = await withStoredKey();
    const { run } = installation;
    const waited = await run('keys rotate openrouter --wait 0', { input: second });
    expect([waited.exitCode, waited.stderr]).toEqual([
      1,
      expect.stringContaining('Only 0 of 20 calls were answered with the new key within 0 s.'),
    ]);
    const refused = await run('keys rotation promote openrouter');
    expect(refused.transcript).toMatchInlineSnapshot(`
      "$ keyward keys rotation promote openrouter
      ! keyward: Nothing was switched. The new key was accepted, but no call was answered with it yet. Wait for a call of the canary, or test it with a call that spends a token. With force and a reason it goes on all the same.
      (exit code 1)
      "
    `);
    const withoutReason = await run('keys rotation promote openrouter --force --yes');
    expect([withoutReason.exitCode, withoutReason.stdout]).toEqual([1, '']);
    expect(withoutReason.stderr).toContain('reason');
    expect(await storedIn(installation)).toBe(maskOf(first));

    const cancelled = await run('keys rotation cancel openrouter --yes --json');
    expect([cancelled.exitCode, cancelled.json]).toMatchObject([0, { step: 'cancelled', is_open: false }]);
    expect(await storedIn(installation)).toBe(maskOf(first));

    expect((await run('keys rotate openrouter --wait 0', { input: third })).exitCode).toBe(1);
    const forced = await run('keys rotation promote openrouter --force --yes --reason urgent --json');
    expect([forced.exitCode, forced.json]).toMatchObject([0, { step: 'soaking', is_forced: true }]);
    expect(await storedIn(installation)).toBe(maskOf(third));
  });

  it('stages nothing that it could not prove; whoever changes the key past a rotation hears that this ends it', async () => {
    const { run } = await withStoredKey();
    const unproven = await run('keys rotate openrouter --spend', { input: second });
    expect([unproven.exitCode, unproven.stderr]).toEqual([1, expect.stringContaining('--model')]);
    expect((await run('keys rotation show openrouter --json')).json).toBeNull();
    const open = await run('keys rotate openrouter --wait 0', { input: second });
    expect([open.exitCode, open.stderr]).toEqual([
      1,
      expect.stringContaining('The rotation stays open. Go on: keyward keys rotate openrouter.'),
    ]);
    const past = await run('keys set openrouter', { input: third });
    expect([past.exitCode, past.stderr]).toEqual([
      0,
      `This ends rotation 1, which was canary: its new key ${maskOf(second)} is given up.\n`,
    ]);
    for (const wrong of ['--soak 1.5', '--soak 99999999999', '--wait -1'])
      expect((await run(`keys rotate openrouter ${wrong}`)).stderr, wrong).toContain(
        'whole number of seconds',
      );
  });

  it('with --automatic stages the key as rotation start does, and leaves the further steps to a server', async () => {
    const { run } = await withStoredKey();
    const options = '--automatic --canary-seconds 30 --canary-calls 3 --percent 10';
    const begun = await run(`keys rotate openrouter ${options}`, { input: second });
    expect([begun.exitCode, begun.stdout]).toEqual([
      0,
      expect.stringMatching(/^openrouter: rotation 1 is staged\. /),
    ]);
    expect(begun.stderr).toContain('openrouter: goes on by itself once a server runs; none does now\n');
    expect((await run('keys rotation show openrouter --json')).json).toMatchObject({
      step: 'staged',
      is_automatic: true,
      canary_percent: 10,
    });
    const other = await run('keys rotate openrouter --automatic --canary-calls 4', { input: '' });
    expect([other.exitCode, other.stderr]).toEqual([
      1,
      expect.stringContaining('Its canary waits for 3 calls, which --canary-calls does not change any more.'),
    ]);
    const help = async (words: string): Promise<string[]> =>
      Array.from(
        (await run(`${words} --help`)).stdout.matchAll(/^ {2}(--[a-z-]+)/gm),
        ([, name]) => name ?? '',
      );
    const ofRotate = await help('keys rotate');
    expect((await help('keys rotation start')).filter((option) => !ofRotate.includes(option))).toEqual([]);
  });

  it('drops no key that is brought: an open rotation to another key refuses it, one whose soak is over ends', async () => {
    const installation = await withStoredKey();
    const { run } = installation;
    expect((await run('keys rotation start openrouter', { input: second })).exitCode).toBe(0);
    const another = await run('keys rotate openrouter', { input: third });
    expect(another.transcript).toMatchInlineSnapshot(`
      "$ keyward keys rotate openrouter
      openrouter: rotation 1 is staged. New key sk-or-v…fa42 (fp_FINGERPRINT), old key sk-or-v…fa41 (fp_FINGERPRINT). The new key was never tested.
      KEY  FINGERPRINT      CALLS  ERRORS  RATE
      new  fp_FINGERPRINT  0      0       -
      old  fp_FINGERPRINT  0      0       -
      ! Rotation 1 of openrouter is open: sk-or-v…fa42 is staged. The key that was brought is not its new key, and was not stored. Nothing was changed. Go on with it (keyward keys rotate openrouter, without a key and without options that differ), or give it up first (keyward keys rotation cancel openrouter).
      ! The rotation stays open. Go on: keyward keys rotate openrouter. Give the new key up: keyward keys rotation cancel openrouter
      (exit code 1)
      "
    `);
    const otherPlan = await run('keys rotate openrouter --soak 5', { input: second });
    expect([otherPlan.exitCode, otherPlan.stderr]).toEqual([
      1,
      expect.stringContaining('It soaks for 86400 s, which --soak does not change any more.'),
    ]);
    const minted = await run('keys rotate openrouter --mint');
    expect([minted.exitCode, minted.stderr]).toEqual([1, expect.stringContaining('so none was made')]);
    const show = async (): Promise<unknown> => (await run('keys rotation show openrouter --json')).json;
    expect(await show()).toMatchObject({ step: 'staged', new_key: { mask: maskOf(second) } });
    expect((await run('keys rotation cancel openrouter --yes')).exitCode).toBe(0);

    const rotate = 'keys rotate openrouter --spend --model any/model';
    expect((await run(`${rotate} --soak 0`, { input: second })).exitCode).toBe(0);
    expect((await run(rotate)).stderr).toContain('goes on from soaking');
    const dead = await run(rotate, { input: 'no key' });
    expect([dead.exitCode, await show()]).toMatchObject([1, { step: 'soaking', is_open: true }]);
    const anew = await run(rotate, { input: third });
    expect([anew.exitCode, anew.stderr]).toEqual([
      0,
      expect.stringContaining(`the soak of ${maskOf(second)} was over: retired its old key.`),
    ]);
    expect(await show()).toMatchObject({ id: '3', step: 'soaking', old_key: { mask: maskOf(second) } });
    const early = await run(rotate, { input: first });
    expect([early.exitCode, early.stderr]).toEqual([1, expect.stringContaining('was not stored')]);
    expect(await storedIn(installation)).toBe(maskOf(third));
  });
});
