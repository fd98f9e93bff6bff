/** Everything that is checked without running the program: types, lint, format, dead code, generated files. */
import { spawnSync } from 'node:child_process';

const checks: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['types', 'tsc', '--noEmit', '-p', 'tsconfig.json'],
  ['types of the page', 'tsc', '--noEmit', '-p', 'web/tsconfig.json'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['format', 'oxfmt', '--check', 'src', 'web', 'tests', 'bench', 'scripts', 'bin'],
  ['dead code', 'knip'],
  ['generated files', 'node', 'scripts/generate.ts', '--check'],
  ['openapi.json', 'node', 'scripts/lint-openapi.ts'],
];

let failed = 0;
for (const [name, command, ...args] of checks) {
  console.log(`check: ${name}`);
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (status === 0) continue;
  console.error(`check: ${name} failed${error === undefined ? '' : `: ${error.message}`}`);
  failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
