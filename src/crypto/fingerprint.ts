/**
 * What may be shown of a secret: its fingerprint, which identifies it within one installation and tells
 * nothing of it, and its mask, which a person recognises.
 */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Secret } from '../foundation/secret.ts';

const minKeyBytes = 32;
const shortLength = 20;

/** Fingerprints are keyed, so that nobody can test guesses against one without the installation's key. */
export class Fingerprinter {
  readonly #key: KeyObject;

  /**
   * @param installationKey at least 32 random bytes, made once for each installation
   * @throws RangeError if it is shorter
   */
  constructor(installationKey: Buffer) {
    if (installationKey.length < minKeyBytes) {
      throw new RangeError(`The installation key has fewer than ${minKeyBytes} bytes.`);
    }
    this.#key = createSecretKey(installationKey);
  }

  /** `fp_` and 12 hex digits: the start of HMAC-SHA256 over the secret's UTF-8. */
  of(value: Secret): string {
    const digest = createHmac('sha256', this.#key).update(value.reveal(), 'utf8').digest('hex');
    return `fp_${digest.slice(0, 12)}`;
  }

  /**
   * HMAC-SHA256 in hex over a text that may hold secrets: tells two such texts apart, and nothing of either.
   * Never the same as a fingerprint, whatever the text.
   */
  digestOf(text: string): string {
    return createHmac('sha256', this.#key).update('digest\0').update(text, 'utf8').digest('hex');
  }

  /** The same secret, carrying its fingerprint: what it then prints as. */
  seal(value: Secret): Secret {
    return value.withFingerprint(this.of(value));
  }
}

/**
 * The first 7 characters and the last 4, with `…` between. Of a text shorter than 20 characters only the
 * last few are shown, a quarter of it at most.
 */
export function maskKey(value: Secret): string {
  const characters = Array.from(value.reveal());
  const [head, tail] = characters.length < shortLength ? [0, Math.floor(characters.length / 4)] : [7, 4];
  const start = characters.slice(0, head).join('');
  const end = characters.slice(characters.length - tail).join('');
  return `${start}…${end}`;
}

/** Fewer characters than these could be those of another key. */
const leastShown = 6;

/**
 * Whether the key begins and ends as the hint shows, with dots or an ellipsis between (`sk-ant-api03-R2D...igAA`).
 * A hint that shows next to nothing fits no key.
 */
export function fitsHint(value: Secret, hint: string): boolean {
  const [, head = '', tail = ''] = /^([^.…]*)(?:\.{2,}|…)([^.…]*)$/.exec(hint) ?? [];
  const text = value.reveal();
  return (
    tail.length >= leastShown / 2 &&
    head.length + tail.length >= leastShown &&
    text.length > head.length + tail.length &&
    text.startsWith(head) &&
    text.endsWith(tail)
  );
}
