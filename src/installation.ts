/**
 * An installation: the database at the version that this program needs, the encryption key ring, the
 * fingerprints, the audit trail. The one place that puts these rooms together.
 */
import { readAuditKeyToken } from './audit/audit-key.ts';
import { AuditTrail } from './audit/audit-trail.ts';
import { dataDirectoryKeyRing, type FoundKeyRing } from './crypto/find-key-ring.ts';
import { Fingerprinter } from './crypto/fingerprint.ts';
import type { Database } from './database/database.ts';
import type { EmbeddedDatabase } from './database/embedded.ts';
import { migrateAtStart, pendingVersions } from './database/migrations/shipped-migrations.ts';
import { openDatabase } from './database/open-database.ts';
import { systemClock, type Clock } from './foundation/clock.ts';
import type { Config } from './foundation/config.ts';
import { UsageError } from './foundation/errors.ts';
import { endInstances } from './keys/instances.ts';
import { admitRing } from './keys/reencryption/keys-in-use.ts';
import { KnownBindings } from './keys/known-bindings.ts';
import { readEncryptedRows, readFingerprintKey } from './keys/provider-store.ts';

export interface Installation {
  readonly config: Config;
  readonly database: Database;
  readonly keyRing: FoundKeyRing;
  readonly fingerprinter: Fingerprinter;
  readonly audit: AuditTrail;
  readonly bindings: KnownBindings;
  readonly clock: Clock;
  close(): Promise<void>;
}

export interface OpenInstallationOptions {
  /** A server owns the embedded database and migrates any; a command shares the one and migrates only the embedded. */
  readonly as: 'server' | 'command';
  readonly onProgress: (message: string) => void;
  readonly onIdleError?: (error: Error) => void;
  readonly clock?: Clock;
}

/**
 * @param found the ring that the configuration names, and the embedded engine that was started for this
 * @throws UsageError with one line that says what to do
 */
export async function buildInstallation(
  config: Config,
  options: OpenInstallationOptions,
  found: { configured: FoundKeyRing | null; embedded: EmbeddedDatabase | undefined },
): Promise<Installation> {
  const database = await openDatabase(
    config.database,
    { as: options.as, onProgress: options.onProgress, onIdleError: options.onIdleError ?? (() => undefined) },
    found.embedded,
  );
  try {
    if (options.as === 'server' || database.kind === 'embedded') {
      await migrateAtStart(database, ({ kind, message }) =>
        options.onProgress(kind === 'applied' ? `Applied migration ${message}` : message),
      );
    } else {
      await refusePending(database);
    }
    if (database.ownsEngine) await endInstances(database.kysely);
    const keyRing =
      found.configured ??
      (await dataDirectoryKeyRing(config.dataDirectory, async () => encryptedThings(database)));
    if (options.as === 'server') await admitRing(database.kysely, keyRing.ring, keyRing.from);
    const fingerprinter = new Fingerprinter(await readFingerprintKey(database.kysely));
    const { clock = systemClock } = options;
    const audit = new AuditTrail({ db: database.kysely, ring: keyRing.ring, clock });
    return {
      config,
      database,
      keyRing,
      fingerprinter,
      audit,
      clock,
      bindings: new KnownBindings(),
      close: async () => database.close(),
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** What is lost without the encryption key, in words: the stored keys, and the audit trail's own. */
async function encryptedThings({ kysely }: Database): Promise<string[]> {
  const keys = (await readEncryptedRows(kysely)).length;
  const auditKey = await readAuditKeyToken(kysely);
  return [
    ...(keys === 0 ? [] : [keys === 1 ? 'the stored key' : `the ${keys} stored keys`]),
    ...(auditKey === undefined ? [] : ['the audit trail']),
  ];
}

async function refusePending(database: Database): Promise<void> {
  const pending = await pendingVersions(database);
  if (pending.length === 0) return;
  throw new UsageError(
    `The database (${database.description}) has not got ${pending.join(', ')} of the migrations yet. Apply them with: keyward migrate`,
    { exitCode: 3 },
  );
}
