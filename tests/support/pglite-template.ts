/**
 * The templates of the embedded databases that tests use, an empty one and one with all migrations: each made
 * once, and again when PGlite or a migration has changed, and kept beside the other things that can be made again.
 */
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { migrateAtStart } from '../../src/database/migrations/shipped-migrations.ts';
import { openDatabase } from '../../src/database/open-database.ts';

const cache = fileURLToPath(new URL('../../node_modules/.cache/keyward', import.meta.url));
const migrations = fileURLToPath(new URL('../../migrations', import.meta.url));

export interface PgliteTemplates {
  /** Data directories that nobody has open; copy them, never open them. */
  readonly empty: string;
  readonly migrated: string;
}

export async function preparePgliteTemplates(): Promise<PgliteTemplates> {
  const empty = await prepare(`pglite-${await engineVersion()}`, async (directory) => {
    const database = new PGlite(join(directory, 'database'));
    await database.waitReady;
    await database.close();
  });
  const migrated = await prepare(
    `pglite-${await engineVersion()}-${await migrationsHash()}`,
    async (directory) => {
      await cp(empty, join(directory, 'database'), { recursive: true });
      const database = await openDatabase(
        { kind: 'embedded', dataDirectory: directory },
        { as: 'server', onProgress: () => undefined, onIdleError: () => undefined },
      );
      await migrateAtStart(database, () => undefined);
      await database.close();
    },
  );
  return { empty, migrated };
}

/** @param fill puts a data directory `database` into the directory that it is given */
async function prepare(name: string, fill: (directory: string) => Promise<void>): Promise<string> {
  const template = join(cache, name);
  if (await exists(template)) return template;
  await mkdir(cache, { recursive: true });
  const draft = await mkdtemp(join(cache, 'draft-'));
  try {
    await fill(draft);
    await rename(join(draft, 'database'), template);
  } catch (error) {
    if (!(await exists(template))) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return template;
}

async function engineVersion(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const { version } = JSON.parse(await readFile(join(dirname(entry), '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}

async function migrationsHash(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(migrations)).toSorted())
    hash.update(`${name}\0`).update(await readFile(join(migrations, name)));
  return hash.digest('hex').slice(0, 12);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
