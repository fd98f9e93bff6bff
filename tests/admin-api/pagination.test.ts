/** Cursors: what was put in comes out, and whatever else is sent is refused and never a fault of the server. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { decodeCursor, encodeCursor, pageFieldsOf } from '../../src/admin-api/pagination.ts';

const shape = z.tuple([z.string(), z.int()]);

it('come back as they were given', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer(), (text, id) => {
      const place = [text.toWellFormed(), id] as const;
      expect(decodeCursor(encodeCursor(place), shape)).toEqual(place);
    }),
  );
});

it('that were not given here are refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.base64String(), fc.json()), (cursor) => {
      expect(() => decodeCursor(cursor, z.tuple([z.literal('place'), z.int()]))).toThrow(
        expect.objectContaining({ code: 'cursor_invalid', status: 400 }) as Error,
      );
    }),
  );
});

it('are needed by no first page and given by no last one', () => {
  expect(decodeCursor(undefined, shape)).toBeNull();
  expect(pageFieldsOf(null)).toEqual({ has_more: false, next_cursor: null });
  expect(pageFieldsOf(['a', 1])).toEqual({ has_more: true, next_cursor: 'WyJhIiwxXQ' });
});
