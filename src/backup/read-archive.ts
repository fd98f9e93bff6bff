/**
 * An archive as it lies in a file. What is read of it is proven first: a head by its MAC and a chunk by its tag
 * before anything in it is believed, the whole by its checksum for whoever has no key.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { open, stat, type FileHandle } from 'node:fs/promises';
import type { KeyRing } from '../crypto/key-ring.ts';
import { messageOf, UsageError } from '../foundation/errors.ts';
import { archiveKeys, chunkBytes, openChunks, tagBytes, type ArchiveKeys } from './archive-cipher.ts';
import { batchesIn, type RowBatch } from './archive-contents.ts';
import { longestHeadBytes, readHead, type ArchiveHeader } from './archive-header.ts';
import { unpacked } from './write-archive.ts';

const checksumBytes = 32;
const macLine = /^[0-9a-f]{64}$/;
const readBytes = 1024 * 1024;

export class ArchiveFile {
  readonly path: string;
  readonly header: ArchiveHeader;
  readonly bytes: number;
  /** SHA-256 that the archive says of itself, in hex. */
  readonly checksum: string;
  readonly #file: FileHandle;
  readonly #head: Buffer;
  readonly #mac: string;
  readonly #bodyFrom: number;

  private constructor(path: string, file: FileHandle, read: Read) {
    this.path = path;
    this.#file = file;
    ({ header: this.header, bytes: this.bytes, checksum: this.checksum } = read);
    ({ head: this.#head, mac: this.#mac, bodyFrom: this.#bodyFrom } = read);
  }

  /** @throws UsageError where it cannot be read, or is no archive that this program knows */
  static async open(path: string): Promise<ArchiveFile> {
    const file = await openFile(path);
    try {
      return new ArchiveFile(path, file, await readEnds(path, file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Whether all bytes are those that were written. It proves nothing against who can count a checksum. */
  async isWhole(): Promise<boolean> {
    const hash = createHash('sha256');
    for await (const part of this.#read(0, this.bytes - checksumBytes, readBytes)) hash.update(part);
    return hash.digest('hex') === this.checksum;
  }

  /**
   * Everything in it, proven piece by piece.
   * @throws UsageError where the ring has not got its key, or anything in it is not as it was written
   */
  async *batches(ring: KeyRing): AsyncGenerator<RowBatch> {
    const keys = this.#keysIn(ring);
    const sealed = this.#read(this.#bodyFrom, this.bytes - checksumBytes, chunkBytes + tagBytes);
    try {
      yield* batchesIn(unpacked(openChunks(keys.bodyKey, sealed)), this.header.tables);
    } catch (error) {
      throw this.#damaged(messageOf(error), error);
    }
  }

  #keysIn(ring: KeyRing): ArchiveKeys {
    const keys = archiveKeys(ring, this.header, this.#head);
    if (keys === undefined) {
      throw new UsageError(
        `${this.path} is encrypted under the key ${this.header.encrypted_under}, and the encryption key ring here holds ${ring.keyIds.join(', ')}. Add that key to the ring, behind the others.`,
      );
    }
    if (!timingSafeEqual(Buffer.from(keys.headMac), Buffer.from(this.#mac)))
      throw this.#damaged('its head is not as it was written');
    return keys;
  }

  #damaged(why: string, cause?: unknown): UsageError {
    return new UsageError(`${this.path} is damaged: ${why}. Use another copy of it.`, { cause });
  }

  async *#read(from: number, to: number, size: number): AsyncGenerator<Buffer> {
    for (let at = from; at < to;) {
      const part = await readAt(this.#file, at, Math.min(size, to - at));
      if (part.length === 0) return;
      yield part;
      at += part.length;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** What is no file is not even opened: to open a pipe waits for whoever writes to it. */
async function openFile(path: string): Promise<FileHandle> {
  try {
    const isFile = (await stat(path)).isFile();
    if (isFile) return await open(path, 'r');
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
  throw new UsageError(`${path} is no file: an archive is read more than once, so it cannot be a pipe.`);
}

interface Read {
  readonly header: ArchiveHeader;
  readonly head: Buffer;
  readonly mac: string;
  readonly bodyFrom: number;
  readonly bytes: number;
  readonly checksum: string;
}

async function readEnds(path: string, file: FileHandle): Promise<Read> {
  const stats = await file.stat();
  const begin = await readAt(file, 0, Math.min(longestHeadBytes, stats.size));
  const ends = lineEnds(begin, 3);
  const [first = begin.length, second = first, third] = ends;
  const lines = [begin.subarray(0, first), begin.subarray(first + 1, second)];
  const header = readHead(
    path,
    lines.map((line) => line.toString('utf8')),
  );
  const mac = third === undefined ? '' : begin.toString('latin1', second + 1, third);
  const bodyFrom = (third ?? 0) + 1;
  if (!macLine.test(mac) || stats.size < bodyFrom + tagBytes + checksumBytes)
    throw new UsageError(`${path} is damaged: it ends too early. Use another copy of it.`);
  const checksum = await readAt(file, stats.size - checksumBytes, checksumBytes);
  return {
    header,
    head: begin.subarray(0, second + 1),
    mac,
    bodyFrom,
    bytes: stats.size,
    checksum: checksum.toString('hex'),
  };
}

const lineFeed = 10;

function lineEnds(bytes: Buffer, count: number): number[] {
  const ends: number[] = [];
  for (let at = bytes.indexOf(lineFeed); at >= 0 && ends.length < count; at = bytes.indexOf(lineFeed, at + 1))
    ends.push(at);
  return ends;
}

/** Fewer bytes than asked for only where the file ends. */
async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
