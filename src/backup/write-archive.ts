/** An archive as bytes, in the order in which they lie in the file: the head in clear, the contents compressed and encrypted, a checksum over all. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip, type Gunzip, type Gzip } from 'node:zlib';
import type { KeyRing } from '../crypto/key-ring.ts';
import { archiveKeys, sealChunks } from './archive-cipher.ts';
import { linesOf, type RowBatch } from './archive-contents.ts';
import { headText, type ArchiveHeader } from './archive-header.ts';

/** @returns the checksum, which the last 32 bytes hold: SHA-256 in hex of all bytes before them */
export async function* archiveBytes(
  ring: KeyRing,
  header: ArchiveHeader,
  batches: AsyncIterable<RowBatch>,
): AsyncGenerator<Buffer, string> {
  const head = headText(header);
  const keys = archiveKeys(ring, header, head);
  if (keys === undefined) throw new RangeError(`The ring has no key ${header.encrypted_under}.`);
  const hash = createHash('sha256');
  const hashed = (part: Buffer): Buffer => {
    hash.update(part);
    return part;
  };
  yield hashed(Buffer.from(`${head}${keys.headMac}\n`));
  const packed = through(linesOf(batches), createGzip());
  for await (const chunk of sealChunks(keys.bodyKey, packed)) yield hashed(chunk);
  const checksum = hash.digest();
  yield checksum;
  return checksum.toString('hex');
}

export function unpacked(parts: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  return through(parts, createGunzip());
}

/** What goes wrong with the parts goes wrong for whoever reads. */
function through(parts: AsyncIterable<Buffer>, transform: Gzip | Gunzip): AsyncIterable<Buffer> {
  pipeline(Readable.from(parts), transform).catch(() => undefined);
  return transform as AsyncIterable<Buffer>;
}
