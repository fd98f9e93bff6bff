/**
 * Posts heads to an address of the operator's, signed as Standard Webhooks 1.0 has it. Redirects are not
 * followed: the head is for that address alone.
 */
import { randomUUID } from 'node:crypto';
import { request } from 'undici';
import { signatureHeaders } from '../crypto/webhook-signature.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Secret } from '../foundation/secret.ts';
import type { Anchor, AnchoredHead } from './anchor.ts';
import type { Head } from './append-events.ts';

const standardTimeoutMs = 5_000;
/** What the receiver says is of no interest, but its connection is good for the next head. */
const longestAnswerBytes = 64 * 1024;

export class WebhookAnchor implements Anchor {
  readonly #url: string;
  readonly #secret: Secret;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  /** The same message again when the first attempt failed, so that the receiver knows it for the same. */
  #message: { readonly sequence: number; readonly id: string } = { sequence: 0, id: '' };

  constructor(parts: {
    readonly url: string;
    readonly secret: Secret;
    readonly clock: Clock;
    /** 5 s where absent. */
    readonly timeoutMs?: number;
  }) {
    this.#timeoutMs = parts.timeoutMs ?? standardTimeoutMs;
    this.#url = parts.url;
    this.#secret = parts.secret;
    this.#clock = parts.clock;
  }

  /** @throws when the receiver does not answer in time with a 2xx */
  async note(head: AnchoredHead, signal?: AbortSignal): Promise<void> {
    if (this.#message.sequence !== head.sequence)
      this.#message = { sequence: head.sequence, id: `msg_${randomUUID()}` };
    const body = JSON.stringify({ type: 'audit.head', timestamp: head.at, data: head });
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const { statusCode, body: answer } = await request(this.#url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...signatureHeaders(this.#secret, { id: this.#message.id, at: this.#clock.now(), body }),
      },
      body,
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    // What comes after the first line says nothing more, and may never end.
    void answer.dump({ limit: longestAnswerBytes }).catch(() => undefined);
    if (statusCode < 200 || statusCode > 299) throw new Error(`the receiver answered ${statusCode}`);
  }

  async last(): Promise<Head | undefined> {
    return undefined;
  }
}
