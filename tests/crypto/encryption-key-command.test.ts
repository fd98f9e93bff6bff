/** The command that prints the ring: taken at its word, and never repeated, whatever it printed. */
import { inspect } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { runEncryptionKeyCommand } from '../../src/crypto/encryption-key-command.ts';
import { configuredKeyRing } from '../../src/crypto/find-key-ring.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { UsageError } from '../../src/foundation/errors.ts';
import { Secret } from '../../src/foundation/secret.ts';

const key = generateEncryptionKey().reveal();

afterEach(() => vi.unstubAllEnvs());

/** What it fails with; the test fails where it does not. */
async function failureOf(running: Promise<unknown>): Promise<unknown> {
  return running.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error,
  );
}

/** All that a log could find in an error, its cause and its properties included. */
const allOf = (error: unknown): string => inspect(error, { depth: Infinity, showHidden: true });

describe('a command that prints the ring', () => {
  test.each([
    [`echo ${key}`, key],
    [`printf '# comment\\n%s\\n%s\\n' ${key} other`, `${key},other`],
    [`printf '\\n  %s ,%s\\r\\n' ${key} other`, `${key} ,other`],
    [`echo 'not this one' >&2; echo ${key}`, key],
  ])('is taken at its word', async (command, text) => {
    expect((await runEncryptionKeyCommand(command)).reveal()).toBe(text);
  });

  test('has the environment of this process, and the words of a shell', async () => {
    vi.stubEnv('KEYWARD_TEST_RING', key);
    const printed = await runEncryptionKeyCommand('echo "$KEYWARD_TEST_RING" | tr -d x | cat');
    expect(printed).toBeInstanceOf(Secret);
    expect(printed.reveal()).toBe(key.replaceAll('x', ''));
  });

  test('is asked again each time that the ring is read again', async () => {
    const newer = generateEncryptionKey().reveal();
    vi.stubEnv('KEYWARD_TEST_RING', key);
    const command = 'echo "$KEYWARD_TEST_RING"';
    const found = await configuredKeyRing(loadConfig({ BYOK_ENCRYPTION_KEY_COMMAND: command }));
    vi.stubEnv('KEYWARD_TEST_RING', `${newer},${key}`);
    const again = await found?.reread?.();
    expect(found?.ring.keyIds).toEqual(KeyRing.parse(new Secret(key)).keyIds);
    expect(again?.keyIds).toEqual(KeyRing.parse(new Secret(`${newer},${key}`)).keyIds);
    expect([found?.from, found?.file]).toEqual(['BYOK_ENCRYPTION_KEY_COMMAND', null]);
  });

  test.each([
    [`echo ${key}; exit 3`, 'ended with exit code 3'],
    [`echo ${key} >&2; exit 3`, 'ended with exit code 3'],
    ['true', 'printed no key'],
    [`echo "# ${key}"`, 'printed no key'],
    [`echo ${key} >&2`, 'printed no key'],
    [`yes ${key}`, 'printed more than 64 KiB'],
    [`yes ${key} >&2`, 'printed more than 64 KiB'],
    // Nobody answers: standard input is at its end.
    ['read answer', 'ended with exit code'],
    [`echo ${key}; read answer`, 'ended with exit code'],
    ['no-such-program-at-all', 'ended with exit code 127'],
    [`echo ${key}; kill -KILL $$`, 'was ended by the signal SIGKILL'],
    [`echo ${key}; kill -TERM $$`, 'was ended by the signal SIGTERM'],
  ])('%# that fails is told without a word of what it printed', async (command, why) => {
    vi.stubEnv('KEYWARD_TEST_RING', key);
    const error = await failureOf(runEncryptionKeyCommand(command.replaceAll(key, '"$KEYWARD_TEST_RING"')));
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain(why);
    expect(String(error).split('\n')).toHaveLength(1);
    expect(allOf(error)).not.toContain(key.slice(0, 8));
  });

  test('and has it in its own words is not repeated either', async () => {
    const error = await failureOf(runEncryptionKeyCommand(`echo ${key}; exit 3`));
    expect(allOf(error)).not.toContain(key.slice(0, 8));
  });

  test('and prints what is no ring is refused as any ring is, without a word of it', async () => {
    const config = loadConfig({ BYOK_ENCRYPTION_KEY_COMMAND: `echo ${key}x` });
    const error = await failureOf(configuredKeyRing(config));
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain('The encryption key ring is not usable: it has 45 characters');
    expect(allOf(error)).not.toContain(key.slice(0, 8));
  });

  test('and asks on standard input is answered with its end at once, not after its time is up', async () => {
    const began = performance.now();
    const read = await runEncryptionKeyCommand(`cat; echo ${key}`);
    expect(read.reveal()).toBe(key);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
