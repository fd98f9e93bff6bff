/** Runs vitest itself on small suites, each broken in its own way, and reads how its output ends. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const reporter = fileURLToPath(new URL('closing-line-reporter.ts', import.meta.url));
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const cache = fileURLToPath(new URL('../../node_modules/.cache/keyward', import.meta.url));
const passing = "import { afterAll, test } from 'vitest'; test('a', () => {});";
const failing = "test('b', () => { throw new Error('no'); });";

/** @returns the last line of the output and whether the run counts as a success */
function run(files: Record<string, string>, options = ''): { lastLine: string | undefined; green: boolean } {
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'closing-line-'));
  try {
    const config = `
      import { ClosingLineReporter } from ${JSON.stringify(reporter)};
      export default { test: { reporters: ['default', new ClosingLineReporter()], ${options} } };`;
    for (const [name, source] of Object.entries({ 'vitest.config.mjs': config, ...files })) {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), source);
    }
    const { stdout, status } = spawnSync(process.execPath, [vitest, 'run', '--root', directory], {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    });
    return { lastLine: stdout.trimEnd().split('\n').at(-1), green: status === 0 };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('the closing line', () => {
  test('counts what passed and was skipped, and the run is green', () => {
    const source = `${passing} test.skip('b', () => {}); test.todo('c');`;
    expect(run({ 'a.test.js': source })).toEqual({ lastLine: '1 passed, 0 failed, 2 skipped', green: true });
  });

  test.each([
    ['a failed test', "test('c', () => { throw new Error('no'); });", '1 passed, 2 failed'],
    ['a failed hook', "afterAll(() => { throw new Error('no'); });", '1 passed, 2 failed'],
    ['a stray rejection', "test('c', () => { Promise.reject(new Error('no')); });", '2 passed, 2 failed'],
  ])('counts %s beside another failure', (_, source, lastLine) => {
    expect(run({ 'a.test.js': `${passing} ${failing} ${source}` })).toEqual({ lastLine, green: false });
  });

  test('counts a file that does not load beside another failure', () => {
    const files = { 'a.test.js': `${passing} ${failing}`, 'b.test.js': "import './missing.js';" };
    expect(run(files)).toEqual({ lastLine: '1 passed, 2 failed', green: false });
  });

  test('counts a global setup that fails as a failure', () => {
    const files = {
      'a.test.js': passing,
      'setup.js': "export const setup = () => { throw new Error('no'); };",
    };
    expect(run(files, "globalSetup: './setup.js'")).toEqual({ lastLine: '0 passed, 1 failed', green: false });
  });

  test('is not green without tests, even where vitest lets that pass', () => {
    expect(run({}, 'passWithNoTests: true')).toEqual({ lastLine: '0 passed, 1 failed', green: false });
  });
});
