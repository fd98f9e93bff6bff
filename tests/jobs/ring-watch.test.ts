/** A server takes over a ring that changed where it stands, and none that it could not serve with. */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { configuredKeyRing } from '../../src/crypto/find-key-ring.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { UsageError } from '../../src/foundation/errors.ts';
import { createLogger } from '../../src/foundation/logger.ts';
import type { Secret } from '../../src/foundation/secret.ts';
import { RingWatch } from '../../src/jobs/ring-watch.ts';
import { ask, eventsOf } from '../support/administrators.ts';
import { runKeyward, startServerProcess } from '../support/keyward-process.ts';
import { rotatingKey } from '../support/rotating.ts';
import {
  adminToken,
  newPlace,
  startKeyward,
  type Place,
  type RunningKeyward,
} from '../support/running-keyward.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

vi.setConfig({ testTimeout: 60_000 });

const eventually = { timeout: 20_000, interval: 50 };
const [first, second] = [generateEncryptionKey(), generateEncryptionKey()];
const idOf = (key: Secret): string => KeyRing.parse(key).activeKeyId;

let file: string;
/** In one stroke, as a mounted secret is replaced: a look in between would find a file with no key. */
const writeText = async (text: string): Promise<void> => {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
};
const write = async (...keys: readonly Secret[]): Promise<void> =>
  writeText(keys.map((key) => `${key.reveal()}\n`).join(''));

describe('a server', () => {
  let place: Place;
  let keyward: RunningKeyward;
  const start = async (): Promise<RunningKeyward> =>
    startKeyward({ place, env: { BYOK_ENCRYPTION_KEY_FILE: file } });

  beforeEach(async () => {
    const made = await newPlace('postgres');
    const { BYOK_ENCRYPTION_KEY: _, ...environment } = made.environment;
    place = { ...made, environment };
    file = join(environment['KEYWARD_DATA_DIR'] ?? '', 'ring');
    await write(first);
    keyward = await start();
  });
  afterEach(async () => {
    await keyward.stop();
    await place.remove();
  });

  const ringOfInstance = async (): Promise<readonly string[]> => {
    const [row] = await keyward.sql<{ ids: readonly string[] }>(
      'SELECT encryption_key_ids AS ids FROM keyward_instances ORDER BY started_at DESC LIMIT 1',
    );
    return row?.ids ?? [];
  };
  const storedUnder = async (): Promise<string> => {
    await ask(keyward, 'POST /api/v1/admin/providers/groq/set-key', {
      token: adminToken,
      body: { api_key: rotatingKey(1), skip_test: true },
    });
    const [row] = await keyward.sql<{ mark: string }>(
      `SELECT encrypted_under AS mark FROM llm_providers WHERE provider_slug = 'groq'`,
    );
    return row?.mark.split('.')[0] ?? '';
  };

  test('without a restart: a key that is added is known, and put first it encrypts', async () => {
    expect(await storedUnder()).toBe(idOf(first));
    await write(first, second);
    await expect.poll(ringOfInstance, eventually).toEqual([idOf(first), idOf(second)]);
    expect(await storedUnder()).toBe(idOf(first));
    await write(second, first);
    await expect.poll(ringOfInstance, eventually).toEqual([idOf(second), idOf(first)]);
    expect(await storedUnder()).toBe(idOf(second));
  });

  test('a file that is faulty, or lacks a key in use, changes nothing and is told', async () => {
    const told = (words: string): boolean => keyward.logLines.some((line) => line.includes(words));
    await writeText('no key at all\n');
    await expect.poll(() => told('the encryption key ring stays as it was'), eventually).toBe(true);
    expect(await storedUnder()).toBe(idOf(first));
    const ready = async (): Promise<unknown> =>
      ((await (await fetch(`${keyward.server.url}/health/ready`)).json()) as { checks: object }).checks;
    expect(await ready()).toMatchObject({
      encryption_key: { status: 'degraded', message: expect.stringContaining('not taken over') as string },
    });
    await write(second);
    await expect.poll(() => told(`lacks key ${idOf(first)}`), eventually).toBe(true);
    expect(await storedUnder()).toBe(idOf(first));
    await write(first);
    await expect.poll(ready, eventually).toMatchObject({ encryption_key: { status: 'ok' } });
  });

  test('a start without a key in use is refused, names it, and leaves everything as it is', async () => {
    await keyward.stop();
    await write(second);
    await expect(start()).rejects.toThrow(
      new RegExp(`lacks key ${idOf(first)}.*keyward encryption-key forget ${idOf(first)}`),
    );
    await write(second, first);
    keyward = await start();
    expect(await ringOfInstance()).toEqual([idOf(second), idOf(first)]);
  });

  /** Waits until the server works with these keys. */
  const takeOver = async (...keys: readonly Secret[]): Promise<void> => {
    await write(...keys);
    await expect.poll(ringOfInstance, eventually).toEqual(keys.map(idOf));
  };

  test('the ring that is taken over is told once, in the log and in the trail, and no key shows', async () => {
    await takeOver(first, second);
    await takeOver(second, first);
    const changes = keyward.logLines.filter((line) => line.includes('the encryption key ring changed'));
    expect(changes.map((line) => (JSON.parse(line) as { keys: unknown }).keys)).toEqual([
      [idOf(first), idOf(second)],
      [idOf(second), idOf(first)],
    ]);
    const recorded = async () =>
      (await eventsOf(keyward, 'encryption_ring.changed')).map(({ after }) => after?.['key_ids']);
    await expect.poll(recorded, eventually).toContainEqual([idOf(second), idOf(first)]);
    for (const key of [first, second])
      expect(keyward.logLines.join('\n')).not.toContain(key.reveal().slice(0, 12));
  });

  test('a key in use is lacked: the ring at work stays, in the table of the instances too', async () => {
    await takeOver(second, first);
    const inUse = async () =>
      (
        await keyward.sql<{ id: string }>(
          'SELECT key_id AS id FROM keyward_encryption_keys WHERE retired_at IS NULL',
        )
      ).map(({ id }) => id);
    expect((await inUse()).toSorted()).toEqual([idOf(first), idOf(second)].toSorted());
    const third = generateEncryptionKey();
    await write(third, first);
    const told = () => keyward.logLines.filter((line) => line.includes(`lacks key ${idOf(second)}`));
    await expect.poll(() => told().length, eventually).toBe(1);
    expect(await storedUnder()).toBe(idOf(second));
    expect(await ringOfInstance()).toEqual([idOf(second), idOf(first)]);
    // Nothing is noted of the key that would have encrypted.
    expect(await inUse()).not.toContain(idOf(third));
    await takeOver(third, second, first);
    expect(await storedUnder()).toBe(idOf(third));
    expect(told()).toHaveLength(1);
  });

  test('a start that is refused says so in one line, and serves once the lost key is forgotten', async () => {
    await takeOver(second, first);
    expect(await storedUnder()).toBe(idOf(second));
    await keyward.stop();
    await write(first);
    const environment = { ...place.environment, BYOK_ENCRYPTION_KEY_FILE: file };
    const refusedStart = startServerProcess(environment);
    onTestFinished(() => refusedStart.kill('SIGKILL'));
    const refused = await refusedStart.ended();
    expect([refused.exitCode, refused.stdout, refused.stderr.trimEnd().split('\n').length]).toEqual([
      1,
      '',
      1,
    ]);
    expect(refused.stderr).toMatch(
      new RegExp(
        `^keyward: .*lacks key ${idOf(second)}, .*keyward encryption-key forget ${idOf(second)}$`,
        'm',
      ),
    );
    const forgotten = await runKeyward(['encryption-key', 'forget', idOf(second), '--yes'], environment);
    expect([forgotten.exitCode, forgotten.stdout, forgotten.stderr]).toEqual([
      0,
      expect.stringContaining(`Forgotten: ${idOf(second)}.`) as string,
      '',
    ]);
    keyward = await start();
    expect(await ringOfInstance()).toEqual([idOf(first)]);
    expect(await eventsOf(keyward, 'encryption_ring.key_retired')).toMatchObject([
      { target: { id: idOf(second) }, after: { forgotten: true } },
    ]);
    // What only the lost key opened is entered again.
    expect(await storedUnder()).toBe(idOf(first));
  });
});

