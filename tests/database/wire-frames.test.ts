/** The cutting of a byte stream into messages, wherever the network cuts it. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cStrings, frame, FrameReader } from '../../src/database/wire-frames.ts';

const message = fc.record({
  type: fc.constantFrom('Q', 'P', 'd', 'Z'),
  body: fc.uint8Array({ maxLength: 300 }),
});

function readAll(reader: FrameReader, chunks: readonly Buffer[]): { type: string; bytes: Buffer }[] {
  return chunks.flatMap((chunk) => [...reader.read(chunk, () => false)]);
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const borders = [
    0,
    ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b),
    bytes.length,
  ];
  return borders.slice(1).map((end, index) => bytes.subarray(borders[index], end));
}

describe('messages', () => {
  it('come out whole and in order, however the stream was cut', () => {
    fc.assert(
      fc.property(fc.array(message), fc.array(fc.nat()), (messages, places) => {
        const frames = messages.map(({ type, body }) => frame(type, Buffer.from(body)));
        const read = readAll(new FrameReader(), cut(Buffer.concat(frames), places));
        expect(read.map(({ bytes }) => bytes.toString('hex'))).toEqual(
          frames.map((one) => one.toString('hex')),
        );
        expect(read.map(({ type }) => type)).toEqual(messages.map(({ type }) => type));
      }),
    );
  });

  it('without a type byte, as a connection begins, come out with an empty type', () => {
    const startup = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
    let started = false;
    const read = [];
    for (const one of new FrameReader().read(
      Buffer.concat([startup, frame('Q', cStrings('SELECT 1'))]),
      () => !started,
    )) {
      read.push(one.type);
      started = true;
    }
    expect(read).toEqual(['', 'Q']);
  });

  it.each([-1, 0, 3, 0x7fffffff])('of the impossible length %d are refused', (length) => {
    const head = Buffer.alloc(5, 'Q');
    head.writeInt32BE(length, 1);
    expect(() => readAll(new FrameReader(), [head])).toThrow(RangeError);
  });

  it('are not waited for byte by byte where only the length is missing', () => {
    expect(readAll(new FrameReader(), [Buffer.from('Q'), Buffer.from([0, 0])])).toEqual([]);
  });
});

describe('a built message', () => {
  it('has its type, its length with itself, and its body', () => {
    expect(frame('Z', Buffer.from('I'))).toEqual(Buffer.from([0x5a, 0, 0, 0, 5, 0x49]));
    expect(cStrings('a', '', 'é')).toEqual(Buffer.from([0x61, 0, 0, 0xc3, 0xa9, 0]));
  });
});
