/**
 * A string that must not leak. It prints, logs, serialises and inspects as its fingerprint, or as
 * `[secret]` where none is known; only `reveal()` gives the value, and only the files that the
 * architecture test lists may call it.
 */
import { inspect } from 'node:util';

export class Secret {
  readonly #value: string;
  readonly fingerprint: string | undefined;

  /**
   * @param value the secret text itself
   * @param fingerprint the keyed hash that identifies it (see crypto/fingerprint.ts), where known
   */
  constructor(value: string, fingerprint?: string) {
    this.#value = value;
    this.fingerprint = fingerprint;
  }

  /** The secret text. Callers are listed in tests/architecture.test.ts. */
  reveal(): string {
    return this.#value;
  }

  withFingerprint(fingerprint: string): Secret {
    return new Secret(this.#value, fingerprint);
  }

  toString(): string {
    return this.fingerprint ? `[secret ${this.fingerprint}]` : '[secret]';
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }

  [Symbol.toPrimitive](): string {
    return this.toString();
  }
}
