/** The trail as text for other programs, a piece at a time: JSON lines or CSV. */
import { csvHeader, csvRecord } from './event-csv.ts';
import { readEvent, type StoredEvent } from './read-events.ts';

export type ExportFormat = 'jsonl' | 'csv';

/** Pieces are written one by one; small ones cost more than they carry. */
const pieceLength = 64 * 1024;

/** @returns the export in pieces of some ten kilobytes, which together are the whole text */
export async function* exportText(
  events: AsyncIterable<StoredEvent>,
  format: ExportFormat,
): AsyncGenerator<string, void, void> {
  const line = format === 'csv' ? (event: StoredEvent) => csvRecord(readEvent(event)) : jsonLine;
  let piece = format === 'csv' ? csvHeader : '';
  for await (const event of events) {
    piece += line(event);
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

/** The event's text to the letter, as it was hashed, with its two hashes added at the end. */
function jsonLine({ event, previousHash, hash }: StoredEvent): string {
  return `${event.slice(0, -1)},"previous_hash":"${previousHash}","hash":"${hash}"}\n`;
}
