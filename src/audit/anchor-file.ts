/**
 * The file that heads are appended to: one JSON line each, whole or not at all for whoever reads it, from any
 * number of processes. Nothing in it is ever changed.
 */
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from '../foundation/errors.ts';
import type { Anchor, AnchoredHead } from './anchor.ts';
import type { Head } from './append-events.ts';
import { headIn } from './read-anchors.ts';

const lineFeed = 10;
/** Many lines; the last whole one is among them. */
const tailBytes = 8 * 1024;

export function fileAnchor(path: string): Anchor {
  return { note: async (head) => appendHead(path, head), last: async () => readLastHead(path) };
}

async function appendHead(path: string, head: AnchoredHead): Promise<void> {
  await makeDirectory(dirname(path));
  const file = await open(path, 'a+', 0o600);
  try {
    // A write that a full disk cut short must not swallow this line too.
    const separator = (await endsInTheMiddle(file)) ? '\n' : '';
    const line = Buffer.from(`${separator}${JSON.stringify(head)}\n`);
    // One write, so that lines of several processes do not mix.
    const { bytesWritten } = await file.write(line);
    if (bytesWritten !== line.length) throw new Error(`only a part of a line could be written to ${path}`);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** The head in the last whole line; undefined where there is none. */
async function readLastHead(path: string): Promise<Head | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - tailBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(tailBytes), 0, tailBytes, start);
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
    return lines.map(headIn).findLast((head) => head !== undefined);
  } finally {
    await file.close();
  }
}

/** One level: a longer path that is not there is a mistake to point out. */
async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
}

async function endsInTheMiddle(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return false;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== lineFeed;
}
