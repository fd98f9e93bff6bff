/** One answer of the stand-in provider on its way out, with everything that can go wrong there. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { Behaviour, Ending } from './stand-in-behaviour.ts';
import type { WireAnswer } from './stand-in-wires.ts';

/** Several pieces leave one by one. */
export type Answer = Omit<WireAnswer, 'body'> & { readonly body: string | Iterable<string> };

/** Tells a stalled answer how to go on. */
export type Release = (how: Ending | 'rest') => void;

const endedHere = new WeakSet<ServerResponse>();

/** Whether the early end of this answer is the stand-in's own doing. */
export function endedEarly(response: ServerResponse): boolean {
  return endedHere.has(response);
}

export class Exchange {
  readonly #response: ServerResponse;
  readonly #stalled: Set<Release>;
  readonly #changed: () => void;
  /** Ends the present wait when the client leaves. */
  #giveUp: () => void = () => {};

  constructor(response: ServerResponse, stalled: Set<Release>, changed: () => void) {
    this.#response = response;
    this.#stalled = stalled;
    this.#changed = changed;
    response.once('close', () => this.#giveUp());
  }

  async lag(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await this.#wait((goOn) => (timer = setTimeout(goOn, ms)));
    clearTimeout(timer);
  }

  async send(
    { status, contentType = 'application/json', headers }: Omit<Answer, 'body'>,
    pieces: Iterable<string>,
    asked: IncomingHttpHeaders,
    behaviour: Behaviour,
  ): Promise<void> {
    const zipped = behaviour.gzip === true && /\bgzip\b/.test(String(asked['accept-encoding']));
    const streamed = contentType === 'text/event-stream' && !zipped;
    const whole = streamed ? undefined : Buffer.from([...pieces].join(''));
    const body = zipped && whole !== undefined ? gzipSync(whole) : whole;
    this.#response.writeHead(status, {
      'content-type': contentType,
      ...(body === undefined || behaviour.cut?.ending === 'end' ? {} : { 'content-length': body.length }),
      ...(zipped ? { 'content-encoding': 'gzip' } : {}),
      ...headers,
      ...behaviour.headers,
    });
    this.#response.flushHeaders();
    const chunks = body === undefined ? encoded(pieces) : [body];
    const { writeBytes } = behaviour;
    await this.#write(writeBytes === undefined ? chunks : resized(chunks, writeBytes), behaviour);
  }

  async #write(chunks: Iterable<Buffer>, { cut, chunkLagMs }: Behaviour): Promise<void> {
    let untilCut = cut?.afterBytes ?? Infinity;
    for (const chunk of chunks) {
      const before = chunk.subarray(0, untilCut);
      await this.#flush(before);
      untilCut -= before.length;
      if (untilCut === 0) {
        const ending = await this.stallOr(cut?.ending ?? 'end');
        if (ending !== 'rest') return this.end(ending);
        untilCut = Infinity;
        await this.#flush(chunk.subarray(before.length));
      }
      if (chunkLagMs !== undefined) await this.lag(chunkLagMs);
      if (this.#response.destroyed) return;
    }
    this.end('end');
  }

  /** Settles when the kernel has the bytes, so that a slow reader slows the stand-in too. */
  async #flush(bytes: Buffer): Promise<void> {
    if (bytes.length > 0) await this.#wait((goOn) => this.#response.write(bytes, () => goOn()));
  }

  /** A stall lasts until it is released; anything else is returned as it is. */
  async stallOr(what: Ending | 'stall'): Promise<Ending | 'rest'> {
    if (what !== 'stall') return what;
    let how: Ending | 'rest' = 'close';
    await this.#wait((goOn) => {
      const release = (asked: Ending | 'rest') => {
        how = asked;
        goOn();
      };
      this.#stalled.add(release);
      this.#giveUp = () => {
        this.#stalled.delete(release);
        goOn();
      };
      this.#changed();
    });
    return how;
  }

  /** Settles when it may go on, or when the client has left. */
  async #wait(begin: (goOn: () => void) => void): Promise<void> {
    if (this.#response.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#giveUp = resolve;
    begin(resolve);
    await promise;
  }

  end(how: Ending): void {
    if (how === 'end') {
      this.#response.end();
      return;
    }
    endedHere.add(this.#response);
    if (how === 'reset') this.#response.socket?.resetAndDestroy();
    else this.#response.socket?.destroy();
  }
}

function* encoded(pieces: Iterable<string>): Generator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece);
}

/** The same bytes in chunks of these sizes, over and over. */
function* resized(chunks: Iterable<Buffer>, sizes: readonly number[]): Generator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let turn = 0;
  const size = () => Math.max(sizes[turn % sizes.length] ?? 1, 1);
  for (const chunk of chunks) {
    for (rest = Buffer.concat([rest, chunk]); rest.length >= size(); turn += 1) {
      const taken = size();
      yield rest.subarray(0, taken);
      rest = rest.subarray(taken);
    }
  }
  if (rest.length > 0) yield rest;
}
