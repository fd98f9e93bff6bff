/**
 * What a test run starts once, before its first test file: a real PostgreSQL, unless
 * KEYWARD_TEST_POSTGRES_URL names one, the templates that tests copy their databases from, and the page.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { preparePgliteTemplates } from './pglite-template.ts';
import { findChromium } from './chromium.ts';
import { makePostgresTemplate } from './postgres-template.ts';
import { startRealPostgres } from './start-real-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's URL of a PostgreSQL that tests may make databases in. */
    postgresUrl: string;
    /** A database there with all migrations, to which nobody connects. */
    postgresMigrated: string;
    /** An empty PGlite data directory to copy, and one with all migrations. */
    pgliteTemplate: string;
    pgliteMigrated: string;
    /** The browser that the page is tested in. */
    chromiumPath: string;
  }
}

/** The tests look at the page and the program as they are now, and not at what was built once. */
async function build(what: 'page' | 'program'): Promise<void> {
  const script = fileURLToPath(new URL(`../../scripts/build-${what}.ts`, import.meta.url));
  await promisify(execFile)(process.execPath, [script, '--if-stale']);
}

/** @returns what ends it after the last test file */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const named = process.env['KEYWARD_TEST_POSTGRES_URL'];
  const [postgres, pglite, chromiumPath] = await Promise.all([
    named === undefined ? startRealPostgres() : { url: named, stop: async () => {} },
    preparePgliteTemplates(),
    findChromium(),
    build('page'),
    build('program'),
  ]);
  project.provide('chromiumPath', chromiumPath);
  project.provide('postgresUrl', postgres.url);
  const template = await makePostgresTemplate(postgres.url);
  project.provide('postgresMigrated', template.name);
  project.provide('pgliteTemplate', pglite.empty);
  project.provide('pgliteMigrated', pglite.migrated);
  return async () => {
    await template.drop();
    await postgres.stop();
  };
}
