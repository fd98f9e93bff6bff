/**
 * Builds the page into dist/web, with a compressed copy beside each file. Runs after an install; with
 * --if-stale only where something has changed since the last build.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const built = `${root}dist/web/`;
const stamp = `${built}built-from`;

const sources = createHash('sha256');
for (const path of globSync(['web/**/*.*', 'package-lock.json'], { cwd: root }).toSorted())
  sources.update(path).update(readFileSync(root + path));
const digest = sources.digest('hex');

const isFresh = existsSync(stamp) && readFileSync(stamp, 'utf8') === digest;
if (!(process.argv.includes('--if-stale') && isFresh)) await build();

async function build(): Promise<void> {
  const vite = await import('vite').catch(() => undefined);
  if (vite === undefined) {
    // An install without development dependencies: whoever packs the program has built the page before.
    console.log('The page is not built: that needs the development dependencies.');
    return;
  }
  // Whoever builds it, in a test too, gets the page that people get.
  process.env['NODE_ENV'] = 'production';
  await vite.build({ configFile: `${root}web/vite.config.ts`, logLevel: 'warn' });
  for (const path of globSync('assets/*.{js,css}', { cwd: built })) {
    const text = readFileSync(built + path);
    writeFileSync(`${built}${path}.br`, brotliCompressSync(text));
    writeFileSync(`${built}${path}.gz`, gzipSync(text));
  }
  writeFileSync(stamp, digest);
}
