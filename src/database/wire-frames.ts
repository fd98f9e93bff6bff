/**
 * Cuts a byte stream of the PostgreSQL frontend/backend protocol into messages. Knows lengths and
 * type bytes only, never what a message says.
 * Source: PostgreSQL documentation, "Frontend/Backend Protocol", message formats.
 */

/** One message: its type byte as a character, and all of its bytes including type and length. */
export interface Frame {
  readonly type: string;
  readonly bytes: Buffer;
}

/** Longer than any statement a person sends; a longer one is taken for garbage. */
const maxFrameBytes = 64 * 1024 * 1024;

/** Collects chunks and yields the whole messages among them. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  /**
   * @param untyped true while the connection is starting: start-up messages carry no type byte and
   *   are yielded with type ''
   * @throws RangeError when a length is impossible
   */
  *read(chunk: Buffer, untyped: () => boolean): Generator<Frame> {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (;;) {
      const typeBytes = untyped() ? 0 : 1;
      if (this.#pending.length < typeBytes + 4) return;
      const length = this.#pending.readInt32BE(typeBytes);
      if (length < 4 || length > maxFrameBytes) throw new RangeError('impossible message length');
      const end = typeBytes + length;
      if (this.#pending.length < end) return;
      const bytes = this.#pending.subarray(0, end);
      this.#pending = this.#pending.subarray(end);
      yield { type: typeBytes === 0 ? '' : String.fromCharCode(bytes[0] ?? 0), bytes };
    }
  }
}

/** Builds one backend message from its type character and body. */
export function frame(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** Zero-terminated strings, one after the other. */
export function cStrings(...values: string[]): Buffer {
  return Buffer.from(values.map((value) => `${value}\0`).join(''), 'utf8');
}
