/** Everything that a snapshot is loaded with, on a database of the tests: a key ring, fingerprints, a configuration. */
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { Fingerprinter } from '../../src/crypto/fingerprint.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { systemClock } from '../../src/foundation/clock.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { KnownBindings } from '../../src/keys/known-bindings.ts';
import { loadSnapshot, type SnapshotParts } from '../../src/keys/load-snapshot.ts';
import { readFingerprintKey } from '../../src/keys/provider-store.ts';
import type { Snapshot } from '../../src/keys/snapshot.ts';
import type { OpenedDatabase } from './keyward-database.ts';

export interface SnapshotSource extends SnapshotParts {
  /** What an operator or the platform's own code would write into encrypted_api_key. */
  encrypt(key: string): string;
  load(): Promise<Snapshot>;
}

/** @param environment the variables of the server, beside those of its database */
export async function snapshotSource(
  { database }: Pick<OpenedDatabase, 'database'>,
  environment: Readonly<Record<string, string>> = {},
): Promise<SnapshotSource> {
  const keyRing = KeyRing.parse(generateEncryptionKey());
  const parts = {
    database,
    keyRing,
    bindings: new KnownBindings(),
    clock: systemClock,
    config: loadConfig(environment),
    fingerprinter: new Fingerprinter(await readFingerprintKey(database.kysely)),
  };
  return {
    ...parts,
    encrypt: (key) => keyRing.encrypt(new Secret(key)),
    load: async () => loadSnapshot(parts),
  };
}
