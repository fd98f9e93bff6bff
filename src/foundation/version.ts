/** The version of Keyward, as package.json says it. */
import { readFileSync } from 'node:fs';
import { projectRoot } from './project-root.ts';

const manifest = JSON.parse(readFileSync(new URL('package.json', projectRoot), 'utf8')) as {
  version: string;
};

export const version: string = manifest.version;
