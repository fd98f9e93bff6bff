/**
 * Finds the encryption key ring of this installation: the environment first, then the named file, then
 * the file in the data directory. Makes a key only for an embedded database that has nothing encrypted yet.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../foundation/config.ts';
import { UsageError } from '../foundation/errors.ts';
import { createEncryptionKeyFile, readEncryptionKeyFile } from './encryption-key-file.ts';
import { makeAGoodKey } from './encryption-key.ts';
import { KeyRing } from './key-ring.ts';

export interface FoundKeyRing {
  readonly ring: KeyRing;
  /** The variable or file that it came from. */
  readonly from: string;
  /** The file, when this call made it. */
  readonly createdFile: string | null;
  /** The file, when others than its owner can read it. */
  readonly openFile: string | null;
}

/**
 * The ring that the configuration names; null when it is left to the data directory of an embedded
 * database. Needs no database, so that a start without a good key touches none.
 * @throws UsageError that says what is wrong with a key, or which command makes a good one
 */
export function configuredKeyRing(config: Config): FoundKeyRing | null {
  if (config.encryptionKey !== undefined) {
    const ring = KeyRing.parse(config.encryptionKey);
    return { ring, from: 'BYOK_ENCRYPTION_KEY', createdFile: null, openFile: null };
  }
  if (config.encryptionKeyFile !== undefined) return fromFile(config.encryptionKeyFile);
  if (config.database.kind === 'embedded') return null;
  throw new UsageError(
    `No encryption key: with a PostgreSQL of your own, set BYOK_ENCRYPTION_KEY or BYOK_ENCRYPTION_KEY_FILE, the same for every instance. ${makeAGoodKey}`,
  );
}

/**
 * The ring in the data directory, made when there is none.
 * @param neededFor what there is that only the old key opens, in words; with any, no new key is made
 * @throws UsageError that says that the old key must come back
 */
export async function dataDirectoryKeyRing(
  dataDirectory: string,
  neededFor: () => Promise<readonly string[]>,
): Promise<FoundKeyRing> {
  const path = join(dataDirectory, 'encryption-key');
  if (existsSync(path)) return fromFile(path);
  const things = await neededFor();
  if (things.length === 0) return makeFile(path);
  throw new UsageError(
    `The encryption key file ${path} is gone, and nothing else opens ${things.join(' and ')}. Put it back from your backup, or set BYOK_ENCRYPTION_KEY to the key it held.`,
  );
}

function makeFile(path: string): FoundKeyRing {
  try {
    const ring = KeyRing.parse(createEncryptionKeyFile(path));
    return { ring, from: path, createdFile: path, openFile: null };
  } catch (error) {
    // A server and a command that start together both find no file; the second takes the first one's.
    if (existsSync(path)) return fromFile(path);
    throw error;
  }
}

function fromFile(path: string): FoundKeyRing {
  const { text, tooOpen } = readEncryptionKeyFile(path);
  return { ring: KeyRing.parse(text), from: path, createdFile: null, openFile: tooOpen ? path : null };
}
