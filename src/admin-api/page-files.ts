/**
 * The page as it was built: its shell, which every address of the page gives, and where its other files lie.
 * The shell allows no script but those files; a style needs the nonce of its answer.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../foundation/project-root.ts';
import { shellPolicy } from './security-headers.ts';

/** What the build writes where a nonce belongs; see web/vite.config.ts. */
const noncePlace = 'keyward-nonce-of-this-answer';

export const pageDirectory = fileURLToPath(new URL('dist/web/', projectRoot));

export interface Shell {
  readonly html: string;
  readonly contentSecurityPolicy: string;
}

/** Reads the file each time: one that a build has replaced names scripts that are there no more. */
export function readShell(directory: string): Shell {
  const nonce = randomBytes(18).toString('base64');
  return {
    html: readTemplate(directory).replaceAll(noncePlace, nonce),
    contentSecurityPolicy: shellPolicy(nonce),
  };
}

function readTemplate(directory: string): string {
  try {
    return readFileSync(`${directory}index.html`, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return notBuilt;
    throw error;
  }
}

const notBuilt = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Keyward</title></head>
<body><h1>The page is not built</h1>
<p>Run <code>npm run build:page</code> where Keyward is installed, and start it again. All else works without it: <a href="/api/docs">the admin API</a>, the command line and the gateway.</p>
</body></html>
`;
