/**
 * How an archive is encrypted: in chunks of 64 KiB, each under AES-256-GCM with its number and whether it is the
 * last one in the nonce (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár). A chunk that is
 * changed, moved, doubled or missing, and an end that is cut off, never opens.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { ArchiveHeader } from './archive-header.ts';

export const chunkBytes = 64 * 1024;
export const tagBytes = 16;
const keyBytes = 32;
const nonceBytes = 12;
const counterOffset = 7;
const lastOffset = 11;
const mostChunks = 2 ** 32;
const algorithm = 'aes-256-gcm';
const purpose = 'keyward archive v1';

export interface ArchiveKeys {
  /** HMAC-SHA256 of the head, in hex. */
  readonly headMac: string;
  /** Good for this archive alone: to use it for another would use its nonces twice. */
  readonly bodyKey: KeyObject;
}

/**
 * The keys of one archive, by HKDF-SHA256 of the encryption key with the salt of its header. That of the body
 * depends on the whole head, so a body never opens under another head.
 * @param head its text, to the byte
 * @returns undefined where the ring has not got the encryption key
 */
export function archiveKeys(
  ring: KeyRing,
  { encrypted_under: keyId, salt }: ArchiveHeader,
  head: string | Buffer,
): ArchiveKeys | undefined {
  const key = ring.purposeKey(keyId, purpose);
  if (key === undefined) return undefined;
  const derive = (info: string): KeyObject =>
    createSecretKey(Buffer.from(hkdfSync('sha256', key, Buffer.from(salt, 'hex'), info, keyBytes)));
  const headHash = createHash('sha256').update(head).digest('hex');
  return {
    headMac: createHmac('sha256', derive('head')).update(head).digest('hex'),
    bodyKey: derive(`body ${headHash}`),
  };
}

/** Parts of any size become sealed chunks: all of 64 KiB and a tag but the last, which may be shorter and empty. */
export async function* sealChunks(key: KeyObject, parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let number = 0;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  for await (const part of parts) {
    waiting.push(part);
    waitingBytes += part.length;
    if (waitingBytes <= chunkBytes) continue;
    let whole = Buffer.concat(waiting);
    // Never the last byte: what is held back is the last chunk, should nothing more come.
    for (; whole.length > chunkBytes; whole = whole.subarray(chunkBytes)) {
      yield seal(key, number, false, whole.subarray(0, chunkBytes));
      number += 1;
    }
    waiting = [whole];
    waitingBytes = whole.length;
  }
  yield seal(key, number, true, Buffer.concat(waiting));
}

/** A chunk that is not the one that was sealed at this place. */
export class ChunkFault extends Error {
  constructor(number: number) {
    super(`chunk ${number + 1} of its contents is not as it was written`);
    this.name = 'ChunkFault';
  }
}

/**
 * @param chunks sealed ones, as they follow each other
 * @throws ChunkFault at the first that is not what stood there; what came before it was genuine
 */
export async function* openChunks(key: KeyObject, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let number = 0;
  let held: Buffer | undefined;
  for await (const chunk of chunks) {
    if (held !== undefined) {
      yield open(key, number, false, held);
      number += 1;
    }
    held = chunk;
  }
  if (held === undefined) throw new ChunkFault(0);
  yield open(key, number, true, held);
}

function seal(key: KeyObject, number: number, isLast: boolean, plain: Buffer): Buffer {
  const cipher = createCipheriv(algorithm, key, nonceOf(number, isLast), { authTagLength: tagBytes });
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function open(key: KeyObject, number: number, isLast: boolean, sealed: Buffer): Buffer {
  if (sealed.length < tagBytes) throw new ChunkFault(number);
  const decipher = createDecipheriv(algorithm, key, nonceOf(number, isLast), { authTagLength: tagBytes });
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  const plain = decipher.update(sealed.subarray(0, -tagBytes));
  try {
    decipher.final();
  } catch {
    throw new ChunkFault(number);
  }
  return plain;
}

function nonceOf(number: number, isLast: boolean): Buffer {
  if (number >= mostChunks) throw new RangeError('An archive cannot be larger than 256 TiB.');
  const nonce = Buffer.alloc(nonceBytes);
  nonce.writeUInt32BE(number, counterOffset);
  nonce.writeUInt8(isLast ? 1 : 0, lastOffset);
  return nonce;
}
