/**
 * Follows an event stream as it is relayed: whether it stands between two events, where an event of Keyward's own may
 * be put, and whether it ended with the provider's closing event, which is asked for where the answer has neither
 * length nor chunks, so that the end of the connection alone says nothing.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { Tail } from '../foundation/tail.ts';

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
  readonly #tail = new Tail(tailBytes, '\n\n');
  readonly #closing: RegExp;

  constructor(closing: Closing = 'done') {
    this.#closing = closings[closing];
  }

  saw(chunk: Buffer): void {
    this.#tail.add(chunk);
  }

  get complete(): boolean {
    return this.#closing.test(this.#tail.text());
  }

  /** Whether it may end here at all: not every provider sends a closing event, but none ends within a line. */
  get isBetweenLines(): boolean {
    return this.complete || /[\r\n]$/.test(this.#tail.text());
  }

  get isBetweenEvents(): boolean {
    return betweenEvents.test(this.#tail.text());
  }
}
