/**
 * The template of the embedded databases that tests use: made once for each version of PGlite and kept
 * beside the other things that can be made again.
 */
import { mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';

const cache = fileURLToPath(new URL('../../node_modules/.cache/keyward', import.meta.url));

/** @returns a PGlite data directory that nobody has open; copy it, never open it */
export async function preparePgliteTemplate(): Promise<string> {
  const template = join(cache, `pglite-${await engineVersion()}`);
  if (await exists(template)) return template;

  await mkdir(cache, { recursive: true });
  const draft = await mkdtemp(join(cache, 'draft-'));
  try {
    const database = new PGlite(draft);
    await database.waitReady;
    await database.close();
    await rename(draft, template);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (!(await exists(template))) throw error;
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

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
