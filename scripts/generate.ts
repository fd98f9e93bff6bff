/** Writes the generated documents; with --check only compares, and fails when one is stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import { generatedDocuments } from './generated-docs.ts';

const checkOnly = process.argv.includes('--check');
let stale = 0;
for await (const { path, text } of generatedDocuments()) {
  if (readOr(path, '') === text) continue;
  if (checkOnly) {
    console.error(`${path} is stale: run "npm run generate" and commit it.`);
    stale += 1;
  } else {
    writeFileSync(path, text);
    console.log(`Wrote ${path}`);
  }
}
process.exitCode = stale === 0 ? 0 : 1;

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return fallback;
  }
}
