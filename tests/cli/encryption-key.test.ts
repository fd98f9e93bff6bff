/** `keyward encryption-key`: makes a key, and says which key of the ring opens what is stored. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { generateEncryptionKey, parseEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { commandLine, commandLineAt, encryptionKey } from '../support/command-line.ts';

const key = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
const idOf = (text: string): string => parseEncryptionKey(text).id;

describe('generate', () => {
  const { run } = commandLineAt({});

  it('prints a good key alone on standard output, another one each time, and opens no database', async () => {
    const [one, other] = await Promise.all([run('encryption-key generate'), run('encryption-key generate')]);
    expect(idOf(one.stdout)).not.toBe(idOf(other.stdout));
    expect(one.stdout).toMatch(/^[\w-]{43}=\n$/);
    expect(one.stderr).toMatchInlineSnapshot(`
      "Keep it where you keep your secrets, and a copy elsewhere: without it every stored key is lost.
      "
    `);
  });

  it('--file makes a file of mode 0600 and does not show the key; a file that is there stays as it is', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'keyward-cli-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const path = join(directory, 'ring');
    const made = await run(`encryption-key generate --file ${path}`);
    expect([made.exitCode, made.stderr]).toEqual([0, '']);
    const content = readFileSync(path, 'utf8');
    expect(idOf(content)).toMatch(/^[0-9a-f]{8}$/);
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600');
    expect(made.stdout).not.toContain(content.trim());
    const again = await run(`encryption-key generate --file ${path}`);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain('it exists already, and was left as it is');
    expect(readFileSync(path, 'utf8')).toBe(content);
  });
});

describe('check', { timeout: 120_000 }, () => {
  it('counts the stored keys under each key of the ring', async () => {
    const { run } = await commandLine();
    await run('keys set openrouter', { input: key });
    expect((await run('encryption-key check')).transcript).toMatchInlineSnapshot(`
      "$ keyward encryption-key check
      Encryption key ring from BYOK_ENCRYPTION_KEY
      KEY       ROLE      STORED KEYS
      a28d2b29  encrypts  1
      All 1 stored keys decrypt.
      The key of the audit trail is under a28d2b29.
      "
    `);
    const newer = generateEncryptionKey().reveal();
    const ring = { BYOK_ENCRYPTION_KEY: `${newer},${encryptionKey}` };
    await run('keys set groq', { input: ['gsk', 'e4e4'.repeat(13)].join('_'), env: ring });
    const { exitCode, json } = await run('encryption-key check --json', { env: ring });
    expect(exitCode).toBe(0);
    expect(json).toEqual({
      from: 'BYOK_ENCRYPTION_KEY',
      keys: [
        { id: idOf(newer), active: true, stored_keys: 1 },
        { id: idOf(encryptionKey), active: false, stored_keys: 1 },
      ],
      stored_keys: 2,
      unreadable: [],
      audit_key: idOf(encryptionKey),
    });
  });

  it('names every row that does not decrypt, with exit code 1', async () => {
    const { run, environment } = await commandLine();
    await run('migrate');
    await run('keys set openrouter', { input: key });
    const client = new pg.Client({ connectionString: environment['DATABASE_URL'] });
    await client.connect();
    await client.query(`
      UPDATE llm_providers SET encrypted_api_key = 'rubbish' WHERE provider_slug = 'groq';
      INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key) SELECT 'u', min(id), 'rubbish' FROM llm_providers`);
    await client.end();
    expect((await run('encryption-key check')).transcript).toMatchInlineSnapshot(`
      "$ keyward encryption-key check
      Encryption key ring from BYOK_ENCRYPTION_KEY
      KEY       ROLE      STORED KEYS
      a28d2b29  encrypts  1
      2 of 3 stored keys do not decrypt with this ring: groq, user_api_keys 1.
      The key of the audit trail is under a28d2b29.
      (exit code 1)
      "
    `);
    const { exitCode, json } = await run('encryption-key check --json');
    expect(exitCode).toBe(1);
    expect(json).toMatchObject({ stored_keys: 3, unreadable: ['groq', 'user_api_keys 1'] });
  });

  it('with a ring that lost its key names all rows', async () => {
    const { run } = await commandLine();
    await run('keys set openrouter', { input: key });
    const { exitCode, stdout } = await run('encryption-key check', {
      env: { BYOK_ENCRYPTION_KEY: generateEncryptionKey().reveal() },
    });
    expect(exitCode).toBe(1);
    expect(stdout).toContain('1 of 1 stored keys do not decrypt with this ring: openrouter.');
  });

  it('says that the key of the audit trail does not decrypt, also where no other key is stored', async () => {
    const { run } = await commandLine();
    const env = { BYOK_ENCRYPTION_KEY: generateEncryptionKey().reveal() };
    expect((await run('keys source openrouter hybrid')).exitCode).toBe(0);
    const { exitCode, stdout } = await run('encryption-key check', { env });
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      'The key of the audit trail does not decrypt with this ring: nothing can be changed under it.',
    );
    expect((await run('encryption-key check --json', { env })).json).toMatchObject({
      unreadable: [],
      audit_key: 'unreadable',
    });
  });
});
