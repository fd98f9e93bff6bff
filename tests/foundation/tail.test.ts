/** The last bytes of what passed, whatever the pieces were. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Tail } from '../../src/foundation/tail.ts';

test('it is the end of all that was added, however it was cut', () => {
  const pieces = fc.array(fc.string({ maxLength: 30, unit: 'binary-ascii' }), { maxLength: 40 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.constantFrom('', '\n\n'),
      pieces,
      (most, beginning, all) => {
        fc.pre(beginning.length <= most);
        const tail = new Tail(most, beginning);
        for (const piece of all) tail.add(Buffer.from(piece));
        expect(tail.text()).toBe((beginning + all.join('')).slice(-most));
      },
    ),
  );
});

test('it holds nothing of the pieces: who changes them later changes nothing here', () => {
  const piece = Buffer.from('abcdef');
  const tail = new Tail(4);
  tail.add(piece);
  piece.fill('x');
  expect(tail.text('utf8')).toBe('cdef');
});
