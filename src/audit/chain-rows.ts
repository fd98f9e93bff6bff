/**
 * The rows of the chain in PostgreSQL's binary COPY format, proven where they lie: no row is taken for whole
 * unless each of its bytes is what Keyward wrote.
 */
import { hashLength, type ChainHasher } from './chain.ts';

/** 11 bytes of signature, 4 of flags; then the length of what else is in it. */
const headerLengthAt = 15;
const headerLength = 19;
const endOfRows = -1;
const columns = 4;
/** Before each column, and the number of the columns before them all. */
const lengthBytes = 4;
const countBytes = 2;
const sequenceBytes = 8;
const sequenceAt = countBytes + lengthBytes;
const hashAt = sequenceAt + sequenceBytes + lengthBytes;
const previousHashAt = hashAt + hashLength + lengthBytes;
const eventAt = previousHashAt + hashLength + lengthBytes;
const lineFeed = 10;

export class ChainRows {
  readonly #bytes: Buffer;
  #at: number;

  /** @param bytes the answer to a COPY of sequence, hash, previous_hash and event; written over by `prove` */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#at = headerLength + bytes.readInt32BE(headerLengthAt);
  }

  get isAtEnd(): boolean {
    return this.#bytes.readInt16BE(this.#at) === endOfRows;
  }

  /**
   * Proves the next row, and goes on to the one after it. That the text names this number needs no look: only
   * the event that Keyward wrote behind the hash before gives this hash.
   * @returns its hash; undefined when it is not event `sequence` as it was written
   */
  prove(hasher: ChainHasher, sequence: number, previousHash: string): string | undefined {
    const bytes = this.#bytes;
    const row = this.#at;
    if (!this.#isFormed(row) || this.#sequenceOf(row) !== sequence) return undefined;
    const event = row + eventAt;
    const end = event + bytes.readInt32BE(event - lengthBytes);
    const hash = bytes.toString('latin1', row + hashAt, row + hashAt + hashLength);
    const previous = row + previousHashAt;
    if (bytes.toString('latin1', previous, previous + hashLength) !== previousHash) return undefined;
    // The hash before, a line feed and the event are what is hashed: they are moved together.
    const start = event - 1 - hashLength;
    bytes.copyWithin(start, previous, previous + hashLength);
    bytes[event - 1] = lineFeed;
    if (hasher.hashWithin(bytes, start, end) !== hash) return undefined;
    this.#at = end;
    return hash;
  }

  /** Numbers that a double does not hold come out as others, and are none that is looked for. */
  #sequenceOf(row: number): number {
    const bytes = this.#bytes;
    return bytes.readInt32BE(row + sequenceAt) * 2 ** 32 + bytes.readUInt32BE(row + sequenceAt + 4);
  }

  /** Hashes of another length would put everything after them elsewhere, and so would NULL. */
  #isFormed(row: number): boolean {
    const bytes = this.#bytes;
    return (
      bytes.readInt16BE(row) === columns &&
      bytes.readInt32BE(row + countBytes) === sequenceBytes &&
      bytes.readInt32BE(row + hashAt - lengthBytes) === hashLength &&
      bytes.readInt32BE(row + previousHashAt - lengthBytes) === hashLength &&
      bytes.readInt32BE(row + eventAt - lengthBytes) > 0
    );
  }
}
