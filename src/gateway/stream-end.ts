/**
 * Tells whether an event stream ended with the provider's closing event. Needed where the answer has
 * neither length nor chunks, so that the end of the connection alone says nothing.
 */
import type { IncomingHttpHeaders } from 'node:http';

/** A line of its own, and nothing but line ends after it: text of an answer may speak of [DONE] too. */
const closing = /[\r\n]data: ?\[DONE\]\s*$/;
/** The closing event, the line end before it and the line ends that may follow it. */
const tailBytes = 32;

export function isEventStream(headers: IncomingHttpHeaders): boolean {
  return (headers['content-type'] ?? '').toLowerCase().startsWith('text/event-stream');
}

export class StreamEnd {
  /** The stream begins at the beginning of a line. */
  #tail: Buffer = Buffer.from('\n');

  saw(chunk: Buffer): void {
    this.#tail =
      chunk.length >= tailBytes
        ? chunk.subarray(-tailBytes)
        : Buffer.concat([this.#tail, chunk]).subarray(-tailBytes);
  }

  get complete(): boolean {
    return closing.test(this.#tail.toString('latin1'));
  }
}
