/**
 * Follows an event stream as it is relayed: whether it stands between two events, where an event of Keyward's own may
 * be put, and whether it ended with the provider's closing event, which is asked for where the answer has neither
 * length nor chunks, so that the end of the connection alone says nothing.
 */
import type { IncomingHttpHeaders } from 'node:http';

/** A line of its own, and nothing but line ends after it: text of an answer may speak of [DONE] too. */
const closings = {
  done: /[\r\n]data: ?\[DONE\]\s*$/,
  /** https://docs.anthropic.com/en/docs/build-with-claude/streaming */
  message_stop: /[\r\n]data: ?\{"type": ?"message_stop"[^{}\r\n]{0,40}\}\s*$/,
  /** An event of any kind and size is the last one, which only its reader knows from another. */
  whole_event: /[\r\n]\s*$/,
} as const;

export type Closing = keyof typeof closings;

const betweenEvents = /(?:\n\n|\r\r|\r\n\r\n)$/;
/** The closing event, the line end before it and the line ends that may follow it. */
const tailBytes = 96;

export function isEventStream(headers: IncomingHttpHeaders): boolean {
  return (headers['content-type'] ?? '').toLowerCase().startsWith('text/event-stream');
}

export class StreamEnd {
  /** The stream begins at the beginning of a line, and between two events. */
  #tail: Buffer = Buffer.from('\n\n');
  readonly #closing: RegExp;

  constructor(closing: Closing = 'done') {
    this.#closing = closings[closing];
  }

  saw(chunk: Buffer): void {
    this.#tail =
      chunk.length >= tailBytes
        ? chunk.subarray(-tailBytes)
        : Buffer.concat([this.#tail, chunk]).subarray(-tailBytes);
  }

  get complete(): boolean {
    return this.#closing.test(this.#tail.toString('latin1'));
  }

  /** Whether it may end here at all: not every provider sends a closing event, but none ends within a line. */
  get isBetweenLines(): boolean {
    return this.complete || /[\r\n]$/.test(this.#tail.toString('latin1', this.#tail.length - 1));
  }

  get isBetweenEvents(): boolean {
    return betweenEvents.test(this.#tail.toString('latin1', Math.max(this.#tail.length - 4, 0)));
  }
}
