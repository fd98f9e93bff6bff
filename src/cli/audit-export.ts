/** `keyward audit export`: the trail as JSON lines or CSV, in constant memory whatever its length. */
import { existsSync } from 'node:fs';
import { link, open, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { exportText, type ExportFormat } from '../audit/export-events.ts';
import { streamAuditEvents, type AuditFilters, type StoredEvent } from '../audit/read-events.ts';
import { codeOf, messageOf, UsageError } from '../foundation/errors.ts';
import { counted, remark } from './terminal.ts';
import { withInstallation } from './with-installation.ts';

export async function exportEvents({
  format,
  output,
  ...filters
}: AuditFilters & { format: ExportFormat; output?: string }): Promise<void> {
  await withInstallation(async ({ database }) => {
    const events = new CountedEvents(streamAuditEvents(database.kysely, filters));
    const text = Readable.from(exportText(events, format));
    if (output === undefined) await toStandardOutput(text);
    else await toFile(text, output);
    remark(
      `Exported ${counted(events.count, 'event')}${output === undefined ? '' : ` to ${output} (mode 0600)`}.`,
    );
  });
}

class CountedEvents implements AsyncIterable<StoredEvent> {
  readonly #events: AsyncIterable<StoredEvent>;
  count = 0;

  constructor(events: AsyncIterable<StoredEvent>) {
    this.#events = events;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StoredEvent, void, void> {
    for await (const event of this.#events) {
      this.count += 1;
      yield event;
    }
  }
}

async function toStandardOutput(text: Readable): Promise<void> {
  try {
    await pipeline(text, process.stdout, { end: false });
  } catch (error) {
    // Whoever read has left (`keyward audit export | head`).
    if (codeOf(error) !== 'EPIPE') throw error;
  }
}

/** The file appears under its name when it is whole, so that none that was broken off passes for an export. */
async function toFile(text: Readable, path: string): Promise<void> {
  const draft = `${path}.unfinished`;
  for (const taken of [path, draft]) {
    if (existsSync(taken))
      throw new UsageError(`${taken} is there already. Nothing was exported.`, { exitCode: 2 });
  }
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await pipeline(text, file.createWriteStream({ flush: true }));
      // Unlike a rename it never replaces a file that is there.
      await link(draft, path);
    } finally {
      await rm(draft, { force: true });
    }
  } catch (error) {
    throw new UsageError(`The export to ${path} failed: ${messageOf(error)}. Nothing is left of it.`, {
      cause: error,
    });
  }
}
