/**
 * How events hang together: each hash covers the event to the letter and the hash before it, under the
 * audit key. Changing, removing, adding or moving one breaks the chain at that place.
 */
import { createHmac, hash, type KeyObject } from 'node:crypto';

/** In hex digits. */
export const hashLength = 64;

/** What the first event has in the place of a hash before it. */
export const chainStart = '0'.repeat(hashLength);

/** HMAC-SHA256 (RFC 2104) in hex over the previous hash, a line feed and the event's text. */
export function chainHash(key: KeyObject, previousHash: string, event: string): string {
  return createHmac('sha256', key).update(previousHash).update('\n').update(event).digest('hex');
}

const blockBytes = 64;
const digestBytes = 32;
const lineFeed = 10;
/** The most that one UTF-16 unit takes in UTF-8. */
const bytesPerUnit = 3;

/**
 * The same hash for many events in a row, at less than half the cost: the two hashes of RFC 2104 in one call
 * each, in memory that is used again.
 */
export class ChainHasher {
  readonly #outer = Buffer.alloc(blockBytes + digestBytes);
  readonly #innerPad = Buffer.alloc(blockBytes);
  #inner = Buffer.alloc(0);

  constructor(key: KeyObject) {
    const exported = key.export();
    const bytes = exported.length > blockBytes ? hash('sha256', exported, 'buffer') : exported;
    bytes.copy(this.#innerPad);
    bytes.copy(this.#outer);
    for (let at = 0; at < blockBytes; at += 1) {
      this.#innerPad[at] = (this.#innerPad[at] ?? 0) ^ 0x36;
      this.#outer[at] = (this.#outer[at] ?? 0) ^ 0x5c;
    }
  }

  /** As chainHash. */
  hash(previousHash: string, event: string): string {
    const most = blockBytes + (previousHash.length + event.length) * bytesPerUnit + 1;
    if (this.#inner.length < most) this.#inner = Buffer.alloc(most * 2);
    let end = blockBytes;
    end += this.#inner.write(previousHash, end);
    this.#inner[end] = lineFeed;
    end += 1;
    end += this.#inner.write(event, end);
    return this.hashWithin(this.#inner, blockBytes, end);
  }

  /**
   * As chainHash, of the previous hash, line feed and event that stand in these bytes already.
   * @param start at least 64, since the 64 bytes before it are overwritten
   */
  hashWithin(bytes: Buffer, start: number, end: number): string {
    const from = start - blockBytes;
    bytes.set(this.#innerPad, from);
    // Bytes as text: a buffer for each digest would cost as much as the digest.
    this.#outer.write(hash('sha256', bytes.subarray(from, end), 'binary'), blockBytes, 'binary');
    return hash('sha256', this.#outer, 'hex');
  }
}
