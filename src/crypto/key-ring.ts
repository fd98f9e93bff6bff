/**
 * The encryption key ring: the first key encrypts and binds, every key decrypts and verifies, as Python's
 * MultiFernet does it. It names its keys by their ids; the keys themselves it gives only to who takes them out of texts.
 */
import { createHmac, type KeyObject } from 'node:crypto';
import { UsageError } from '../foundation/errors.ts';
import { Secret } from '../foundation/secret.ts';
import { derivedKey } from './derived-key.ts';
import { EncryptionKeyError, makeAGoodKey, parseEncryptionKey } from './encryption-key.ts';
import { DecryptError, decryptWithAny, encryptFernet, type FernetKey, reencryptFernet } from './fernet.ts';
import { type BindingVerdict, type KeyPlace, makeBinding, verifyBinding } from './key-binding.ts';
import { encodeUrlSafeBase64 } from './url-safe-base64.ts';

export class KeyRing {
  #active: FernetKey;
  #keys: readonly FernetKey[];

  private constructor(active: FernetKey, others: readonly FernetKey[]) {
    this.#active = active;
    this.#keys = [active, ...others];
  }

  /** The key that encrypts. */
  get activeKeyId(): string {
    return this.#active.id;
  }

  /** All keys, in the order of the ring. */
  get keyIds(): readonly string[] {
    return this.#keys.map((key) => key.id);
  }

  /**
   * @param text one key or several, separated by commas; the first is the active one
   * @throws UsageError that tells what is wrong with every faulty key, by its position, and shows none
   */
  static parse(text: Secret): KeyRing {
    const members = text.reveal().split(',').map(readMember);
    const faults = members.flatMap((_, index) => faultAt(members, index) ?? []);
    const [active, ...others] = members.flatMap((member) => member.key ?? []);
    if (faults.length > 0 || !active) {
      throw new UsageError(`The encryption key ring is not usable: ${faults.join('; ')}. ${makeAGoodKey}`);
    }
    return new KeyRing(active, others);
  }

  /** What a log or an answer may show of it. */
  toJSON(): { activeKeyId: string; keyIds: readonly string[] } {
    return { activeKeyId: this.activeKeyId, keyIds: this.keyIds };
  }

  /** Takes the keys of another ring in place of its own: whoever holds this ring works with them from now on. */
  become(other: KeyRing): void {
    this.#active = other.#active;
    this.#keys = other.#keys;
  }

  /** Whether it is one of these encryption keys itself. */
  holds(secret: Secret): boolean {
    try {
      return this.keyIds.includes(parseEncryptionKey(secret.reveal()).id);
    } catch (error) {
      if (error instanceof EncryptionKeyError) return false;
      throw error;
    }
  }

  /** The keys as they may stand in a text, in both alphabets and without their padding too: to be taken out of it. */
  asSecrets(): readonly Secret[] {
    return this.#keys.flatMap(({ wholeKey }) => {
      const bytes = wholeKey.export();
      const written = [encodeUrlSafeBase64(bytes), bytes.toString('base64')];
      return [...new Set(written)].flatMap((text) => [new Secret(text), new Secret(text.replace(/=+$/, ''))]);
    });
  }

  /**
   * @param options.now the token's timestamp, the present by default; to re-encrypt a token, pass its
   *   createdAt, as MultiFernet's rotate() does
   * @returns a Fernet token under the active key
   */
  encrypt(value: Secret, options: { now?: Date } = {}): string {
    return encryptFernet(this.#active, value.reveal(), options);
  }

  /** A token that only this key of the ring opens, and that holds nothing. */
  canary(keyId: string): string {
    const key = this.#keys.find(({ id }) => id === keyId);
    if (key === undefined) throw new RangeError(`The ring has no key ${keyId}.`);
    return encryptFernet(key, 'keyward canary');
  }

  /**
   * @returns what the token encrypts, the id of the key that opened it, and the token's timestamp
   * @throws DecryptError
   */
  decrypt(token: string): { secret: Secret; keyId: string; createdAt: Date } {
    const { plaintext, createdAt, key } = decryptWithAny(this.#keys, token);
    return { secret: new Secret(plaintext), keyId: key.id, createdAt };
  }

  /**
   * Encrypts anew under the active key what any key of the ring encrypted, with the token's timestamp.
   * @returns keyId names the key that had encrypted it; under the active one the token stays as it is
   * @throws DecryptError
   */
  reencrypt(token: string): { token: string; keyId: string } {
    return reencryptFernet([...this.#keys.slice(1), this.#active], token, this.#active);
  }

  /**
   * Proof, under the active key, that this API key belongs to that place. White space around the key does
   * not count: it is taken off before the key serves.
   */
  bind(value: Secret, place: KeyPlace): string {
    return makeBinding(this.#active, place, value.reveal().trim());
  }

  /** What a binding says of this API key at that place, by the key of the ring that it names. */
  verifyBinding(binding: string, value: Secret, place: KeyPlace): BindingVerdict {
    const keyById = (id: string): FernetKey | undefined => this.#keys.find((key) => key.id === id);
    return verifyBinding(binding, keyById, place, value.reveal().trim());
  }

  /**
   * HMAC-SHA256 of a text in hex, which nobody can compute who has not got the ring.
   * @param purpose what the hash is for: under another purpose it is another hash
   * @returns one hash for each key, that of the active key first: store that, and look for any of them
   */
  keyedHashes(purpose: string, text: string): [active: string, ...others: string[]] {
    const under = (key: FernetKey): string =>
      createHmac('sha256', derivedKey(key, purpose)).update(text).digest('hex');
    return [under(this.#active), ...this.#keys.slice(1).map(under)];
  }

  /**
   * 32 bytes derived from one key of the ring, good for this purpose alone.
   * @param purpose names it, and its version
   * @returns undefined where the ring has not got that key
   */
  purposeKey(keyId: string, purpose: string): KeyObject | undefined {
    const key = this.#keys.find(({ id }) => id === keyId);
    return key && derivedKey(key, purpose);
  }

  /** The id of the key that opens the token, or undefined if none does. */
  keyIdFor(token: string): string | undefined {
    try {
      return this.decrypt(token).keyId;
    } catch (error) {
      if (error instanceof DecryptError) {
        return undefined;
      }
      throw error;
    }
  }
}

/** One place of a ring: a key, or what is wrong with it. */
interface Member {
  readonly key?: FernetKey;
  readonly fault?: string;
}

function readMember(text: string): Member {
  try {
    return { key: parseEncryptionKey(text) };
  } catch (error) {
    if (error instanceof EncryptionKeyError) {
      return { fault: error.fault };
    }
    throw error;
  }
}

function faultAt(members: readonly Member[], index: number): string | undefined {
  const fault = members[index]?.fault ?? faultOfRepetition(members, index);
  if (fault === undefined || members.length === 1) {
    return fault;
  }
  return `key ${index + 1} of ${members.length}: ${fault}`;
}

function faultOfRepetition(members: readonly Member[], index: number): string | undefined {
  const first = members.findIndex((member) => member.key?.id === members[index]?.key?.id);
  return first < index ? `it is key ${first + 1} once more` : undefined;
}
