/** A schedule by command: what it says is what is set, what is only half said is refused, and what is missing is told. */
import { describe, expect, it } from 'vitest';
import { commandLine } from '../support/command-line.ts';

describe('keyward keys schedule', { timeout: 120_000 }, () => {
  it('says all of it in one line, refuses what says no time, and tells of a credential that is missing', async () => {
    const { run } = await commandLine();
    for (const [options, words] of [
      ['--every-days 0', 'every_days must be from 1 to 3650'],
      ['--window 02:00-04:00', '--every-days'],
      [
        '--every-days 90 --window 05:00-05:00',
        'A window that ends when it begins leaves no time to rotate in',
      ],
    ] as const) {
      const refused = await run(`keys schedule openrouter ${options}`);
      expect([refused.exitCode === 0, refused.stderr], options).toEqual([
        false,
        expect.stringContaining(words),
      ]);
    }
    const set = await run('keys schedule openrouter --every-days 90 --jitter 30 --window 22:30-04:00');
    expect(set.transcript).toMatchInlineSnapshot(`
      "$ keyward keys schedule openrouter --every-days 90 --jitter 30 --window 22:30-04:00
      openrouter: 90 days after the key came, up to 30 min later, from 22:30 to 04:00 UTC; next: not reckoned yet.
      ! No management credential is stored, so no key can be made. Store it: keyward keys management set openrouter
      "
    `);
  });
});

describe('keyward keys management', { timeout: 120_000 }, () => {
  it('names the option that allows a private address, and asks before the credential is removed', async () => {
    const { run } = await commandLine();
    const input = ['sk', 'or', 'v1', 'beef'.repeat(16)].join('-');
    const near = await run('keys management set openrouter --base-url https://10.1.2.3/api', { input });
    expect([near.exitCode, near.stderr]).toEqual([
      1,
      expect.stringContaining('keyward providers change openrouter --private-network yes'),
    ]);
    const unasked = await run('keys management remove openrouter');
    expect([unasked.exitCode, unasked.stderr]).toEqual([2, expect.stringContaining('Say --yes')]);
  });
});
