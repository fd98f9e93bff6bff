import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isEventStream, StreamEnd } from '../../src/gateway/stream-end.ts';

/** Whether a stream that arrived in pieces of these sizes counts as complete. */
function isComplete(text: string, sizes: readonly number[] = [text.length]): boolean {
  const bytes = Buffer.from(text);
  const end = new StreamEnd();
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    end.saw(bytes.subarray(at, at + size));
    at += size;
  }
  return end.complete;
}

const event = 'data: {"choices":[{"delta":{"content":"Grüße, 世界"}}]}\n\n';

describe('a stream', () => {
  test('is complete with its closing event, wherever its pieces are cut', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 3 }),
        fc.constantFrom('\n\n', '\r\n\r\n', '\r\r', '\n', ''),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (events, lineEnds, sizes) => {
          expect(isComplete(`${event.repeat(events)}data: [DONE]${lineEnds}`, sizes)).toBe(true);
        },
      ),
    );
  });

  test('that is cut before the end of its closing event is not, wherever it is cut', () => {
    const whole = `${event}${event}data: [DONE]`;
    const bytes = Buffer.from(whole);
    fc.assert(
      fc.property(
        fc.nat({ max: bytes.length - 1 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (length, sizes) => {
          expect(isComplete(bytes.toString('latin1', 0, length), sizes)).toBe(false);
        },
      ),
    );
  });

  test.each([
    ['nothing arrived', ''],
    ['the closing event came before another one', `data: [DONE]\n\n${event}`],
    ['its text only speaks of the closing event', 'data: {"a":"data: [DONE]'],
    ['its last whole event only speaks of it', 'data: {"a":"data: [DONE]"}\n\n'],
    ['another field bears the words', ': data: [DONE]\n\n'],
  ])('is not complete when %s', (_why, text) => {
    expect(isComplete(text)).toBe(false);
  });

  test('may leave out the blank after the colon, as the format allows', () => {
    expect(isComplete(`${event}data:[DONE]\n\n`)).toBe(true);
  });
});

test.each([
  ['text/event-stream', true],
  ['text/event-stream; charset=utf-8', true],
  ['Text/Event-Stream', true],
  ['application/json', false],
  [undefined, false],
])('content-type %s: an event stream is %s', (type, expected) => {
  expect(isEventStream(type === undefined ? {} : { 'content-type': type })).toBe(expected);
});
