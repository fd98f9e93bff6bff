/** The hash of the chain: HMAC-SHA256 as RFC 2104 has it, the same by the quick way as by the plain one. */
import { createHmac, createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chainHash, ChainHasher, chainStart } from '../../src/audit/chain.ts';

const key = (bytes: Uint8Array) => createSecretKey(Buffer.from(bytes));
const hexHash = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));

describe('the hash of an event', () => {
  it('is the HMAC of the hash before, a line feed and the text', () => {
    const secret = Buffer.alloc(32, 7);
    const expected = createHmac('sha256', secret).update(`${chainStart}\n{"sequence":1}`).digest('hex');
    expect(chainHash(key(secret), chainStart, '{"sequence":1}')).toBe(expected);
  });

  it('is the same from the quick hasher, for any key and any row of events', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 150 }),
        fc.array(fc.tuple(hexHash, fc.string({ unit: 'binary', maxLength: 2_000 })), {
          minLength: 1,
          maxLength: 5,
        }),
        (bytes, events) => {
          const hasher = new ChainHasher(key(bytes));
          for (const [previous, event] of events)
            expect(hasher.hash(previous, event)).toBe(chainHash(key(bytes), previous, event));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('tells the hash before from the text: what moves across the line feed changes it', () => {
    const hasher = new ChainHasher(key(Buffer.alloc(32, 1)));
    expect(hasher.hash('ab', 'c')).not.toBe(hasher.hash('a', 'bc'));
  });
});
