/**
 * Heads that were noted outside the database, read back from what holds them: the anchor file, log lines,
 * bodies of webhooks. What is no head is passed over, a torn line too.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { Head } from './append-events.ts';

const head = z.object({
  sequence: z.int().positive(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

/** Where a line may keep its head: as such, in a log line, in the body of a webhook. */
const places = ['audit_head', 'data'] as const;

export class AnchoredHeads {
  readonly #heads = new Map<number, string>();
  #newest = 0;

  /** Takes the head in a line, where there is one. */
  addLine(line: string): void {
    const found = headIn(line);
    if (found === undefined) return;
    const known = this.#heads.get(found.sequence);
    // Two heads of one event cannot both be right: it is then kept as one that nothing fits.
    this.#heads.set(found.sequence, known === undefined || known === found.hash ? found.hash : '');
    this.#newest = Math.max(this.#newest, found.sequence);
  }

  /** The hash that was noted for the event; empty where several were. */
  get(sequence: number): string | undefined {
    return this.#heads.get(sequence);
  }

  get count(): number {
    return this.#heads.size;
  }

  /** The greatest sequence that was noted; 0 where none was. */
  get newest(): number {
    return this.#newest;
  }

  /** How many were noted of events before this one. */
  countBefore(sequence: number): number {
    let count = 0;
    for (const noted of this.#heads.keys()) if (noted < sequence) count += 1;
    return count;
  }
}

/** @param lines of a file or a stream, of any length */
export async function readAnchors(lines: AsyncIterable<string>): Promise<AnchoredHeads> {
  const heads = new AnchoredHeads();
  for await (const line of lines) heads.addLine(line);
  return heads;
}

/** @throws what the reading of the file or the stream throws */
export async function readAnchorsFrom(source: string | Readable): Promise<AnchoredHeads> {
  const input = typeof source === 'string' ? createReadStream(source) : source;
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  try {
    // A file that cannot be read fails its stream, and that would go past whoever reads the lines.
    const failed = new Promise<never>((_resolve, reject) => input.once('error', reject));
    return await Promise.race([readAnchors(lines), failed]);
  } finally {
    lines.close();
  }
}

/** The head that a line holds. */
export function headIn(line: string): Head | undefined {
  // Collectors of logs put a time and a name before the line.
  const start = line.indexOf('{');
  if (start === -1) return undefined;
  const value = parse(line.slice(start));
  if (typeof value !== 'object' || value === null) return undefined;
  const holder = value as Readonly<Record<string, unknown>>;
  for (const candidate of [holder, ...places.map((place) => holder[place])]) {
    const parsed = head.safeParse(candidate);
    if (parsed.success) return parsed.data;
  }
  // Docker keeps the line itself as a text.
  return typeof holder['log'] === 'string' ? headIn(holder['log']) : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
