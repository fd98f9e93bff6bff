/**
 * Makes `N passed, N failed` the last line that a test run prints, and never lets a run look green that
 * is not: a file that does not load, a failed hook, a stray error and a run without tests count as failures.
 */
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

export class ClosingLineReporter implements Reporter {
  #count: Count = { passed: 0, failed: 0, skipped: 0 };

  onInit(): void {
    // At exit, since the other reporters and the global teardown print after the last test.
    process.once('exit', (exitCode) => {
      const count = this.#count;
      const green = exitCode === 0 && count.passed > 0;
      if (!green && count.failed === 0) count.failed = 1;
      if (count.failed > 0 && exitCode === 0) process.exitCode = 1;
      process.stdout.write(`${closingLine(count)}\n`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    this.#count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) add(this.#count, module);
  }
}

function closingLine({ passed, failed, skipped }: Count): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

function add(count: Count, module: TestModule): void {
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    if (state === 'passed') count.passed += 1;
    else if (state === 'skipped') count.skipped += 1;
    else count.failed += 1;
  }
  // Errors outside tests: a file that does not load, a hook that throws.
  for (const suite of [module, ...module.children.allSuites()]) count.failed += suite.errors().length;
}
