/**
 * What the source looks like from outside: name, size and time of each of its files. The bundle holds the stamp of what
 * it was made of, so that a source that was changed since is never mistaken for it. Plain JavaScript, as an old Node
 * reads it.
 */
import { readdirSync, statSync } from 'node:fs';

/** @param {URL} root of the project, with a slash at its end */
export function sourceStamp(root) {
  const lines = [];
  const look = (directory) => {
    for (const entry of readdirSync(new URL(directory, root), { withFileTypes: true })) {
      const path = directory + entry.name;
      if (entry.isDirectory()) look(`${path}/`);
      else lines.push(lineOf(path, statSync(new URL(path, root))));
    }
  };
  look('src/');
  lines.push(lineOf('package-lock.json', statSync(new URL('package-lock.json', root))));
  return lines.toSorted().join('\n');
}

/** Whole seconds: what copies a directory keeps no finer ones. */
function lineOf(path, { size, mtimeMs }) {
  return `${path} ${size} ${Math.floor(mtimeMs / 1000)}`;
}

/** Name and size of each file of the bundle: one that a full disk has cut is none. @param {URL} directory of it */
export function bundleStamp(directory) {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.js'))
    .map((name) => `${name} ${statSync(new URL(name, directory)).size}`)
    .toSorted()
    .join('\n');
}
