/**
 * How the tests run: each file in a process of its own, with one PostgreSQL for all of them.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { ClosingLineReporter } from './tests/support/closing-line-reporter.ts';

// Read by the processes that the files run in: each would else compile what it depends on anew.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(
  new URL('node_modules/.cache/tests', import.meta.url),
);

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    pool: 'forks',
    // Most tests wait for processes and databases of their own; by itself vitest would leave cores idle.
    maxWorkers: 4,
    globalSetup: ['tests/support/global-setup.ts'],
    reporters: ['default', new ClosingLineReporter()],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
  },
});
