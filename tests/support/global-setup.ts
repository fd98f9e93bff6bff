/**
 * What a test run starts once, before its first test file: a real PostgreSQL, unless
 * KEYWARD_TEST_POSTGRES_URL names one, and the template of the embedded databases.
 */
import type { TestProject } from 'vitest/node';
import { preparePgliteTemplate } from './pglite-template.ts';
import { startRealPostgres } from './start-real-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's URL of a PostgreSQL that tests may make databases in. */
    postgresUrl: string;
    /** A PGlite data directory to copy. */
    pgliteTemplate: string;
  }
}

/** @returns what ends it after the last test file */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const named = process.env['KEYWARD_TEST_POSTGRES_URL'];
  const [postgres, pgliteTemplate] = await Promise.all([
    named === undefined ? startRealPostgres() : { url: named, stop: async () => {} },
    preparePgliteTemplate(),
  ]);
  project.provide('postgresUrl', postgres.url);
  project.provide('pgliteTemplate', pgliteTemplate);
  return postgres.stop;
}
