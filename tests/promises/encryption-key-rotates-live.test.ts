/**
 * The promise: the encryption key rotates while servers serve. A hundred thousand stored keys, one in a hundred
 * corrupt, load running, the rotation killed again and again: no call fails, every good key is under the new
 * encryption key in the end, every corrupt one is named, and the old one may go.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { storeKey } from '../../src/keys/change-provider.ts';
import { waitUntilApplied } from '../../src/keys/instances.ts';
import { atDepth } from '../support/depth.ts';
import { occasionOfTests } from '../support/audited.ts';
import { KeywardProcess } from '../support/keyward-process.ts';
import { tellFigure } from '../support/promise-figures.ts';
import { rotatingKey } from '../support/rotating.ts';
import { newPlace, startKeyward, type Place, type RunningKeyward } from '../support/running-keyward.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';
import { startLoad } from '../support/steady-load.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

const [broughtRows, versionRows] = atDepth({
  usual: [27_000, 3_000] as const,
  thorough: [90_000, 9_000] as const,
});
const corruptIn = 100;
const kills = 5;

const oldKey = generateEncryptionKey();
const oldRing = KeyRing.parse(oldKey);
let place: Place;
let environment: Readonly<Record<string, string>>;
let keyFile: string;
let provider: StandInProvider;
let servers: readonly RunningKeyward[] = [];

beforeAll(async () => {
  place = await newPlace('postgres');
  const { BYOK_ENCRYPTION_KEY: _, ...rest } = place.environment;
  keyFile = join(rest['KEYWARD_DATA_DIR'] ?? '', 'ring');
  await writeFile(keyFile, `${oldKey.reveal()}\n`, { mode: 0o600 });
  provider = await startStandInProvider({ keys: [rotatingKey(1)] });
  environment = { ...rest, BYOK_ENCRYPTION_KEY_FILE: keyFile, OPENROUTER_BASE_URL: provider.baseUrl };
  const start = async (): Promise<RunningKeyward> =>
    startKeyward({ place: { ...place, environment }, env: environment });
  servers = [await start(), await start()];
});
afterAll(async () => {
  await Promise.all(servers.map(async (server) => server.stop()));
  await provider.close();
  await place.remove();
});

/** Every hundredth is cut in the middle. */
function tokensOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const token = oldRing.encrypt(new Secret(`planted-key-${index}`));
    return index % corruptIn === 0 ? token.slice(0, 60) : token;
  });
}

it('while it serves, over kills and corrupt rows', async () => {
  const [first] = servers;
  if (first === undefined) throw new Error('there is no server');
  const { installation } = first.server;
  const { audit, keyRing, fingerprinter, config, bindings, database } = installation;
  const changes = { audit, ring: keyRing.ring, fingerprinter, config, bindings };
  const { revision } = await storeKey(changes, occasionOfTests, 'openrouter', {
    key: new Secret(rotatingKey(1)),
    source: 'database',
  });
  await waitUntilApplied(database.kysely, revision, 30_000);
  await first.sql(
    `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key)
     SELECT 'user ' || n, (SELECT id FROM llm_providers WHERE provider_slug = 'groq'), token
       FROM unnest($1::text[]) WITH ORDINALITY AS t (token, n)`,
    [tokensOf(broughtRows)],
  );
  await first.sql(
    `INSERT INTO keyward_key_versions (provider_id, state, origin, encrypted_api_key)
     SELECT (SELECT id FROM llm_providers WHERE provider_slug = 'groq'), 'retired', 'minted', token
       FROM unnest($1::text[]) AS t (token)`,
    [tokensOf(versionRows)],
  );
  const load = startLoad(servers, { perSecond: 50, model: 'openrouter/any/model' });
  const rotate = (): KeywardProcess =>
    new KeywardProcess(['encryption-key', 'rotate', '--json'], environment);
  const rowsUnder = async (id: string): Promise<number> => {
    const [row] = await first.sql<{ rows: number }>(
      `SELECT count(*)::integer AS rows FROM user_api_keys WHERE encrypted_under LIKE $1`,
      [`${id}.%`],
    );
    return row?.rows ?? 0;
  };
  const activeKeyId = async (): Promise<string> =>
    KeyRing.parse(new Secret((await readFile(keyFile, 'utf8')).trim().split('\n').join(','))).activeKeyId;
  // Each run is killed once it has come further than the one before.
  for (let killed = 0, done = 0; killed < kills; killed += 1) {
    const run = rotate();
    const before = done;
    await expect
      .poll(async () => (done = await rowsUnder(await activeKeyId())), { interval: 20, timeout: 60_000 })
      .toSatisfy((rows: number) => (rows > before && rows < broughtRows) || !run.isRunning);
    run.kill('SIGKILL');
    await run.ended();
  }
  const began = performance.now();
  const leftBefore = broughtRows + versionRows - (await rowsUnder(await activeKeyId()));
  const ended = await rotate().ended();
  const seconds = (performance.now() - began) / 1_000;
  const report = JSON.parse(ended.stdout) as {
    active_key_id: string;
    reencrypted: number;
    set_aside: unknown[];
    left: object;
    removable: string[];
  };
  expect(ended.exitCode).toBe(0);
  expect(report).toMatchObject({ left: {}, removable: [oldRing.activeKeyId] });
  const corrupt = (broughtRows + versionRows) / corruptIn;
  expect(report.set_aside).toHaveLength(corrupt);
  const { calls, failures } = await load.stop();
  expect(failures).toEqual([]);
  // The old key goes, and everything that was good still opens.
  const lines = (await readFile(keyFile, 'utf8')).trim().split('\n');
  await writeFile(keyFile, `${lines[0]}\n`);
  const newRing = KeyRing.parse(new Secret(lines[0] ?? ''));
  expect(newRing.keyIds).toEqual([report.active_key_id]);
  const rows = await first.sql<{ encrypted_api_key: string }>(
    `SELECT encrypted_api_key FROM user_api_keys UNION ALL SELECT encrypted_api_key FROM keyward_key_versions
      UNION ALL SELECT encrypted_api_key FROM llm_providers WHERE encrypted_api_key <> ''`,
  );
  const lost = rows.filter(({ encrypted_api_key: token }) => newRing.keyIdFor(token) === undefined);
  expect([rows.length, lost.length]).toEqual([broughtRows + versionRows + 2, corrupt]);
  tellFigure(
    'encryption key rotates live',
    `0 of ${calls} calls failed on 2 servers while ${broughtRows + versionRows + 3} rows were encrypted anew over ${kills} kills, ${corrupt} corrupt ones set aside and named; the last run took ${seconds.toFixed(1)} s from start to proof (${Math.max(0, leftBefore)} rows were left at most)`,
  );
});
