/**
 * Whole rotations to a key that the provider makes, by command, with each provider that makes keys: from the
 * credential to the old key's end there. What is made takes its time to be known at the provider.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { atDepth } from '../support/depth.ts';
import { commandLine, type CommandLine } from '../support/command-line.ts';
import { StandInManagement } from '../support/stand-in-management.ts';
import { managedSlugs, managementWire, type ManagedSlug } from '../support/stand-in-management-wires.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';
import { refusalOf, wireOf } from '../support/stand-in-wires.ts';

let provider: StandInProvider;
let management: StandInManagement;
afterEach(async () => {
  await management.close();
  await provider.close();
});

async function installationOf(slug: ManagedSlug): Promise<CommandLine> {
  provider = await startStandInProvider({ slug, keys: [] });
  management = new StandInManagement(provider, slug);
  await management.listen();
  const installation = await commandLine({ [`${slug.toUpperCase()}_BASE_URL`]: provider.baseUrl });
  const entered = await installation.run(`keys set ${slug}`, { input: management.addForeign('by hand') });
  expect(entered.exitCode).toBe(0);
  return installation;
}

async function storeCredential({ run }: CommandLine, slug: ManagedSlug): Promise<void> {
  const { credential, parameters } = management.wire;
  const words = Object.entries(parameters).map(([name, value]) => ` --parameter ${name}=${value}`);
  const stored = await run(`keys management set ${slug} --base-url ${management.baseUrl}${words.join('')}`, {
    input: credential,
  });
  expect([stored.exitCode, stored.stderr]).toEqual([0, '']);
}

const whole = '--mint --spend --model any/model --soak 0 --retire --json';

/** What differs between the wires, tests/keys/rotation/minting.test.ts tries on each of them. */
const minted = managedSlugs.filter((slug) => managementWire(slug).mint !== undefined);

describe.each(atDepth({ usual: minted.slice(0, 2), thorough: minted }))(
  'keyward keys rotate %s --mint',
  { timeout: 120_000 },
  (slug) => {
    it('takes the whole way twice, and the key that was made first lives no more', async () => {
      const installation = await installationOf(slug);
      await storeCredential(installation, slug);
      management.lag({ asked: management.wire.spread === undefined ? 0 : 2 });
      const isUnknown = refusalOf(wireOf(slug).test.refusals, 'unknown');
      provider.behave({ on: 'test', requests: 2, answer: isUnknown });
      const names = [];
      for (const round of ['first', 'second']) {
        const rotated = await installation.run(`keys rotate ${slug} ${whole}`);
        expect([round, rotated.exitCode, rotated.stderr]).toEqual([
          round,
          0,
          expect.stringContaining('the provider made'),
        ]);
        const { step, new_key: newKey } = rotated.json as {
          step: string;
          new_key: { minted_name: string; state: string };
        };
        expect([step, newKey.state]).toEqual(['completed', 'active']);
        names.push(newKey.minted_name);
      }
      expect(management.live).toEqual(['by hand', ...names]);
      const swept = await installation.run(`keys management sweep ${slug} --grace 0 --json`);
      expect([swept.exitCode, swept.json]).toMatchObject([0, { revoked: [names[0]], failures: [] }]);
      expect(management.live).toEqual(['by hand', names[1]]);
    });
  },
);

describe('keyward keys rotate --mint', { timeout: 120_000 }, () => {
  it('says each step, and what it takes where the credential is missing; brings no key of its own', async () => {
    const installation = await installationOf('openai');
    const { run } = installation;
    const without = await run('keys rotate openai --mint');
    expect(without.transcript).toMatchInlineSnapshot(`
      "$ keyward keys rotate openai --mint
      ! To make keys of openai Keyward needs an admin key (sk-admin-…), from https://platform.openai.com/settings/organization/admin-keys. Store it first: keyward keys management set openai
      (exit code 1)
      "
    `);
    expect((await run('keys rotate openai --mint --file key')).exitCode).toBe(2);
    await storeCredential(installation, 'openai');
    management.fail('mint', { status: 403 }, 1);
    const refused = await run('keys rotation start openai --mint');
    expect(refused.transcript).toMatchInlineSnapshot(`
      "$ keyward keys rotation start openai --mint
      ! keyward: The provider's key management answered 403: {"error":{"message":"Not now.","type":"invalid_request_error","param":null,"code":null}} It takes an admin key (sk-admin-…), from https://platform.openai.com/settings/organization/admin-keys.
      (exit code 1)
      "
    `);
    const rotated = await run('keys rotate openai --mint --spend --model any/model');
    expect(rotated.transcript).toMatchInlineSnapshot(`
      "$ keyward keys rotate openai --mint --spend --model any/model
      openai: rotation 2 is soaking: the new key serves. New key sk-svca…2002 (fp_FINGERPRINT), old key sk-svca…2001 (fp_FINGERPRINT).
      KEY  FINGERPRINT      CALLS  ERRORS  RATE
      new  fp_FINGERPRINT  0      0       -
      old  fp_FINGERPRINT  0      0       -
      The old key stands by. When the soak is over: keyward keys rotation retire openai
      ! openai: the provider made sk-svca…2002, staged
      ! openai: tested: valid. OpenAI answered a call with the key.
      ! openai: canary: 5 percent. Revision N; no server is running.
      ! openai: promoted. Revision N; no server is running.
      "
    `);
  });

  it('goes on with a rotation whose key was being made when its process ended, once its time is over', async () => {
    const installation = await installationOf('openrouter');
    await storeCredential(installation, 'openrouter');
    const server = await installation.serve();
    const reached = management.stopAt('mint.made');
    const begun = fetch(`${server.url}/api/v1/admin/providers/openrouter/rotations`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${installation.environment['KEYWARD_ADMIN_TOKEN']}`,
      },
      body: JSON.stringify({ mint: true }),
    }).catch(() => undefined);
    await reached;
    server.process.kill('SIGKILL');
    await begun;
    const early = await installation.run('keys rotate openrouter --mint --wait 0');
    expect([early.exitCode, early.stderr]).toEqual([
      1,
      expect.stringContaining('keyward keys rotation cancel openrouter'),
    ]);
    await installation.serve();
    await expect
      .poll(async () => (await installation.run('keys rotation show openrouter --json')).json, {
        timeout: 60_000,
      })
      .toMatchObject({ step: 'staged', new_key: { origin: 'minted' } });
    expect(management.live).toHaveLength(3);
    const swept = await installation.run('keys management sweep openrouter --grace 0 --json');
    expect((swept.json as { revoked: string[] }).revoked).toHaveLength(1);
    expect(management.live).toHaveLength(2);
  });
});
