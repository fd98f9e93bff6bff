/**
 * Proves the audit trail of this installation, with the keys that are stored: what `keyward audit verify` and
 * the admin API tell of it is the same.
 */
import type { AnchoredHeads } from '../audit/read-anchors.ts';
import { verifyAuditTrail, type TrailReport } from '../audit/verify-trail.ts';
import type { Fingerprinter } from '../crypto/fingerprint.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import { showStoredKey, type ShownKey } from '../crypto/stored-key.ts';
import type { Database } from '../database/database.ts';
import { readProviders } from './provider-store.ts';

/** A statement on the embedded engine stops everything else in its process, so it must be short. */
const embeddedBatchSize = 500;

/**
 * @param options.signal ends the reading between two batches
 * @throws what verifyAuditTrail throws, and the reason of the signal
 */
export async function proveTrail(
  {
    database,
    ring,
    fingerprinter,
  }: { readonly database: Database; readonly ring: KeyRing; readonly fingerprinter: Fingerprinter },
  options: {
    readonly anchors?: AnchoredHeads | undefined;
    readonly onProgress?: (sequence: number) => void;
    readonly signal?: AbortSignal;
  } = {},
): Promise<TrailReport> {
  const { kysely: db } = database;
  const storedKeys = new Map<string, ShownKey>();
  for (const { provider_slug: slug, encrypted_api_key: token } of await readProviders(db))
    storedKeys.set(slug, showStoredKey(token, ring, fingerprinter));
  return verifyAuditTrail({
    db,
    ring,
    storedKeys,
    ...(database.kind === 'embedded' ? { batchSize: embeddedBatchSize } : {}),
    ...options,
  });
}
