/**
 * Empty embedded databases for tests, copied from one template: making one anew takes seconds, a copy
 * half of one.
 */
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';

/**
 * Makes a PGlite data directory; who asks for it removes it.
 * @param directory where; a new temporary directory when not said
 */
export async function freshPgliteDirectory(directory?: string): Promise<string> {
  const target = directory ?? (await mkdtemp(join(tmpdir(), 'keyward-test-pglite-')));
  await cp(inject('pgliteTemplate'), target, { recursive: true });
  return target;
}
