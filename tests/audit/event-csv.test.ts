/** CSV that any reader of RFC 4180 takes apart again, and of which a spreadsheet makes no formula. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '../../src/audit/audit-event.ts';
import { csvHeader, csvRecord } from '../../src/audit/event-csv.ts';

const event: RecordedEvent = {
  sequence: 12,
  occurred_at: '2026-01-02T03:04:05.678Z',
  actor: { kind: 'admin_token', id: '7', name: 'Ann', role: 'admin', address: '10.0.0.1', user_agent: null },
  action: 'provider.key_set',
  target: { kind: 'provider', id: 'groq' },
  outcome: 'done',
  reason: null,
  request_id: null,
  before: null,
  after: { source: 'database', fingerprint: 'fp_0123456789ab' },
  previous_hash: 'a'.repeat(64),
  hash: 'b'.repeat(64),
};

/** By RFC 4180, written for this test. */
function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let cell = '';
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (isQuoted && character === '"' && text[at + 1] === '"') {
      cell += '"';
      at += 1;
    } else if (character === '"') isQuoted = !isQuoted;
    else if (!isQuoted && character === ',') {
      record.push(cell);
      cell = '';
    } else if (!isQuoted && character === '\r' && text[at + 1] === '\n') {
      records.push([...record, cell]);
      [record, cell] = [[], ''];
      at += 1;
    } else cell += character;
  }
  return records;
}

const columnOf = (name: string, text: string): string | undefined => {
  const [header = [], record = []] = parseCsv(text);
  return record[header.indexOf(name)];
};

describe('an event as CSV', () => {
  it('has a column for everything that an event says', () => {
    expect(csvHeader).toBe(
      'sequence,occurred_at,actor_kind,actor_id,actor_name,actor_role,address,user_agent,action,target_kind,target_id,outcome,reason,request_id,before,after,previous_hash,hash\r\n',
    );
    expect(csvRecord(event)).toBe(
      `12,2026-01-02T03:04:05.678Z,admin_token,7,Ann,admin,10.0.0.1,,provider.key_set,provider,groq,done,,,,"{""source"":""database"",""fingerprint"":""fp_0123456789ab""}",${'a'.repeat(64)},${'b'.repeat(64)}\r\n`,
    );
  });

  it('comes back to the letter, whatever a name or a reason holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme-ascii' }), (name, reason) => {
        const text = csvHeader + csvRecord({ ...event, actor: { ...event.actor, name }, reason });
        const guarded = (value: string): string => (/^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value);
        expect(columnOf('actor_name', text)).toBe(guarded(name));
        expect(columnOf('reason', text)).toBe(guarded(reason));
        expect(columnOf('hash', text)).toBe(event.hash);
      }),
    );
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', `=HYPERLINK("http://a.example","b")`])(
    'gives %j to a spreadsheet as a text',
    (reason) => {
      expect(columnOf('reason', csvHeader + csvRecord({ ...event, reason }))).toBe(`'${reason}`);
    },
  );
});