describe('a watch', () => {
  const directory = useTemporaryDirectory();
  beforeEach(async () => {
    file = join(directory(), 'ring');
    await write(first);
  });

  /** A watch of the file whose looks are counted; what it accepts is said by `refuse`. */
  async function watch(refuse: (ring: KeyRing) => string | undefined = () => undefined) {
    const found = await configuredKeyRing(loadConfig({ BYOK_ENCRYPTION_KEY_FILE: file }));
    const { reread } = found ?? {};
    if (!found || !reread) throw new Error('the ring does not stand in a file');
    const lines: string[] = [];
    const seen = { looks: 0, replaced: 0, lines, ring: found.ring };
    const watching = new RingWatch({
      found: {
        ...found,
        reread: async () => {
          seen.looks += 1;
          return reread();
        },
      },
      log: createLogger({
        level: 'info',
        format: 'json',
        scrub: (line) => line,
        write: (line) => lines.push(line),
      }),
      accept: async (ring) => {
        const why = refuse(ring);
        if (why !== undefined) throw new UsageError(why);
      },
      onReplaced: () => {
        seen.replaced += 1;
      },
    });
    onTestFinished(async () => watching.stop());
    watching.wake();
    return seen;
  }

  test('tells a fault once, however often it sees it, and again when it comes back', async () => {
    const seen = await watch();
    await writeText('no key at all\n');
    await expect.poll(() => seen.lines.length, eventually).toBe(1);
    const { looks } = seen;
    await expect.poll(() => seen.looks, eventually).toBeGreaterThan(looks + 1);
    expect(seen.lines).toHaveLength(1);
    expect(seen.lines[0]).toContain('the encryption key ring stays as it was: The encryption key file ');
    expect(seen.lines[0]).not.toContain('no key at all');
    await write(first, second);
    await expect.poll(() => seen.replaced, eventually).toBe(1);
    await writeText('no key at all\n');
    await expect
      .poll(() => seen.lines.filter((line) => line.includes('stays as it was:')).length, eventually)
      .toBe(2);
    expect(seen.ring.keyIds).toEqual([idOf(first), idOf(second)]);
  });

  test('leaves a ring alone that is refused, and takes it once it is not', async () => {
    let why: string | undefined = 'not this one';
    const seen = await watch(() => why);
    await write(second, first);
    await expect.poll(() => seen.lines.length, eventually).toBe(1);
    expect([seen.replaced, seen.ring.keyIds]).toEqual([0, [idOf(first)]]);
    expect(seen.lines[0]).toContain('the encryption key ring stays as it was: not this one');
    why = undefined;
    await expect.poll(() => seen.ring.keyIds, eventually).toEqual([idOf(second), idOf(first)]);
    expect(seen.replaced).toBe(1);
  });

  test('does nothing about a file that was written anew with the same keys', async () => {
    const seen = await watch(() => 'nothing is to be accepted');
    await writeText(`# another comment\n\n${first.reveal()}\n`);
    const { looks } = seen;
    await expect.poll(() => seen.looks, eventually).toBeGreaterThan(looks + 1);
    expect([seen.replaced, seen.lines]).toEqual([0, []]);
  });
});
