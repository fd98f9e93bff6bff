/**
 * One upstream exchange: the provider's answer goes to the caller byte for byte as it arrives, at the
 * caller's pace. An answer that breaks off breaks off for the caller too; a caller who leaves ends the
 * request upstream; a refusal of our key never looks like a refusal of the caller's, and while a rotation has
 * another key that one is asked before the caller hears anything.
 */
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { codeOf, KeywardError } from '../foundation/errors.ts';
import { AddressRefusedError } from '../foundation/guarded-connect.ts';
import { refusesKey, type KeyRefusal } from './choose-key.ts';
import { classifyAnswer } from '../providers/classify-answer.ts';
import { holdsSecret, redactSecrets } from '../providers/redact.ts';
import type { Target } from './choose-provider.ts';
import { answerHeaders } from './headers.ts';
import { sendError } from './send-error.ts';
import { isEventStream, StreamEnd } from './stream-end.ts';

/** A longer error answer is not relayed, only its status is told. */
const maxErrorBytes = 256 * 1024;

export interface RelayEvents {
  /** The headers of Keyward's own, asked for when the answer begins. */
  ownHeaders(): OutgoingHttpHeaders;
  keyRejected(): void;
  /**
   * An error came, and nothing was sent to the caller yet: with which key to ask again, or null to pass it on.
   */
  otherKey(refusal: KeyRefusal): Target | null;
  /** Asks again, with the key of this target. */
  askAgain(target: Target): void;
  /** Called once, when nothing more will be sent. */
  finished(outcome: { status: number; error: KeywardError | null }): void;
}

type Controller = Dispatcher.DispatchController;

export class Relay implements Dispatcher.DispatchHandler {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #target: Target;
  readonly #events: RelayEvents;
  #controller: Controller | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #errorChunks: Buffer[] | undefined;
  #errorBytes = 0;
  #streamEnd: StreamEnd | undefined;
  #callerGone = false;
  #done = false;

  constructor(request: IncomingMessage, response: ServerResponse, target: Target, events: RelayEvents) {
    this.#request = request;
    this.#response = response;
    this.#target = target;
    this.#events = events;
    response.once('close', () => this.#callerLeft());
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#callerGone) controller.abort(new Error('the caller left'));
  }

  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.#controller = controller;
    this.#status = status;
    this.#headers = headers;
    if (status >= 300) {
      this.#errorChunks = [];
      return;
    }
    const known = headers['content-length'] !== undefined;
    if (!known && headers['transfer-encoding'] === undefined && isEventStream(headers))
      this.#streamEnd = new StreamEnd();
    this.#response.writeHead(
      status,
      Object.assign(this.#answerHeaders('as such'), this.#events.ownHeaders()),
    );
    // With a known length the head may wait for the body that follows at once; a stream must be seen to begin.
    if (!known) this.#response.flushHeaders();
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#errorChunks !== undefined) {
      this.#errorBytes += chunk.length;
      if (this.#errorBytes <= maxErrorBytes) this.#errorChunks.push(chunk);
      return;
    }
    this.#streamEnd?.saw(chunk);
    if (this.#response.write(chunk)) return;
    controller.pause();
    this.#response.once('drain', () => controller.resume());
  }

  onResponseEnd(): void {
    if (this.#errorChunks !== undefined) {
      this.#answerRefusal(Buffer.concat(this.#errorChunks));
    } else if (this.#streamEnd?.complete === false) {
      // Without a length only the provider's last event tells an end from a break.
      this.#fail(brokeOff(this.#target.provider.slug, true));
    } else {
      this.#response.end();
      this.#finish(this.#status, null);
    }
  }

  onResponseError(_controller: Controller, error: Error): void {
    const hasBegun = this.#response.headersSent;
    this.#fail(upstreamFailure(error, this.#target.provider.slug, hasBegun));
  }

  #answerHeaders(form: 'as such' | 'in any form'): OutgoingHttpHeaders {
    const { key } = this.#target;
    return answerHeaders(this.#headers, (value) => holdsSecret(value, key, form));
  }

  /** Ends the exchange with an error: an answer where none has begun, a cut where one has. */
  #fail(error: KeywardError): void {
    if (this.#done) return;
    // Asked first, since the refusal sends a head of its own.
    const hasBegun = this.#response.headersSent;
    if (!this.#callerGone) this.#refuse(error);
    this.#finish(hasBegun ? this.#status : error.status, error);
  }

  #refuse(error: KeywardError): void {
    if (!this.#response.headersSent) this.#setOwnHeaders();
    sendError(this.#request, this.#response, error);
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
    const other = this.#done ? null : this.#events.otherKey(refusal);
    if (other !== null) {
      this.#beginAgain(other);
      return;
    }
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

  /** Nothing of the first answer is left. */
  #beginAgain(target: Target): void {
    this.#target = target;
    this.#controller = undefined;
    this.#status = 0;
    this.#headers = {};
    this.#errorChunks = undefined;
    this.#errorBytes = 0;
    this.#events.askAgain(target);
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

const timeouts = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'ETIMEDOUT',
]);
const brokenOff = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH']);

/** Once an answer has begun no caller reads the sentence: it is for the log. */
function upstreamFailure(error: Error, slug: string, hasBegun: boolean): KeywardError {
  const code = codeOf(error);
  if (code === 'UND_ERR_DESTROYED') {
    return new KeywardError('not_ready', { message: 'The gateway is stopping.', cause: error });
  }
  if (timeouts.has(code)) {
    return new KeywardError('provider_timeout', {
      message: hasBegun
        ? `The provider "${slug}" fell silent in the middle of its answer.`
        : `The provider "${slug}" did not answer in time.`,
      cause: error,
    });
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
