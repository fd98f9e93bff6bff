/** Heads are found in whatever kept them, and nothing else is taken for one. */
import { describe, expect, it } from 'vitest';
import { AnchoredHeads, headIn, readAnchors } from '../../src/audit/read-anchors.ts';

const hash = 'ab'.repeat(32);
const head = { sequence: 12, hash, at: '2026-01-01T00:00:00.000Z' };
const logLine = JSON.stringify({
  level: 30,
  time: '2026-01-01T00:00:00.000Z',
  audit_head: head,
  msg: 'the head',
});

describe('a head', () => {
  it.each([
    ['a line of the anchor file', JSON.stringify(head)],
    ['a line of the log', logLine],
    ['the body of a webhook', JSON.stringify({ type: 'audit.head', timestamp: head.at, data: head })],
    ['a log line behind a time and a name', `Jan 01 00:00:00 host keyward[17]: ${logLine}`],
    [
      'a log line as Docker keeps it',
      JSON.stringify({ log: `${logLine}\n`, stream: 'stderr', time: head.at }),
    ],
    ['JSON of another program, with blanks and another order', `{ "hash": "${hash}", "sequence": 12 }`],
  ])('is found in %s', (_, line) => {
    expect(headIn(line)).toEqual({ sequence: 12, hash });
  });

  it.each([
    ['a torn line', JSON.stringify(head).slice(0, -20)],
    ['no line at all', ''],
    ['another line of the log', JSON.stringify({ level: 30, msg: 'listening' })],
    ['a line that quotes one', JSON.stringify({ level: 30, user_agent: JSON.stringify(head) })],
    ['a hash of another length', JSON.stringify({ ...head, hash: 'abcd' })],
    ['a sequence that is none', JSON.stringify({ ...head, sequence: '12' })],
    ['a sequence before the first', JSON.stringify({ ...head, sequence: 0 })],
    ['a number', '{12}'],
    ['null', 'null'],
  ])('is not found in %s', (_, line) => {
    expect(headIn(line)).toBeUndefined();
  });
});

describe('noted heads', () => {
  async function* lines(...texts: string[]): AsyncGenerator<string, void, void> {
    yield* texts;
  }

  it('are read from all lines, in any order and any number of times', async () => {
    const heads = await readAnchors(
      lines(
        JSON.stringify({ sequence: 9, hash }),
        'noise',
        logLine,
        logLine,
        JSON.stringify({ sequence: 3, hash }),
        JSON.stringify(head).slice(0, 10),
      ),
    );
    expect({ count: heads.count, newest: heads.newest, before9: heads.countBefore(9) }).toEqual({
      count: 3,
      newest: 12,
      before9: 1,
    });
    expect([heads.get(3), heads.get(4)]).toEqual([hash, undefined]);
  });

  it('that contradict each other fit nothing', () => {
    const heads = new AnchoredHeads();
    heads.addLine(JSON.stringify({ sequence: 3, hash }));
    heads.addLine(JSON.stringify({ sequence: 3, hash: 'cd'.repeat(32) }));
    heads.addLine(JSON.stringify({ sequence: 3, hash }));
    expect(heads.get(3)).toBe('');
  });
});
