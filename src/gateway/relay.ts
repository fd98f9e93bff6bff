/**
 * One upstream exchange: the provider's answer goes to the caller byte for byte as it arrives, at the
 * caller's pace. An answer that breaks off breaks off for the caller too, or ends with an event that says so; a caller
 * who leaves ends the request upstream; a refusal of our key never looks like a refusal of the caller's.
 */
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { codeOf, KeywardError } from '../foundation/errors.ts';
import { AddressRefusedError } from '../foundation/guarded-connect.ts';
import type { Failure } from './attempts.ts';
import { refusesKey } from './choose-key.ts';
import { retryAfterSeconds } from '../foundation/retry-after.ts';
import { classifyAnswer } from '../providers/classify-answer.ts';
import { holdsSecret, redactSecrets } from '../providers/redact.ts';
import type { Target } from './choose-provider.ts';
import type { Endpoint } from './endpoints.ts';
import { errorEvent } from './error-body.ts';
import { answerHeaders } from './headers.ts';
import { sendError } from './send-error.ts';
import { isEventStream, StreamEnd } from './stream-end.ts';

/** A longer error answer is not relayed, only its status is told. */
const maxErrorBytes = 256 * 1024;

export interface RelayOutcome {
  /** Of the answer that the caller got. */
  readonly status: number;
  readonly error: KeywardError | null;
}

export interface RelayEvents {
  /** The headers of Keyward's own, asked for when the answer begins. */
  ownHeaders(): OutgoingHttpHeaders;
  keyRejected(): void;
  /** A good answer begins. */
  began(isStream: boolean): void;
  /** A piece of it, on its way to the caller. */
  passed(chunk: Buffer): void;
  /**
   * It failed, and nothing was sent to the caller yet.
   * @returns whether it is tried again, after `beginAgain`; if not, the caller is told
   */
  tryAgain(failure: Failure): boolean;
  /** Called once, when nothing more will be sent. */
  finished(outcome: RelayOutcome): void;
}

type Controller = Dispatcher.DispatchController;

