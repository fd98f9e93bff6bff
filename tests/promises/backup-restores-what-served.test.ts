/**
 * The promise: a backup restores what served. It is made while a server serves, and no call fails; then the
 * encryption key is changed, the installation is lost, and the archive goes into the other engine. The same tokens
 * get answers with the same key, the trail is whole, and not one value differs.
 */
import { join } from 'node:path';
import type pg from 'pg';
import { Client } from 'pg';
import { afterEach, expect, it, vi } from 'vitest';
import { createToken } from '../../src/auth/token-store.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { openDatabase } from '../../src/database/open-database.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { storeKey } from '../../src/keys/change-provider.ts';
import { waitUntilApplied } from '../../src/keys/instances.ts';
import { atDepth } from '../support/depth.ts';
import { occasionOfTests, recordMany } from '../support/audited.ts';
import type { Engine } from '../support/keyward-database.ts';
import { runKeyward } from '../support/keyward-process.ts';
import { archivedRows } from '../support/lived-in-database.ts';
import { tellFigure } from '../support/promise-figures.ts';
import { rotatingKey } from '../support/rotating.ts';
import { newPlace, startKeyward, type Place, type RunningKeyward } from '../support/running-keyward.ts';
import { startStandInProvider } from '../support/stand-in-provider.ts';
import { startLoad } from '../support/steady-load.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 60_000 });

const promise = 'a backup restores what served';
const broughtRows = atDepth({ usual: 5_000, thorough: 20_000 });
const events = 5_000;
const model = 'openrouter/some/model';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function newPlaceOn(engine: Engine, migrated: boolean): Promise<Place> {
  const place = await newPlace(engine, { migrated });
  cleanUps.push(async () => place.remove());
  return place;
}

/** Through the tables as any program sees them. */
async function withClient<T>(
  { environment }: Pick<Place, 'environment'>,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { DATABASE_URL: url, KEYWARD_DATA_DIR: directory = '' } = environment;
  const client = new Client(
    url === undefined
      ? { host: directory, user: 'postgres', database: 'postgres' }
      : { connectionString: url },
  );
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

async function fill(keyward: RunningKeyward): Promise<string> {
  const { installation } = keyward.server;
  const { audit, keyRing, fingerprinter, config, bindings, database } = installation;
  const changes = { audit, ring: keyRing.ring, fingerprinter, config, bindings };
  const key = new Secret(rotatingKey(1));
  await storeKey(changes, occasionOfTests, 'openrouter', { key, source: 'database' });
  const { token, revision } = await createToken(audit, occasionOfTests, {
    kind: 'gateway',
    name: 'a caller',
  });
  await recordMany(audit, events);
  await keyward.sql(
    `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key)
     SELECT 'user ' || n, 1, token FROM unnest($1::text[]) WITH ORDINALITY AS t (token, n)`,
    [Array.from({ length: broughtRows }, (_, index) => keyRing.ring.encrypt(new Secret(`planted-${index}`)))],
  );
  await waitUntilApplied(database.kysely, revision, 30_000);
  return token.reveal();
}

async function callWith(keyward: RunningKeyward, token: string): Promise<unknown> {
  const response = await keyward.chat(undefined, { headers: { authorization: `Bearer ${token}` } });
  await response.text();
  return {
    status: response.status,
    source: response.headers.get('x-keyward-key-source'),
    fingerprint: response.headers.get('x-keyward-key-fingerprint'),
  };
}

it.each([
  ['embedded', 'postgres'],
  ['postgres', 'embedded'],
] as const)('from %s to %s, while it serves', async (fromEngine, toEngine) => {
  const provider = await startStandInProvider({ keys: [rotatingKey(1)] });
  cleanUps.push(async () => provider.close());
  const env = { OPENROUTER_BASE_URL: provider.baseUrl };
  const place = await newPlaceOn(fromEngine, true);
  const first = await startKeyward({ place, env });
  const token = await fill(first);
  const served = await callWith(first, token);
  expect(served).toMatchObject({ status: 200, source: 'database' });

  const load = startLoad([first], { perSecond: 20, model });
  const archive = join(place.environment['KEYWARD_DATA_DIR'] ?? '', 'one.archive');
  const began = performance.now();
  const made = await runKeyward(['backup', '--output', archive, '--json'], { ...place.environment, ...env });
  const backupSeconds = (performance.now() - began) / 1_000;
  expect(made.exitCode, made.stderr).toBe(0);
  const { calls, failures } = await load.stop();
  expect(failures).toEqual([]);
  expect(calls).toBeGreaterThan(0);
  await first.stop();
  // The last: what the server heard after the archive was made.
  const without = [
    'keyward_revision',
    'keyward_audit_events',
    'llm_usage_logs',
    'keyward_usage_daily',
    'keyward_live_verdicts',
  ];
  const before = await rowsAt(place, without);

  // From here on there is only the archive, and the encryption key that was changed since.
  const other = await newPlaceOn(toEngine, false);
  const ring = `${generateEncryptionKey().reveal()},${place.environment['BYOK_ENCRYPTION_KEY']}`;
  const elsewhere = { ...other.environment, ...env, BYOK_ENCRYPTION_KEY: ring };
  const restoring = performance.now();
  const restored = await runKeyward(['restore', archive, '--yes', '--json'], elsewhere);
  const restoreSeconds = (performance.now() - restoring) / 1_000;
  expect(restored.exitCode, restored.stderr).toBe(0);
  expect(await rowsAt({ environment: elsewhere }, without)).toEqual(before);
  const verified = await runKeyward(['audit', 'verify', '--json'], elsewhere);
  expect(JSON.parse(verified.stdout)).toMatchObject({ whole: true });
  const second = await startKeyward({ place: { ...other, environment: elsewhere }, env: elsewhere });
  cleanUps.push(async () => second.stop());
  expect(await callWith(second, token)).toEqual(served);

  const { bytes } = JSON.parse(made.stdout) as { bytes: number };
  const { tables } = JSON.parse(restored.stdout) as { tables: Record<string, number> };
  const rows = Object.values(tables).reduce((sum, count) => sum + count, 0);
  tellFigure(
    promise,
    `${fromEngine} to ${toEngine}: ${rows} rows in ${bytes} bytes, backed up in ${backupSeconds.toFixed(1)} s under load without a failed call of ${calls}, restored in ${restoreSeconds.toFixed(1)} s`,
  );
});

/** On an embedded database whose server has stopped, a command lends its engine for as long as it takes. */
async function rowsAt(
  place: Pick<Place, 'environment'>,
  without: readonly string[],
): Promise<Readonly<Record<string, readonly string[]>>> {
  if (place.environment['DATABASE_URL'] !== undefined)
    return withClient(place, async (client) => archivedRows(client, without));
  const database = await openDatabase(loadConfig(place.environment).database, {
    as: 'command',
    onProgress: () => undefined,
    onIdleError: () => undefined,
  });
  try {
    return await withClient(place, async (client) => archivedRows(client, without));
  } finally {
    await database.close();
  }
}
