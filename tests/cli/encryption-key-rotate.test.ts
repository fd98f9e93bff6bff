/** `keyward encryption-key rotate` and `forget`, as an operator runs them. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { generateEncryptionKey, parseEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { commandLine, commandLineAt } from '../support/command-line.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const key = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
const ids = (text: string): string => text.replaceAll(/\b[0-9a-f]{8}\b/g, 'KEYID');

describe('where the ring stands in a file', () => {
  async function fileLine() {
    const line = await commandLine();
    const path = join(line.environment['KEYWARD_DATA_DIR'] ?? '', 'ring');
    await writeFile(path, `# kept\n${line.environment['BYOK_ENCRYPTION_KEY']}\n`, { mode: 0o600 });
    const { BYOK_ENCRYPTION_KEY: _, ...environment } = line.environment;
    return { run: commandLineAt({ ...environment, BYOK_ENCRYPTION_KEY_FILE: path }).run, path };
  }

  it('one command adds a key, makes it active, encrypts anew and says what may go', async () => {
    const { run, path } = await fileLine();
    await run('keys set groq --source database', { input: key });
    const plan = await run('encryption-key rotate --dry-run');
    expect(plan.stdout).toMatch(/Would add a new key to .*ring, make it the active one/);
    expect((await readFile(path, 'utf8')).trim().split('\n')).toHaveLength(2);
    const done = await run('encryption-key rotate');
    expect([done.exitCode, ids(done.stdout).split(path).join('RING')]).toEqual([
      0,
      'Encrypted 3 rows anew under the key KEYID.\nNo row is left under the key KEYID: it may be removed from RING.\n',
    ]);
    const lines = (await readFile(path, 'utf8')).trim().split('\n');
    expect(lines[0]).toBe('# kept');
    const [newId, oldId] = lines.slice(1).map((line) => parseEncryptionKey(line).id);
    expect((await run('encryption-key rotate --status --json')).json).toMatchObject({
      keys: [
        { id: newId, active: true, rows: 3, retired_at: null },
        { id: oldId, active: false, rows: 0, retired_at: expect.stringMatching(/Z$/) as string },
      ],
      set_aside: [],
    });
    expect((await run('encryption-key rotate --check --json')).json).toEqual({
      active_key_id: newId,
      left: {},
      set_aside: [],
    });
    // The other order would store keys under one that may be gone tomorrow.
    await writeFile(path, `${lines[2]}\n${lines[1]}\n`);
    const refused = await run('keys set groq', { input: key });
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringContaining('was replaced by another one') as string,
    ]);
    await writeFile(path, `${lines[1]}\n`);
    expect((await run('keys explain groq --json')).json).toMatchObject({
      stored_key: { problem: null, binding: 'bound' },
    });
  });
});

describe('where the ring stands in the environment', () => {
  it('each run says what is to be done by hand, and goes on from there', async () => {
    const { run, environment } = await commandLine();
    const old = environment['BYOK_ENCRYPTION_KEY'] ?? '';
    const fresh = generateEncryptionKey().reveal();
    const rotateWith = async (ring: string) =>
      run('encryption-key rotate', { env: { BYOK_ENCRYPTION_KEY: ring } });
    await run('keys set groq --source database', { input: key });
    const second = await rotateWith(old);
    expect([second.exitCode, second.stderr]).toEqual([
      3,
      expect.stringContaining('keyward encryption-key generate') as string,
    ]);
    const third = await rotateWith(`${old},${fresh}`);
    expect([third.exitCode, third.stderr]).toEqual([
      3,
      expect.stringContaining('Now put it first') as string,
    ]);
    const fourth = await rotateWith(`${fresh},${old}`);
    expect([fourth.exitCode, ids(fourth.stdout)]).toEqual([
      0,
      'Encrypted 3 rows anew under the key KEYID.\nNo row is left under the key KEYID: it may be removed from BYOK_ENCRYPTION_KEY.\n',
    ]);
  });

  it('a key is forgotten only where it is in use and not at hand', async () => {
    const { run } = await commandLine();
    // Notes the key that is in use, and then asks for a new one.
    await run('encryption-key rotate');
    const [{ id } = { id: '' }] = (
      (await run('encryption-key rotate --status --json')).json as { keys: { id: string }[] }
    ).keys;
    expect((await run(`encryption-key forget ${id} --yes`)).stderr).toContain(
      'is in the ring here, and not lost',
    );
    expect((await run('encryption-key forget 00000000 --yes')).exitCode).toBe(2);
    const env = { BYOK_ENCRYPTION_KEY: generateEncryptionKey().reveal() };
    const forgotten = await run(`encryption-key forget ${id}`, { env });
    expect([forgotten.exitCode, forgotten.stderr]).toEqual([2, expect.stringContaining('--yes') as string]);
  });
});
