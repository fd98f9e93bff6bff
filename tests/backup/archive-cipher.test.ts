/** The chunks of an archive: what was sealed comes back, and whatever was done to the chunks is noticed. */
import { createSecretKey, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  archiveKeys,
  chunkBytes,
  ChunkFault,
  openChunks,
  sealChunks,
  tagBytes,
} from '../../src/backup/archive-cipher.ts';
import { gathered, headerOf, newRing, ringOf } from '../support/archives.ts';

const key = createSecretKey(randomBytes(32));

async function sealed(...parts: Buffer[]): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of sealChunks(key, Readable.from(parts))) chunks.push(chunk);
  return chunks;
}

async function opened(chunks: readonly Buffer[], under = key): Promise<Buffer> {
  return gathered(openChunks(under, Readable.from(chunks)));
}

/** Lengths around the borders of chunks, cut into parts anywhere. */
const contents = fc
  .tuple(
    fc.constantFrom(0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 2 * chunkBytes, 3 * chunkBytes + 7),
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
    fc.integer(),
  )
  .map(([length, cuts, seed]) => {
    const whole = Buffer.alloc(length, `seed ${seed} `);
    const places = [0, ...cuts.map((cut) => Math.floor(cut * length)).toSorted((a, b) => a - b), length];
    return { whole, parts: places.slice(1).map((end, index) => whole.subarray(places[index], end)) };
  });

describe('what is sealed', () => {
  it('comes back whole, whatever its length and however it was cut, in chunks of one size', async () => {
    await fc.assert(
      fc.asyncProperty(contents, async ({ whole, parts }) => {
        const chunks = await sealed(...parts);
        expect(chunks.slice(0, -1).every(({ length }) => length === chunkBytes + tagBytes)).toBe(true);
        expect(chunks).toHaveLength(Math.max(1, Math.ceil(whole.length / chunkBytes)));
        expect((await opened(chunks)).equals(whole)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('opens under no other key', async () => {
    await expect(opened(await sealed(Buffer.from('rows')), createSecretKey(randomBytes(32)))).rejects.toThrow(
      ChunkFault,
    );
  });
});

describe('chunks that are not as they were sealed do not open', () => {
  const whole = Buffer.alloc(3 * chunkBytes + 100, 'rows ');

  it('where any bit of them is turned', async () => {
    const chunks = await sealed(whole);
    await fc.assert(
      fc.asyncProperty(fc.nat(chunks.length - 1), fc.nat(), fc.nat(7), async (which, place, bit) => {
        const turned = chunks.map((chunk) => Buffer.from(chunk));
        const chunk = turned[which] ?? Buffer.alloc(1);
        const at = place % chunk.length;
        chunk[at] = (chunk[at] ?? 0) ^ (1 << bit);
        await expect(opened(turned)).rejects.toThrow(ChunkFault);
      }),
      { numRuns: 60 },
    );
  });

  it('where they were put in any other order, doubled or left out', async () => {
    const chunks = await sealed(whole);
    const orders = fc.array(fc.nat(chunks.length - 1), { maxLength: chunks.length + 2 });
    await fc.assert(
      fc.asyncProperty(orders, async (order) => {
        fc.pre(order.join() !== chunks.map((_, index) => index).join());
        const moved = order.map((index) => chunks[index] ?? Buffer.alloc(0));
        await expect(opened(moved)).rejects.toThrow(ChunkFault);
      }),
      { numRuns: 60 },
    );
  });

  it('where the end was cut off, at a border of chunks or not', async () => {
    const [first, second, third, last] = await sealed(whole);
    if (!first || !second || !third || !last) throw new Error('not four chunks');
    for (const cut of [[first, second, third], [first], [], [first, second, third, last.subarray(0, -1)]])
      await expect(opened(cut)).rejects.toThrow(ChunkFault);
  });
});

describe('the keys of an archive', () => {
  it('are others for another salt, another head, and another key of the ring', () => {
    const ring = ringOf('old', 'new');
    const header = headerOf({ ring: ring('old'), batches: [] });
    const macs = [
      archiveKeys(ring('old'), header, 'head'),
      archiveKeys(ring('old'), header, 'another head'),
      archiveKeys(ring('old'), { ...header, salt: '11'.repeat(32) }, 'head'),
      archiveKeys(ring('new'), { ...header, encrypted_under: ring('new').activeKeyId }, 'head'),
    ];
    expect(new Set(macs.map((keys) => keys?.headMac)).size).toBe(4);
    expect(new Set(macs.map((keys) => keys?.bodyKey.export().toString('hex'))).size).toBe(4);
  });

  it('are the same from any ring that holds the key, and are not had without it', () => {
    const ring = ringOf('old', 'new');
    const header = headerOf({ ring: ring('old'), batches: [] });
    expect(archiveKeys(ring('new', 'old'), header, 'head')?.headMac).toBe(
      archiveKeys(ring('old'), header, 'head')?.headMac,
    );
    expect(archiveKeys(newRing(), header, 'head')).toBeUndefined();
  });
});
