/**
 * The last bytes of what passes, in a buffer of their own: a view of a chunk would hold all of the read that the chunk came
 * with, up to 64 KiB for each that is kept.
 */
export class Tail {
  readonly #most: number;
  /** A quarter longer than what is asked for, so that most small pieces are only put behind the last. Made when one comes. */
  #bytes: Buffer | undefined;
  #end = 0;

  /** @param beginning what passed before the first piece, as Latin-1 */
  constructor(most: number, beginning = '') {
    this.#most = most;
    if (beginning !== '') this.add(Buffer.from(beginning, 'latin1'));
  }

  add(chunk: Buffer): void {
    const bytes = (this.#bytes ??= Buffer.allocUnsafe(Math.ceil(this.#most * 1.25)));
    const from = Math.max(chunk.length - this.#most, 0);
    const length = chunk.length - from;
    if (this.#end + length > bytes.length) {
      const kept = this.#most - length;
      bytes.copyWithin(0, this.#end - kept, this.#end);
      this.#end = kept;
    }
    chunk.copy(bytes, this.#end, from);
    this.#end += length;
  }

  /** Each byte a character where nothing else is said. */
  text(encoding: 'latin1' | 'utf8' = 'latin1'): string {
    return this.#bytes?.toString(encoding, Math.max(this.#end - this.#most, 0), this.#end) ?? '';
  }
}
