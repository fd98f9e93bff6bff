/**
 * Builds the program into dist/program, from where bin/keyward.js starts it: with what it depends on in a few files, of
 * which Node reads what a command needs in a third of the time. Runs after an install; with --if-stale only where the
 * source has changed since the last build.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundleStamp, sourceStamp } from '../bin/source-stamp.js';

const root = new URL('..', import.meta.url);
const built = fileURLToPath(new URL('dist/program/', root));
const stamp = `${built}built-from`;
const source = sourceStamp(root);

const isFresh = existsSync(stamp) && readFileSync(stamp, 'utf8') === stampOf(built);
if (!(process.argv.includes('--if-stale') && isFresh)) await build();

async function build(): Promise<void> {
  const bundler = await import('rolldown').catch(() => undefined);
  if (bundler === undefined) {
    // An install without development dependencies: then the source is what runs.
    console.log('The program is not bundled: that needs the development dependencies.');
    return;
  }
  // Beside it and then in its place, so that a command that starts meanwhile finds one of the two whole.
  const fresh = built.replace(/\/$/, `-${process.pid}/`);
  const bundle = await bundler.rolldown({
    // The engine of the embedded database runs in a thread, which has a file of its own.
    input: {
      main: fileURLToPath(new URL('src/main.ts', root)),
      'engine-thread-main': fileURLToPath(new URL('src/database/engine-thread-main.ts', root)),
    },
    platform: 'node',
    // The engine finds its own files beside it; the other one is optional to pg, and nobody's here.
    external: [/^@electric-sql\//, 'pg-native'],
    logLevel: 'warn',
  });
  await bundle.write({ dir: fresh, format: 'esm' });
  await bundle.close();
  writeFileSync(`${fresh}built-from`, stampOf(fresh));
  rmSync(built, { recursive: true, force: true });
  renameSync(fresh, built);
}

function stampOf(directory: string): string {
  return `${source}\n${bundleStamp(pathToFileURL(directory))}`;
}
