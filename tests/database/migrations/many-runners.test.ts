/** Many who migrate at once, as commands and as servers that start: each migration is applied once, and nobody fails. */
import { afterEach, expect, inject, it, vi } from 'vitest';
import { generateEncryptionKey } from '../../../src/crypto/encryption-key.ts';
import type { Database } from '../../../src/database/database.ts';
import { applyMigrations, type ApplyStep } from '../../../src/database/migrations/apply.ts';
import { restoreSystemKeys } from '../../../src/database/migrations/key-backup.ts';
import { rollBackMigrations, type RolledBack } from '../../../src/database/migrations/roll-back.ts';
import { atDepth } from '../../support/depth.ts';
import { type KeywardProcess, runKeyward, startServerProcess } from '../../support/keyward-process.ts';
import {
  applyQuietly,
  known,
  openUrl,
  stages,
  threeKeys,
  withClient,
} from '../../support/migration-stages.ts';
import { hasPgBouncer, startPgBouncer } from '../../support/pgbouncer.ts';
import { tellFigure } from '../../support/promise-figures.ts';
import { createDatabase } from '../../support/real-postgres.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';

vi.setConfig({ testTimeout: 180_000 });

const count = 20;
const promise = 'many runners at once apply it once';
const versions = known.migrations.map(({ version }) => version);
const dataDirectory = useTemporaryDirectory();
const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function emptyDatabase(): Promise<string> {
  const { url, drop } = await createDatabase();
  cleanUps.push(drop);
  return url;
}

/** Twenty connections of their own, each as a command has it. */
async function twentyConnections(url: string): Promise<readonly Database[]> {
  const databases = await Promise.all(Array.from({ length: count }, async () => openUrl(url)));
  cleanUps.push(async () => {
    for (const database of databases) await database.close();
  });
  return databases;
}

async function applyWith({ kysely }: Database): Promise<string[]> {
  const steps: ApplyStep[] = [];
  await applyMigrations(kysely, known, { ...applyQuietly, onStep: (step) => steps.push(step) });
  return steps.filter(({ kind }) => kind === 'applied').map(({ version }) => version);
}

async function rollBackWith({ kysely }: Database): Promise<RolledBack> {
  return rollBackMigrations(kysely, known, {
    to: '001',
    confirmed: true,
    backupDirectory: dataDirectory(),
    lockTimeoutMs: 2_000,
    onWaiting: () => undefined,
  });
}

const sorted = (said: readonly (readonly string[])[]): string[] =>
  said.flat().toSorted((a, b) => a.localeCompare(b));

async function expectWhole(url: string): Promise<void> {
  const { exitCode, stderr } = await runKeyward(['migrate', '--check'], { DATABASE_URL: url });
  expect(exitCode, stderr).toBe(0);
}

it('twenty commands at once apply each migration once, and the others find nothing to do', async () => {
  const url = await emptyDatabase();
  const environment = { DATABASE_URL: url, KEYWARD_DATA_DIR: dataDirectory() };
  const ended = await Promise.all(
    Array.from({ length: count }, async () => runKeyward(['migrate'], environment)),
  );
  for (const { exitCode, stderr } of ended) {
    expect(exitCode, stderr).toBe(0);
    expect(stderr).not.toContain('❌');
  }
  const applied = ended.map(({ stderr }) => stderr.match(/(?<=Applied )\d+/g) ?? []);
  expect(sorted(applied)).toEqual(versions);
  const noOps = ended.filter(({ stderr }) => stderr.includes('Nothing to do')).length;
  expect(noOps).toBe(applied.filter((one) => one.length === 0).length);
  await expectWhole(url);
  tellFigure(promise, `${count} commands at once, ${noOps} of them with nothing to do`);
});

it('twenty rollbacks at once happen once, and twenty restores put each key back once', async () => {
  const url = await emptyDatabase();
  const runners = await twentyConnections(url);
  await Promise.all(runners.map(applyWith));
  await withClient(url, async (client) => client.query(threeKeys));

  const back = await Promise.all(runners.map(rollBackWith));
  const files = known.migrations.slice(1).map(({ file }) => file);
  expect(sorted(back.map((one) => one.files))).toEqual(files);
  expect(back.filter(({ backup }) => backup !== null)).toHaveLength(1);

  expect(sorted(await Promise.all(runners.map(applyWith)))).toEqual(versions.slice(1));
  const restored = await Promise.all(
    runners.map(async ({ kysely }) =>
      restoreSystemKeys(kysely, { lockTimeoutMs: 2_000, onWaiting: () => undefined }),
    ),
  );
  expect(sorted(restored.map((one) => one.restored))).toEqual(['anthropic', 'groq', 'openai']);
  expect(restored.flatMap(({ left }) => left)).toEqual([]);
  await expectWhole(url);
});

it.skipIf(!hasPgBouncer())(
  'twenty runners through a pooler with three server connections apply once, and leave no lock behind',
  async () => {
    const pooler = await startPgBouncer(inject('postgresUrl'), { serverConnections: 3 });
    cleanUps.push(pooler.stop);
    const url = await emptyDatabase();
    const runners = await twentyConnections(pooler.through(url));
    expect(sorted(await Promise.all(runners.map(applyWith)))).toEqual(versions);
    const locks = await withClient(url, async (client) =>
      client.query(`SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
                     WHERE locktype = 'advisory' AND datname = current_database()`),
    );
    expect(locks.rows).toEqual([]);
    await expectWhole(url);
  },
);

it('servers that start at once on an empty database all serve, and one of them migrated it', async () => {
  const url = await emptyDatabase();
  const environment = {
    DATABASE_URL: url,
    KEYWARD_DATA_DIR: dataDirectory(),
    PORT: '0',
    HOST: '127.0.0.1',
    BYOK_ENCRYPTION_KEY: generateEncryptionKey().reveal(),
    KEYWARD_GATEWAY_TOKEN: ['kwg', 'test', 'token', '0123456789'].join('_'),
    KEYWARD_ADMIN_TOKEN: ['kwa', 'test', 'token', '0123456789'].join('_'),
  };
  const serverCount = atDepth({ usual: 10, thorough: 20 });
  const servers = Array.from({ length: serverCount }, () => startServerProcess(environment));
  // Before the database goes, whatever happens.
  cleanUps.push(async () => {
    for (const server of servers) server.kill('SIGKILL');
    await Promise.all(servers.map(async (server) => server.ended()));
  });
  const urls = await Promise.all(servers.map(async (server) => server.url()));
  const answers = await Promise.all(urls.map(async (at) => fetch(`${at}/health/ready`)));
  expect(answers.map(({ status }) => status)).toEqual(urls.map(() => 200));
  expect(new Set(urls).size).toBe(serverCount);

  for (const server of servers) server.kill('SIGTERM');
  const ended = await Promise.all(servers.map(async (server: KeywardProcess) => server.ended()));
  expect(ended.map(({ exitCode }) => exitCode)).toEqual(urls.map(() => 0));
  const applied = ended.map(({ stderr }) => stderr.match(/Applied migration \d+/g) ?? []);
  expect(sorted(applied)).toEqual(versions.map((version) => `Applied migration ${version}`));
  await expectWhole(url);
  tellFigure(
    promise,
    `${serverCount} servers started at once and served; the newest version is ${stages.at(-1)}`,
  );
});
