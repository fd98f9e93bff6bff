/** The directory that holds package.json, migrations and the built page, whether the source runs or the bundle of it. */
import { existsSync } from 'node:fs';

/** With a slash at its end. */
export const projectRoot: URL = nearestManifest(new URL('.', import.meta.url));

function nearestManifest(directory: URL): URL {
  if (existsSync(new URL('package.json', directory))) return directory;
  const above = new URL('..', directory);
  if (above.href === directory.href) throw new Error(`no package.json stands above ${import.meta.url}`);
  return nearestManifest(above);
}
