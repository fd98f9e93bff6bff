/** Binding a stored key by command: shown first, asked for, and refused where the key belongs elsewhere. */
import pg from 'pg';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { commandLine, encryptionKey, type CommandLine } from '../support/command-line.ts';
import { hasTerminal, TerminalProcess } from '../support/terminal-process.ts';

const key = ['gsk', 'e4e4'.repeat(13)].join('_');
const token = KeyRing.parse(new Secret(encryptionKey)).encrypt(new Secret(key));

let installation: CommandLine;
let client: pg.Client;

describe('a key that SQL stored', { timeout: 120_000 }, () => {
  beforeEach(async () => {
    installation = await commandLine();
    await installation.run('migrate');
    client = new pg.Client({ connectionString: installation.environment['DATABASE_URL'] });
    await client.connect();
    onTestFinished(async () => client.end());
    await client.query(
      "UPDATE llm_providers SET encrypted_api_key = $1, api_key_source = 'database' WHERE provider_slug = 'groq'",
      [token],
    );
  });

  const transcript = async (words: string): Promise<string> => (await installation.run(words)).transcript;
  const require = { env: { KEY_BINDING: 'require' } };

  it('is shown as unbound, and bound once somebody says so', async () => {
    expect(await transcript('keys explain groq')).toMatchInlineSnapshot(`
      "$ keyward keys explain groq
      Groq (groq)
        active       yes
        source       database
        stored key   gsk_e4e…e4e4 (fp_FINGERPRINT)
        binding      none: another program stored the key; bind it to groq at api.groq.com:443 with: keyward keys bind groq
        last test    untested
        base URL     https://api.groq.com/openai/v1 (from database)
        would serve  fp_FINGERPRINT from database: the source is database; the key is not bound to groq at api.groq.com:443 (keyward keys bind groq)
      ! No server is running: this is what the environment of this shell would give.
      "
    `);
    expect(await transcript('keys bind groq')).toMatchInlineSnapshot(`
      "$ keyward keys bind groq
      ! keyward: Binding a key asks first, and this is no terminal. Say --yes to bind gsk_e4e…e4e4 (fp_FINGERPRINT) to groq at api.groq.com:443.
      (exit code 2)
      "
    `);
    expect(await transcript('keys bind groq --yes')).toMatchInlineSnapshot(`
      "$ keyward keys bind groq --yes
      Bound the stored key gsk_e4e…e4e4 (fp_FINGERPRINT) to groq at api.groq.com:443.
      Revision N; no server is running.
      "
    `);
    expect(await transcript('keys bind groq --yes')).toMatchInlineSnapshot(`
      "$ keyward keys bind groq --yes
      It is bound already: gsk_e4e…e4e4 (fp_FINGERPRINT) to groq at api.groq.com:443.
      "
    `);
    expect(await transcript('keys explain groq')).toMatchInlineSnapshot(`
      "$ keyward keys explain groq
      Groq (groq)
        active       yes
        source       database
        stored key   gsk_e4e…e4e4 (fp_FINGERPRINT)
        binding      good: to groq at api.groq.com:443
        last test    untested
        base URL     https://api.groq.com/openai/v1 (from database)
        would serve  fp_FINGERPRINT from database: the source is database
      ! No server is running: this is what the environment of this shell would give.
      "
    `);
    const { rows } = await client.query('SELECT action, target_id, actor_kind FROM keyward_audit_events');
    expect(rows).toEqual([{ action: 'provider.changed', target_id: 'groq', actor_kind: 'command' }]);
  });

  it('serves nobody under KEY_BINDING=require until it is bound', async () => {
    const before = (await installation.run('keys explain groq', require)).transcript;
    expect(before).toContain('would serve  nothing: the stored key is not bound to groq at api.groq.com:443');
    expect((await installation.run('keys bind groq --yes --json', require)).json).toMatchObject({
      provider: 'groq',
      bound: true,
      changed: true,
      host: 'api.groq.com:443',
    });
    const after = (await installation.run('keys explain groq', require)).transcript;
    expect(after).toMatch(/would serve {2}fp_FINGERPRINT from database: the source is database\n/);
  });

  it('and that was copied from one that is bound is parked: it must be entered', async () => {
    await installation.run('keys bind groq --yes');
    await client.query(
      "UPDATE llm_providers SET encrypted_api_key = $1, api_key_source = 'database' WHERE provider_slug = 'xai'",
      [token],
    );
    expect(await transcript('keys bind xai --yes')).toMatchInlineSnapshot(`
      "$ keyward keys bind xai --yes
      ! keyward: Nothing was bound: the stored key was bound to groq at api.groq.com:443 and stays parked until it is entered again (keyward keys set xai).
      (exit code 1)
      "
    `);
    expect(await transcript('keys explain xai')).toMatchInlineSnapshot(`
      "$ keyward keys explain xai
      xAI (xai)
        active       yes
        source       database
        stored key   gsk_e4e…e4e4 (fp_FINGERPRINT)
        binding      parked: not to xai at api.x.ai:443; enter the key again
        last test    untested
        base URL     https://api.x.ai/v1 (from database)
        would serve  nothing: the stored key was bound to groq at api.groq.com:443 and stays parked until it is entered again (keyward keys set xai)
      ! No server is running: this is what the environment of this shell would give.
      "
    `);
    expect(await transcript('keys test xai')).toMatchInlineSnapshot(`
      "$ keyward keys test xai
      ! keyward: There is no key of xai to test from here: the stored key was bound to groq at api.groq.com:443 and stays parked until it is entered again (keyward keys set xai). A key in the environment of the server is tested with the same variable set in this shell.
      (exit code 1)
      "
    `);
    const list = await transcript('keys list');
    expect(list).toMatch(/^groq +database +database +gsk_e4e…e4e4 {2,}/m);
    expect(list).toMatch(/^xai +database +- +gsk_e4e…e4e4 \(parked\)/m);
  });

  it('is listed as unbound', async () => {
    expect(await transcript('keys list')).toMatch(/^groq +database +database +gsk_e4e…e4e4 \(unbound\)/m);
    const { providers } = (await installation.run('keys list --json')).json as {
      providers: { provider: string; binding: string | null }[];
    };
    expect(providers.find(({ provider }) => provider === 'groq')?.binding).toBe('unbound');
    expect(providers.find(({ provider }) => provider === 'xai')?.binding).toBeNull();
  });

  it('that cannot be read, or is not there, is not bound', async () => {
    await client.query("UPDATE llm_providers SET encrypted_api_key = 'rubbish' WHERE provider_slug = 'groq'");
    for (const slug of ['groq', 'xai']) {
      const { exitCode, stderr } = await installation.run(`keys bind ${slug} --yes`);
      expect([exitCode, stderr]).toEqual([
        1,
        expect.stringMatching(/cannot be bound: it is no encrypted key|No key is stored for xai/),
      ]);
    }
    const { rows } = await client.query('SELECT FROM llm_providers WHERE api_key_binding IS NOT NULL');
    expect(rows).toEqual([]);
  });

  it.skipIf(!hasTerminal())(
    'is asked for at a terminal, and left alone unless the answer is yes',
    async () => {
      const ask = async (answer: string): Promise<{ exitCode: number | null; shown: string }> => {
        const terminal = new TerminalProcess(['keys', 'bind', 'groq'], installation.environment);
        onTestFinished(() => terminal.close());
        await terminal.shows(/Bind the stored key gsk_e4e…e4e4 .*to groq at api\.groq\.com:443/s);
        terminal.type(answer);
        return terminal.ended();
      };
      expect(await ask('\r')).toMatchObject({
        exitCode: 1,
        shown: expect.stringContaining('Nothing was changed.') as string,
      });
      expect(await ask('y')).toMatchObject({
        exitCode: 0,
        shown: expect.stringContaining('Bound the stored key') as string,
      });
    },
  );
});
