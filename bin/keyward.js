#!/usr/bin/env node
/**
 * Starts the command line on a Node that can run it: this one where it is new enough, else the one that
 * `npm ci` put beside the dependencies. Plain JavaScript, so that an old Node can read it too.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import * as module from 'node:module';
import { fileURLToPath } from 'node:url';
import { bundleStamp, sourceStamp } from './source-stamp.js';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 19)) {
  // In the environment too, for the thread of the embedded engine.
  endWithLauncher();
  process.env.NODE_COMPILE_CACHE ??= fileURLToPath(
    new URL('../node_modules/.cache/keyward', import.meta.url),
  );
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  await import(program());
} else {
  runWithProjectNode(fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url)));
}

/** The bundle, which starts in a third of the time, where it is whole and of the source that is here; else the source. */
function program() {
  const root = new URL('..', import.meta.url);
  const source = new URL('src/main.ts', root);
  const directory = new URL('dist/program/', root);
  const bundle = new URL('main.js', directory);
  if (!existsSync(source)) return bundle;
  const stamp = new URL('built-from', directory);
  if (!existsSync(stamp)) return source;
  const isOfSource = readFileSync(stamp, 'utf8') === `${sourceStamp(root)}\n${bundleStamp(directory)}`;
  return isOfSource ? bundle : source;
}

/** A launcher that is killed can pass on nothing: without this the server would go on with nobody to end it. */
function endWithLauncher() {
  if (process.env.KEYWARD_LAUNCHED === undefined || process.channel === undefined) return;
  delete process.env.KEYWARD_LAUNCHED;
  process.channel.unref();
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}

function runWithProjectNode(node) {
  if (!existsSync(node)) {
    process.stderr.write(
      `Keyward needs Node 22.19 or newer; this is ${process.versions.node}. Run "npm ci" first: it brings one.\n`,
    );
    process.exit(1);
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, KEYWARD_LAUNCHED: 'yes' },
  });
  // A terminal sends Ctrl-C to both; the child decides when it is over.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
}
