/** The export holds every event to the letter, and needs no more memory for a long trail than for a short one. */
import { describe, expect, it } from 'vitest';
import { exportText, type ExportFormat } from '../../src/audit/export-events.ts';
import { streamAuditEvents, type StoredEvent } from '../../src/audit/read-events.ts';
import { auditTrailOn, recordMany } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';

async function textOf(events: AsyncIterable<StoredEvent>, format: ExportFormat): Promise<string> {
  let text = '';
  for await (const piece of exportText(events, format)) text += piece;
  return text;
}

describeOnUsualDatabases('the export', (opened) => {
  it('as JSON lines holds each event to the letter, with its hashes at the end', async () => {
    await recordMany(auditTrailOn(opened().database), 3);
    const text = await textOf(streamAuditEvents(opened().database.kysely), 'jsonl');
    const lines = text.split('\n');
    expect(lines.pop()).toBe('');
    const rows = await opened()
      .database.kysely.selectFrom('keyward_audit_events')
      .selectAll()
      .orderBy('sequence')
      .execute();
    expect(lines).toHaveLength(3);
    for (const [index, line] of lines.entries()) {
      const row = rows[index];
      expect(line.startsWith(`${row?.event.slice(0, -1)},`)).toBe(true);
      expect(JSON.parse(line)).toMatchObject({
        sequence: index + 1,
        previous_hash: row?.previous_hash,
        hash: row?.hash,
      });
    }
  });

  it('of no events is an empty text, or the header alone', async () => {
    expect(await textOf(streamAuditEvents(opened().database.kysely), 'jsonl')).toBe('');
    expect(await textOf(streamAuditEvents(opened().database.kysely), 'csv')).toMatch(/^sequence,[^\n]*\r\n$/);
  });
});

describe('the export of a long trail', () => {
  it('comes in pieces as it is read, never more than one ahead', async () => {
    let read = 0;
    async function* events(): AsyncGenerator<StoredEvent, void, void> {
      for (let sequence = 1; sequence <= 100_000; sequence += 1) {
        read = sequence;
        yield {
          sequence,
          event: `{"sequence":${sequence},"reason":"${'x'.repeat(500)}"}`,
          previousHash: 'a',
          hash: 'b',
        };
      }
    }
    let written = 0;
    for await (const piece of exportText(events(), 'jsonl')) {
      expect(piece.length).toBeLessThan(128 * 1024);
      written += piece.split('\n').length - 1;
      expect(read - written).toBeLessThan(2);
    }
    expect(written).toBe(100_000);
  });
});
