/**
 * How the tests run: each file in a process of its own, with one PostgreSQL for all of them.
 */
import { defineConfig } from 'vitest/config';
import { ClosingLineReporter } from './tests/support/closing-line-reporter.ts';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    pool: 'forks',
    // Most tests wait for processes and databases of their own; by itself vitest would leave cores idle.
    maxWorkers: 3,
    globalSetup: ['tests/support/global-setup.ts'],
    reporters: ['default', new ClosingLineReporter()],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
  },
});
