/** Archives of the tests: made of rows that a test names, whole or tampered with, and a database that has been lived in. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { linesOf, type RowBatch, type Section } from '../../src/backup/archive-contents.ts';
import type { ArchiveHeader } from '../../src/backup/archive-header.ts';
import { archiveBytes } from '../../src/backup/write-archive.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';

/** Rings whose keys are made anew at each run. */
export function newRing(): KeyRing {
  return KeyRing.parse(generateEncryptionKey());
}

/** A ring of new keys, and smaller or otherwise ordered ones of the same keys. */
export function ringOf<Names extends string>(...names: Names[]): (...some: Names[]) => KeyRing {
  const keys = new Map(names.map((name) => [name, generateEncryptionKey().reveal()]));
  return (...some) => KeyRing.parse(new Secret(some.map((name) => keys.get(name)).join(',')));
}

export function section(table: string, columns: readonly string[]): Section {
  return { table, columns: [...columns], sequence: null };
}

export interface MadeOf {
  readonly ring: KeyRing;
  readonly batches: readonly RowBatch[];
  /** In place of what fits the rows. */
  readonly header?: Partial<ArchiveHeader>;
}

export function headerOf({ ring, batches, header }: MadeOf): ArchiveHeader {
  const tables: Record<string, number> = {};
  for (const { section: one, rows } of batches) tables[one.table] = (tables[one.table] ?? 0) + rows.length;
  return {
    made_at: '2026-01-02T03:04:05.678Z',
    keyward_version: '0.1.0',
    schema_version: '012',
    encrypted_under: ring.activeKeyId,
    salt: '5a'.repeat(32),
    keys: [{ id: ring.activeKeyId, tokens: 1 }],
    unreadable_tokens: 0,
    tables,
    left_out: [],
    ...header,
  };
}

export async function archiveOf(made: MadeOf): Promise<Buffer> {
  return gathered(archiveBytes(made.ring, headerOf(made), Readable.from(made.batches)));
}

export async function writeArchive(path: string, made: MadeOf): Promise<string> {
  await writeFile(path, await archiveOf(made));
  return path;
}

export async function gathered(parts: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

export async function textOf(batches: readonly RowBatch[]): Promise<string> {
  return (await gathered(linesOf(Readable.from(batches)))).toString('utf8');
}

/** As somebody would who can count a checksum and has not got the key. */
export function withFittingChecksum(archive: Buffer): Buffer {
  const body = archive.subarray(0, -32);
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}
