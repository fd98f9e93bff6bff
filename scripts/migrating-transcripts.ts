/**
 * `npm run generate:transcripts`: runs the commands that docs/migrating.md shows, against a throwaway
 * PostgreSQL, and puts what they say there. With --check only compares, and fails when one is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { startRealPostgres } from '../tests/support/start-real-postgres.ts';
import { fillMarked } from './marked-blocks.ts';
import { scenes } from './migrating-scenes.ts';
import { Stage } from './migrating-stage.ts';

const path = new URL('../docs/migrating.md', import.meta.url);

const postgres = await startRealPostgres();
const stage = new Stage(postgres.url);
try {
  for (const scene of scenes) {
    console.log(`Playing ${scene.name}`);
    await scene(stage);
  }
} finally {
  stage.remove();
  await postgres.stop();
}

const document = readFileSync(path, 'utf8');
const filled = fillMarked(document, stage.transcripts);
if (filled === document) {
  console.log('docs/migrating.md shows what the commands say');
} else if (process.argv.includes('--check')) {
  console.error('docs/migrating.md is stale: run "npm run generate:transcripts" and commit it.');
  process.exitCode = 1;
} else {
  writeFileSync(path, filled);
  console.log('Wrote docs/migrating.md');
}
