/**
 * Fernet, version 0x80, as github.com/fernet/spec defines it and Python's cryptography does it:
 * AES-128-CBC with PKCS7 under HMAC-SHA256. A token is authenticated before anything of it is decrypted.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { decodeBase64, encodeUrlSafeBase64 } from './url-safe-base64.ts';

const version = 0x80;
const halfKeyBytes = 16;
const blockBytes = 16;
const timestampOffset = 1;
const ivOffset = 9;
const ciphertextOffset = 25;
const macBytes = 32;
const algorithm = 'aes-128-cbc';
const latestDateMs = 8.64e15;

/** A key ready for use. Its parts are KeyObjects, which print and serialise as nothing. */
export interface FernetKey {
  /** Names the key in messages: 8 hex digits that give nothing of it away. */
  readonly id: string;
  readonly signingKey: KeyObject;
  readonly encryptionKey: KeyObject;
  /** All 32 bytes, to derive keys for other purposes from. */
  readonly wholeKey: KeyObject;
}

const messages = {
  malformed: 'This is not a Fernet token.',
  wrong_key: 'The token was made with another key, or was altered.',
  bad_padding: 'The token is authentic, but what it encrypts is not padded as Fernet asks.',
  not_text: 'The token is authentic, but what it encrypts is not UTF-8 text.',
} as const;

export type DecryptReason = keyof typeof messages;

/** Why a token did not open. It never carries the token, the plaintext or the key. */
export class DecryptError extends Error {
  readonly reason: DecryptReason;

  constructor(reason: DecryptReason) {
    super(messages[reason]);
    this.name = 'DecryptError';
    this.reason = reason;
  }
}

/**
 * Splits a key of 32 bytes: the first half signs, the second encrypts. It takes any bytes; what people
 * configure goes through parseEncryptionKey, which refuses weak keys.
 *
 * @throws RangeError if there are not 32 bytes
 */
export function fernetKeyFromBytes(bytes: Buffer): FernetKey {
  if (bytes.length !== 2 * halfKeyBytes) {
    throw new RangeError(`A Fernet key has 32 bytes, and this has ${bytes.length}.`);
  }
  const id = createHash('sha256')
    .update('keyward encryption key id\0')
    .update(bytes)
    .digest('hex')
    .slice(0, 8);
  return {
    id,
    signingKey: createSecretKey(bytes.subarray(0, halfKeyBytes)),
    encryptionKey: createSecretKey(bytes.subarray(halfKeyBytes)),
    wholeKey: createSecretKey(bytes),
  };
}

/**
 * @param options.now the token's timestamp, cut to whole seconds; the present by default
 * @param options.iv 16 bytes, for test vectors only: by default random, as it must be
 * @returns the token in URL-safe base64; 51 characters of ASCII become 164
 * @throws TypeError if the plaintext has a lone surrogate, which UTF-8 cannot carry back
 */
export function encryptFernet(
  key: FernetKey,
  plaintext: string,
  options: { now?: Date; iv?: Buffer } = {},
): string {
  if (!plaintext.isWellFormed()) {
    throw new TypeError('The text to encrypt is not well-formed Unicode.');
  }
  const { now = new Date(), iv = randomBytes(blockBytes) } = options;
  const header = Buffer.alloc(ivOffset);
  header.writeUInt8(version);
  header.writeBigUInt64BE(BigInt(Math.floor(now.getTime() / 1000)), timestampOffset);
  return seal(key, header, iv, Buffer.from(plaintext, 'utf8'));
}

/**
 * Opens a token of any age. Whatever Python's encoders write opens, in the URL-safe or the standard
 * alphabet and with white space anywhere, as Python takes it. Missing padding is refused, as Python
 * refuses it. Foreign characters, text after the padding and stray bits in the last character, which
 * Python skips in silence, are refused too: the spec's invalid.json asks for it.
 *
 * @returns createdAt is the token's timestamp, held to the latest Date there is
 * @throws DecryptError
 */
export function decryptFernet(key: FernetKey, token: string): { plaintext: string; createdAt: Date } {
  const { plaintext, createdAt } = decryptWithAny([key], token);
  return { plaintext, createdAt };
}

/**
 * The same with whichever of several keys made the token.
 * @throws DecryptError
 */
export function decryptWithAny(
  keys: readonly FernetKey[],
  token: string,
): { plaintext: string; createdAt: Date; key: FernetKey } {
  const { signed, key } = authenticate(keys, token);
  const createdAtMs = Number(signed.readBigUInt64BE(timestampOffset)) * 1000;
  return {
    plaintext: decodeText(decipher(key, signed)),
    createdAt: new Date(Math.min(createdAtMs, latestDateMs)),
    key,
  };
}

/**
 * The token that `to` makes of what one of `from` encrypted, with the timestamp that it has. The plaintext is
 * never made into a text.
 * @returns keyId names the key that had made it; the token itself where that is `to` already
 * @throws DecryptError
 */
export function reencryptFernet(
  from: readonly FernetKey[],
  token: string,
  to: FernetKey,
): { token: string; keyId: string } {
  const { signed, key } = authenticate(from, token);
  if (key.id === to.id) return { token, keyId: key.id };
  const plaintext = decipher(key, signed);
  const sealed = seal(to, signed.subarray(0, ivOffset), randomBytes(blockBytes), plaintext);
  plaintext.fill(0);
  return { token: sealed, keyId: key.id };
}

/** @param header version and timestamp */
function seal(key: FernetKey, header: Buffer, iv: Buffer, plaintext: Buffer): string {
  const cipher = createCipheriv(algorithm, key.encryptionKey, iv);
  const signed = Buffer.concat([header, iv, cipher.update(plaintext), cipher.final()]);
  return encodeUrlSafeBase64(Buffer.concat([signed, sign(key, signed)]));
}

/** What the token signs, and the key that signed it. */
function authenticate(keys: readonly FernetKey[], token: string): { signed: Buffer; key: FernetKey } {
  const bytes = decodeToken(token);
  const signed = bytes.subarray(0, -macBytes);
  const mac = bytes.subarray(-macBytes);
  const key = keys.find((one) => timingSafeEqual(sign(one, signed), mac));
  if (key === undefined) throw new DecryptError('wrong_key');
  return { signed, key };
}

function decodeToken(token: string): Buffer {
  const bytes = decodeBase64(token.replaceAll(/[\t\n\v\f\r ]/g, ''));
  const ciphertextBytes = (bytes?.length ?? 0) - ciphertextOffset - macBytes;
  const whole = ciphertextBytes >= blockBytes && ciphertextBytes % blockBytes === 0;
  if (!bytes || !whole || bytes.readUInt8() !== version) {
    throw new DecryptError('malformed');
  }
  return bytes;
}

function sign(key: FernetKey, signed: Buffer): Buffer {
  return createHmac('sha256', key.signingKey).update(signed).digest();
}

function decipher(key: FernetKey, signed: Buffer): Buffer {
  const iv = signed.subarray(ivOffset, ciphertextOffset);
  const decipher = createDecipheriv(algorithm, key.encryptionKey, iv);
  try {
    return Buffer.concat([decipher.update(signed.subarray(ciphertextOffset)), decipher.final()]);
  } catch {
    throw new DecryptError('bad_padding');
  }
}

function decodeText(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new DecryptError('not_text');
  }
}
