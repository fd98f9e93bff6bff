/**
 * What a stand-in provider can be told to do instead of behaving well. Every field is one deviation;
 * they combine. The empty behaviour is the good one.
 */
import { json, page, type WireAnswer } from './stand-in-wires.ts';

/** How a connection ends: a reset (RST), a close (FIN) without an ending, or a proper end. */
export type Ending = 'reset' | 'close' | 'end';

export interface Behaviour {
  /** For so many requests only; then the stand-in behaves well again. */
  readonly requests?: number;
  /** Only for chats, or only for the free test call. */
  readonly on?: 'chat' | 'test';

  readonly lagMs?: number;
  /** Nothing is answered: the connection ends, or it stays open in silence until release(). */
  readonly insteadOfHeaders?: 'reset' | 'close' | 'stall';
  /** Given to good and bad keys alike. */
  readonly answer?: WireAnswer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Compresses the body where the request accepts gzip. */
  readonly gzip?: boolean;

  /** The text of the assistant, in the place of the echo. */
  readonly reply?: string;
  /** A stream of so many pieces of text, in the place of the echo. */
  readonly chunks?: number;
  /** Characters of text in each piece; 8 where absent. */
  readonly chunkChars?: number;
  readonly chunkLagMs?: number;
  /** The body goes out in writes of these sizes, over and over, whatever the borders of its events and characters. */
  readonly writeBytes?: readonly number[];
  readonly withoutDone?: boolean;
  /**
   * After so many bytes of the body something else happens. `stall` is silence until release(). `close`
   * in an answer with a content-length leaves it short of its word.
   */
  readonly cut?: { readonly afterBytes: number; readonly ending: Ending | 'stall' };
}

/** Refusals that do not depend on the key, in the shapes of the field. */
export const refusals = {
  rateLimited: json(
    429,
    { error: { message: 'Rate limit reached', type: 'requests', param: null, code: 'rate_limit_exceeded' } },
    { 'retry-after': '7' },
  ),
  paymentRequired: json(402, { error: { message: 'Insufficient credits.', code: 402 } }),
  serverError: json(500, {
    error: { message: 'The server had an error.', type: 'server_error', code: null },
  }),
  overloaded: json(529, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
  badGatewayPage: page(502, '502 Bad Gateway'),
  keyEchoed: json(400, {
    error: { message: 'Cannot use the key {key} here.', type: 'invalid_request_error' },
  }),
} as const satisfies Record<string, WireAnswer>;

export function redirectTo(url: string): WireAnswer {
  return { status: 307, body: '', headers: { location: url } };
}
