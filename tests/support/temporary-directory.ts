/** A directory for one test file, gone after its last test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

/** @returns its path, once the tests run */
export function useTemporaryDirectory(): () => string {
  let path = '';
  beforeAll(async () => {
    path = await mkdtemp(join(tmpdir(), 'keyward-test-'));
  });
  afterAll(async () => rm(path, { recursive: true, force: true }));
  return () => path;
}
