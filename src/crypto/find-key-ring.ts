/**
 * Finds the encryption key ring of this installation: the environment first, then the named file, then
 * the named command, then the file in the data directory. Makes a key only for an embedded database that has nothing encrypted yet.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../foundation/config.ts';
import { messageOf, UsageError } from '../foundation/errors.ts';
import type { Secret } from '../foundation/secret.ts';
import { runEncryptionKeyCommand } from './encryption-key-command.ts';
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
  /** The file that it stands in; null for a ring that does not stand in one. */
  readonly file: string | null;
  /**
   * Reads it again, as it may have changed meanwhile; null for the environment, which a process keeps as it is.
   * @throws UsageError that says what is wrong with what stands there now
   */
  readonly reread: (() => Promise<KeyRing>) | null;
}

/**
 * The ring that the configuration names; null when it is left to the data directory of an embedded
 * database. Needs no database, so that a start without a good key touches none.
 * @throws UsageError that says what is wrong with a key, or which command makes a good one
 */
export async function configuredKeyRing(config: Config): Promise<FoundKeyRing | null> {
  if (config.encryptionKey !== undefined) {
    const ring = KeyRing.parse(config.encryptionKey);
    return { ring, from: 'BYOK_ENCRYPTION_KEY', createdFile: null, openFile: null, file: null, reread: null };
  }
  if (config.encryptionKeyFile !== undefined) return fromFile(config.encryptionKeyFile);
  if (config.encryptionKeyCommand !== undefined) return fromCommand(config.encryptionKeyCommand);
  if (config.database.kind === 'embedded') return null;
  throw new UsageError(
    `No encryption key: with a PostgreSQL of your own, set BYOK_ENCRYPTION_KEY, BYOK_ENCRYPTION_KEY_FILE or BYOK_ENCRYPTION_KEY_COMMAND, the same for every instance. ${makeAGoodKey}`,
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
  const path = keyFileIn(dataDirectory);
  if (existsSync(path)) return fromFile(path);
  const things = await neededFor();
  if (things.length === 0) return makeFile(path);
  throw new UsageError(
    `The encryption key file ${path} is gone, and nothing else opens ${things.join(' and ')}. Put it back from your backup, or set BYOK_ENCRYPTION_KEY to the key it held.`,
  );
}

/**
 * The ring that is there, wherever it stands; makes none.
 * @returns null for an embedded database without a key
 * @throws UsageError that says what is wrong with a key, or which command makes a good one
 */
export async function presentKeyRing(config: Config): Promise<FoundKeyRing | null> {
  const configured = await configuredKeyRing(config);
  if (configured !== null) return configured;
  const path = keyFileIn(config.dataDirectory);
  return existsSync(path) ? fromFile(path) : null;
}

function keyFileIn(dataDirectory: string): string {
  return join(dataDirectory, 'encryption-key');
}

function makeFile(path: string): FoundKeyRing {
  try {
    const ring = KeyRing.parse(createEncryptionKeyFile(path));
    return { ...inFile(path), ring, createdFile: path, openFile: null };
  } catch (error) {
    // A server and a command that start together both find no file; the second takes the first one's.
    if (existsSync(path)) return fromFile(path);
    throw error;
  }
}

function fromFile(path: string): FoundKeyRing {
  const { text, tooOpen } = readEncryptionKeyFile(path);
  return {
    ...inFile(path),
    ring: parseFile(path, text),
    createdFile: null,
    openFile: tooOpen ? path : null,
  };
}

function parseFile(path: string, text: Secret): KeyRing {
  try {
    return KeyRing.parse(text);
  } catch (error) {
    throw new UsageError(
      `The encryption key file ${path} is damaged, or no key file. ${messageOf(error)} Where keys are stored already, put the file back from your backup instead: a new key opens none of them.`,
      { cause: error },
    );
  }
}

function inFile(path: string): Pick<FoundKeyRing, 'from' | 'file' | 'reread'> {
  // A pipe is read once: to open it again would wait for a writer, and keep the whole process waiting.
  if (!statSync(path).isFile()) return { from: path, file: null, reread: null };
  return { from: path, file: path, reread: async () => parseFile(path, readEncryptionKeyFile(path).text) };
}

async function fromCommand(command: string): Promise<FoundKeyRing> {
  const reread = async (): Promise<KeyRing> => KeyRing.parse(await runEncryptionKeyCommand(command));
  const ring = await reread();
  return {
    ring,
    from: 'BYOK_ENCRYPTION_KEY_COMMAND',
    createdFile: null,
    openFile: null,
    file: null,
    reread,
  };
}
