/**
 * Every audited change that there is, as a list that tests go through: what has to be there before, and the
 * change itself. A new way to change something belongs in here, a route of the admin API too.
 */
import { createFirstToken, createToken, revokeToken } from '../../src/auth/token-store.ts';
import { absorbForeignChanges } from '../../src/audit/foreign-changes.ts';
import { recordEncryptionRing } from '../../src/audit/record-encryption-ring.ts';
import { retainEvents } from '../../src/audit/retain-events.ts';
import { showStoredKey } from '../../src/crypto/stored-key.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import type { Database } from '../../src/database/database.ts';
import { systemClock } from '../../src/foundation/clock.ts';
import { Secret } from '../../src/foundation/secret.ts';
import {
  recordTest,
  removeKey,
  setSource,
  storedKeyOf,
  storeKey,
  type ChangeParts,
} from '../../src/keys/change-provider.ts';
import { askForTests } from '../../src/keys/health/ask-tests.ts';
import { markRefused } from '../../src/keys/health/mark-refused.ts';
import { changePolicy } from '../../src/keys/health/policy-store.ts';
import { readProviders } from '../../src/keys/provider-store.ts';
import { occasionOfTests } from './audited.ts';
import { resultOf } from './key-test-result.ts';

export interface AuditedChange {
  readonly name: string;
  /** On the state that `prepareForChanges` leaves. */
  readonly change: (database: Database, parts: ChangeParts) => Promise<unknown>;
}

const key = ['planted', 'promised', 'key', '6e6e'].join('-');
const tested = resultOf('valid', new Date('2026-01-02T03:04:05.678Z'));

/** A stored key, a gateway token with number 1, no admin token, and some history. */
export async function prepareForChanges(parts: ChangeParts): Promise<void> {
  await storeKey(parts, occasionOfTests, 'groq', { key: new Secret(key), source: 'database' });
  await createToken(parts.audit, occasionOfTests, { kind: 'gateway', name: 'an application' });
  await setSource(parts, occasionOfTests, 'xai', { source: 'hybrid' });
}

/** In an order in which each of them changes something. */
export const auditedChanges: readonly AuditedChange[] = [
  {
    name: 'a key is stored',
    change: async (_, parts) =>
      storeKey(parts, occasionOfTests, 'xai', { key: new Secret(key), source: 'database' }),
  },
  {
    name: 'a key is replaced',
    change: async (_, parts) =>
      storeKey(parts, occasionOfTests, 'groq', { key: new Secret(`${key}-2`), source: 'hybrid' }),
  },
  { name: 'a key is removed', change: async (_, parts) => removeKey(parts, occasionOfTests, 'groq') },
  {
    name: 'a source is set',
    change: async (_, parts) => setSource(parts, occasionOfTests, 'groq', { source: 'environment' }),
  },
  {
    name: 'a test of the stored key is recorded',
    change: async ({ kysely }, parts) => {
      const row = (await readProviders(kysely)).find(({ provider_slug: slug }) => slug === 'groq');
      const storedToken = row?.encrypted_api_key ?? '';
      return recordTest(
        parts,
        occasionOfTests,
        'groq',
        { fingerprint: 'fp_0', source: 'database', storedToken },
        tested,
      );
    },
  },
  {
    name: 'a test of a key that was only offered is recorded',
    change: async (_, parts) =>
      recordTest(parts, occasionOfTests, 'groq', { fingerprint: 'fp_0', source: 'candidate' }, tested),
  },
  {
    name: 'a key that a call proved dead is marked',
    change: async ({ kysely }, parts) => {
      const row = (await readProviders(kysely)).find(({ provider_slug: slug }) => slug === 'groq');
      const fingerprint =
        storedKeyOf(parts, { encrypted_api_key: row?.encrypted_api_key ?? null }).fingerprint ?? '';
      const refused = { provider_id: row?.id ?? 0, slug: 'groq', fingerprint, verdict: 'invalid' } as const;
      return markRefused(parts, occasionOfTests, refused, new Date('2026-01-02T03:04:05.678Z'));
    },
  },
  {
    name: 'a policy of the age of a key is set',
    change: async (_, changes) =>
      changePolicy({ changes, clock: systemClock }, occasionOfTests, 'groq', { owner: 'somebody' }),
  },
  {
    name: 'the daily tests are asked for',
    change: async (_, changes) => askForTests({ changes, clock: systemClock }, occasionOfTests, ['groq']),
  },
  {
    name: 'the first token of a kind is made',
    change: async ({ kysely }, { audit }) => createFirstToken(kysely, audit, occasionOfTests, 'admin'),
  },
  {
    name: 'a gateway token is made',
    change: async (_, { audit }) => createToken(audit, occasionOfTests, { kind: 'gateway', name: 'another' }),
  },
  {
    name: 'an admin token is made',
    change: async (_, { audit }) => createToken(audit, occasionOfTests, { kind: 'admin', name: 'another' }),
  },
  { name: 'a token is revoked', change: async (_, { audit }) => revokeToken(audit, occasionOfTests, 1) },
  {
    name: 'foreign changes are moved into the trail',
    change: async ({ kysely }, { audit, ring, fingerprinter }) =>
      absorbForeignChanges({
        db: kysely,
        audit,
        clock: systemClock,
        showKey: (token) => showStoredKey(token, ring, fingerprinter),
        occasion: occasionOfTests,
      }),
  },
  {
    name: 'another encryption ring is recorded',
    change: async ({ kysely }, { audit }) =>
      recordEncryptionRing(kysely, audit, occasionOfTests, KeyRing.parse(generateEncryptionKey())),
  },
  {
    name: 'old events are removed',
    change: async (_, { audit }) =>
      retainEvents({ audit, occasion: occasionOfTests }, new Date(Date.now() + 60_000)),
  },
  {
    name: 'an event alone is recorded',
    change: async (_, { audit }) =>
      audit.record(occasionOfTests, {
        action: 'access.refused',
        target: { kind: 'route', id: '/' },
        outcome: 'refused',
      }),
  },
];
