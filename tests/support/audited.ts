/** What audited changes need, on a database of the tests: a trail, a ring, fingerprints, and an occasion. */
import { AuditTrail } from '../../src/audit/audit-trail.ts';
import type { Occasion } from '../../src/audit/audit-event.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { Fingerprinter } from '../../src/crypto/fingerprint.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import type { Database } from '../../src/database/database.ts';
import { systemClock, type Clock } from '../../src/foundation/clock.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import type { ChangeParts } from '../../src/keys/change-provider.ts';
import { KnownBindings } from '../../src/keys/known-bindings.ts';
import { readFingerprintKey } from '../../src/keys/provider-store.ts';

export const occasionOfTests: Occasion = {
  actor: { kind: 'command', id: null, name: 'a test', role: null, address: null, userAgent: null },
};

/** @param ring the one that the installation has used before, where there was one */
export function auditTrailOn(
  { kysely }: Database,
  ring = KeyRing.parse(generateEncryptionKey()),
  clock: Clock = systemClock,
): AuditTrail {
  return new AuditTrail({ db: kysely, ring, clock });
}

export async function changePartsOn(
  database: Database,
  ring = KeyRing.parse(generateEncryptionKey()),
  environment: Readonly<Record<string, string>> = {},
): Promise<ChangeParts> {
  return {
    audit: auditTrailOn(database, ring),
    ring,
    config: loadConfig(environment),
    bindings: new KnownBindings(),
    fingerprinter: new Fingerprinter(await readFingerprintKey(database.kysely)),
  };
}

/** Adds that many events to the trail, in one transaction. */
export async function recordMany(audit: AuditTrail, count: number, name = 'event'): Promise<void> {
  await audit.change(occasionOfTests, async (_tx, record) => {
    for (let index = 1; index <= count; index += 1) {
      record({
        action: 'provider.key_set',
        target: { kind: 'provider', id: `${name}-${index}` },
        before: { source: 'environment', fingerprint: null, mask: null },
        after: {
          source: 'database',
          fingerprint: `fp_${index.toString(16).padStart(12, '0')}`,
          mask: 'sk-…fa4e',
        },
      });
    }
  });
}
