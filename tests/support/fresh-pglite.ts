/**
 * Embedded databases for tests, copied from templates: making one anew takes seconds, a copy half of one.
 */
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';

/**
 * Makes an empty PGlite data directory; who asks for it removes it.
 * @param directory where; a new temporary directory when not said
 */
export async function freshPgliteDirectory(directory?: string): Promise<string> {
  return copyOf(inject('pgliteTemplate'), directory);
}

/** The same, with all migrations applied and nothing else in it. */
export async function migratedPgliteDirectory(directory?: string): Promise<string> {
  return copyOf(inject('pgliteMigrated'), directory);
}

async function copyOf(template: string, directory?: string): Promise<string> {
  const target = directory ?? (await mkdtemp(join(tmpdir(), 'keyward-test-pglite-')));
  await cp(template, target, { recursive: true });
  return target;
}