export class Relay implements Dispatcher.DispatchHandler {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #target: Target;
  readonly #endpoint: Endpoint;
  readonly #events: RelayEvents;
  #controller: Controller | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #errorChunks: Buffer[] | undefined;
  #errorBytes = 0;
  #stream: StreamEnd | undefined;
  /** Neither length nor chunks: the connection's end is the answer's, or a break. */
  #endsWithConnection = false;
  #callerGone = false;
  #done = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    target: Target,
    endpoint: Endpoint,
    events: RelayEvents,
  ) {
    this.#request = request;
    this.#response = response;
    this.#target = target;
    this.#endpoint = endpoint;
    this.#events = events;
    response.once('close', () => this.#callerLeft());
  }

  /** Nothing of the attempt before is left. */
  beginAgain(target: Target): void {
    this.#target = target;
    this.#controller = undefined;
    this.#status = 0;
    this.#headers = {};
    this.#errorChunks = undefined;
    this.#errorBytes = 0;
  }

  /** An attempt that was not even sent. */
  unsent(error: KeywardError): void {
    this.#failOrTryAgain(error);
  }

  /** Ends the exchange from this side, wherever it stands. */
  end(error: KeywardError): void {
    if (this.#done) return;
    this.#fail(error);
    this.#controller?.abort(error);
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#callerGone || this.#done) controller.abort(new Error('the caller left'));
  }

  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200 || this.#done) return;
    this.#controller = controller;
    this.#status = status;
    this.#headers = headers;
    if (status >= 300) {
      this.#errorChunks = [];
      return;
    }
    const known = headers['content-length'] !== undefined;
    this.#endsWithConnection = !known && headers['transfer-encoding'] === undefined;
    const isStream = isEventStream(headers);
    if (isStream) this.#stream = new StreamEnd(this.#endpoint.closing);
    this.#events.began(isStream);
    this.#response.writeHead(
      status,
      Object.assign(this.#answerHeaders('as such'), this.#events.ownHeaders()),
    );
    // With a known length the head may wait for the body that follows at once; a stream must be seen to begin.
    if (!known) this.#response.flushHeaders();
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#done) return;
    if (this.#errorChunks !== undefined) {
      this.#errorBytes += chunk.length;
      if (this.#errorBytes <= maxErrorBytes) this.#errorChunks.push(chunk);
      return;
    }
    this.#stream?.saw(chunk);
    this.#events.passed(chunk);
    if (this.#response.write(chunk)) return;
    controller.pause();
    this.#response.once('drain', () => controller.resume());
  }

  onResponseEnd(): void {
    if (this.#errorChunks !== undefined) {
      this.#answerRefusal(Buffer.concat(this.#errorChunks));
    } else if (this.#isCutShort()) {
      this.#fail(brokeOff(this.#target.provider.slug, true));
    } else if (!this.#done) {
      this.#response.end();
      this.#finish(this.#status, null);
    }
  }

  /** Without a length only the provider's last event tells an end from a break. */
  #isCutShort(): boolean {
    if (this.#stream === undefined) return false;
    return this.#endsWithConnection ? !this.#stream.complete : !this.#stream.isBetweenLines;
  }

  onResponseError(_controller: Controller, error: Error): void {
    const hasBegun = this.#response.headersSent;
    this.#failOrTryAgain(upstreamFailure(error, this.#target.provider.slug, hasBegun));
  }

  #failOrTryAgain(error: KeywardError): void {
    if (this.#done) return;
    const untold = !this.#response.headersSent && !this.#callerGone;
    if (untold && this.#events.tryAgain({ kind: 'unanswered', error })) return;
    this.#fail(error);
  }

  #answerHeaders(form: 'as such' | 'in any form'): OutgoingHttpHeaders {
    const { key } = this.#target;
    return answerHeaders(this.#headers, (value) => holdsSecret(value, key, form));
  }

  /**
   * Ends the exchange with an error: an answer where none has begun, an event where a stream stands between two, and
   * else a cut, since half an event and a whole answer cannot be told apart by what follows them.
   */
  #fail(error: KeywardError): void {
    if (this.#done) return;
    // Asked first, since the refusal sends a head of its own.
    const hasBegun = this.#response.headersSent;
    if (!this.#callerGone) this.#refuse(error);
    this.#finish(hasBegun ? this.#status : error.status, error);
  }

  #refuse(error: KeywardError): void {
    const { wire, name } = this.#endpoint;
    if (!this.#response.headersSent) this.#setOwnHeaders();
    else if (this.#stream?.isBetweenEvents === true && !this.#endsWithConnection) {
      this.#response.end(errorEvent(error, wire, name));
      return;
    }
    sendError(this.#request, this.#response, error, wire);
  }

  #setOwnHeaders(): void {
    for (const [name, value] of Object.entries(this.#events.ownHeaders())) {
      if (value !== undefined) this.#response.setHeader(name, value);
    }
  }

  /** The provider's own error, without what could harm: its text scrubbed, a refused key as our own fault. */
  #answerRefusal(body: Buffer): void {
    const { slug, entry } = this.#target.provider;
    const readable = this.#errorBytes <= maxErrorBytes && this.#headers['content-encoding'] === undefined;
    const text = readable ? redactSecrets(body.toString('utf8'), [this.#target.key]) : '';
    const { verdict, message } = classifyAnswer(entry, {
      status: this.#status,
      headers: this.#headers,
      body: text,
    });
    const refusal = { status: this.#status, verdict, message };
    if (this.#done) return;
    const afterSeconds = retryAfterSeconds(this.#headers['retry-after'], new Date());
    const retryAfterMs = afterSeconds === undefined ? null : afterSeconds * 1_000;
    if (this.#events.tryAgain({ kind: 'refused', refusal, retryAfterMs })) return;
    if (refusesKey(refusal)) {
      this.#events.keyRejected();
      this.#fail(
        new KeywardError('provider_key_rejected', {
          message: `The provider "${slug}" refused the key of this gateway (its answer was ${this.#status}). Tell the administrator: keyward keys test ${slug}`,
          cause: new Error(message),
        }),
      );
      return;
    }
    if (!readable || this.#status < 400) {
      this.#fail(
        new KeywardError('provider_error', {
          message: `The provider "${slug}" answered ${this.#status} in a form that is not relayed.`,
        }),
      );
      return;
    }
    const scrubbed = Buffer.from(text);
    this.#response.writeHead(this.#status, {
      ...this.#answerHeaders('in any form'),
      ...this.#events.ownHeaders(),
      'content-length': scrubbed.length,
    });
    this.#response.end(scrubbed);
    this.#finish(this.#status, null);
  }

  #callerLeft(): void {
    if (this.#done) return;
    this.#callerGone = true;
    // First, since the abort is reported as an error of the upstream request at once.
    this.#finish(499, null);
    this.#controller?.abort(new Error('the caller left'));
  }

  #finish(status: number, error: KeywardError | null): void {
    if (this.#done) return;
    this.#done = true;
    this.#events.finished({ status, error });
  }
}

const timeouts: Readonly<
  Record<string, 'provider_connect_timeout' | 'provider_first_byte_timeout' | 'provider_idle_timeout'>
> = {
  UND_ERR_CONNECT_TIMEOUT: 'provider_connect_timeout',
  ETIMEDOUT: 'provider_connect_timeout',
  UND_ERR_HEADERS_TIMEOUT: 'provider_first_byte_timeout',
  UND_ERR_BODY_TIMEOUT: 'provider_idle_timeout',
};
const brokenOff = new Set([
  'UND_ERR_SOCKET',
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_HEADERS_OVERFLOW',
]);

/** Once an answer has begun no caller reads the sentence: it is for the log. */
function upstreamFailure(error: Error, slug: string, hasBegun: boolean): KeywardError {
  const code = codeOf(error);
  if (code === 'UND_ERR_DESTROYED') {
    return new KeywardError('not_ready', { message: 'The gateway is stopping.', cause: error });
  }
  // An upload that its caller breaks off, or sends too slowly or too long.
  if (error instanceof KeywardError) return error;
  const timeout = timeouts[code];
  if (timeout !== undefined) {
    const what = {
      provider_connect_timeout: 'could not be reached in time',
      provider_first_byte_timeout: 'did not answer in time',
      provider_idle_timeout: 'fell silent in the middle of its answer',
    }[timeout];
    return new KeywardError(timeout, { message: `The provider "${slug}" ${what}.`, cause: error });
  }
  // What answers but does not speak HTTP has a name of its own and mostly no code.
  if (brokenOff.has(code) || error.name === 'HTTPParserError') {
    return brokeOff(slug, hasBegun, error);
  }
  if (error instanceof AddressRefusedError) {
    return new KeywardError('provider_address_refused', {
      message: `The address of the provider "${slug}" leads to where no key is sent. Tell the administrator.`,
      cause: error,
    });
  }
  return new KeywardError('provider_unreachable', {
    message: `The provider "${slug}" could not be reached.`,
    cause: error,
  });
}

function brokeOff(slug: string, hasBegun: boolean, cause?: Error): KeywardError {
  const when = hasBegun ? 'in the middle of its answer' : 'before it had answered';
  return new KeywardError('provider_broke_off', {
    message: `The provider "${slug}" broke off ${when}.`,
    cause,
  });
}
