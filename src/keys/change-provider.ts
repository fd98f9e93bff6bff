/**
 * Every change of a provider's key, source or test result that Keyward makes: audited in its own
 * transaction, keys as fingerprints, and answered with the revision that it made. A key is bound to the
 * provider and its host as it is stored.
 */
import { sql, type Kysely, type Selectable, type UpdateObject } from 'kysely';
import { storable, type AuditEntry, type Occasion, writtenBy } from '../audit/audit-event.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import { encryptMarked } from '../crypto/encryption-mark.ts';
import { maskKey, type Fingerprinter } from '../crypto/fingerprint.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import { showStoredKey, type ShownKey } from '../crypto/stored-key.ts';
import type { LlmProvidersTable, Tables } from '../database/tables.ts';
import type { Config } from '../foundation/config.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { Secret } from '../foundation/secret.ts';
import { isProof, testStatusOf } from '../providers/verdict.ts';
import type { Alongside } from './ask-provider.ts';
import { noteHealth } from './health/note-health.ts';
import { recordedBinding, type KnownBindings } from './known-bindings.ts';
import type { KeySource } from './resolve-key.ts';
import { refuseCredential } from './management-credentials.ts';
import { placeOf } from './stored-key-place.ts';
import type { KeyTestResult } from './test-key.ts';

export interface ChangeParts {
  readonly audit: AuditTrail;
  readonly ring: KeyRing;
  readonly fingerprinter: Fingerprinter;
  readonly config: Pick<Config, 'keyBinding' | 'upstream' | 'provider'>;
  readonly bindings: KnownBindings;
}

export interface Written {
  /** False when there is no such provider; then nothing was changed. */
  readonly found: boolean;
  readonly revision: number;
}

export interface Precondition {
  /** The change happens only if the provider has not changed since this revision (If-Match, RFC 9110). */
  readonly ifRevision?: number | undefined;
}

/** A whole row, as it stands under its lock. */
export type LockedRow = Selectable<LlmProvidersTable>;

interface Change {
  readonly values: UpdateObject<Tables, 'llm_providers'>;
  /** The new binding of a new key. */
  readonly binding?: string;
  /** The new key that an administrator entered: what its version says of it. */
  readonly entered?: ShownKey & { readonly expires_at?: Date };
  readonly entry: Pick<AuditEntry, 'action' | 'before' | 'after'>;
}

const now = sql<Date>`now() AT TIME ZONE 'UTC'`;

/**
 * Encrypts the key and stores it, untested and bound to the host that the row leads to.
 * @throws KeywardError key_refused (400), revision_mismatch (412), audit_unavailable (503)
 */
export async function storeKey(
  parts: ChangeParts,
  occasion: Occasion,
  slug: string,
  {
    key,
    source,
    expiresAt,
    ifRevision,
  }: { readonly key: Secret; readonly source: string; readonly expiresAt?: Date | undefined } & Precondition,
): Promise<Written> {
  const shown = { fingerprint: parts.fingerprinter.of(key), mask: maskKey(key) };
  const guard = async (tx: Kysely<Tables>): Promise<void> => refuseCredential(tx, shown.fingerprint);
  return changeOne(parts, occasion, slug, { ifRevision, guard }, (row) => {
    const place = placeOf(row);
    const binding = parts.ring.bind(key, place);
    const { token, mark } = encryptMarked(parts.ring, key);
    return {
      binding,
      entered: { ...shown, ...(expiresAt !== undefined && { expires_at: expiresAt }) },
      values: {
        encrypted_api_key: token,
        encrypted_under: mark,
        api_key_source: source,
        api_key_updated_at: now,
        api_key_last_tested: null,
        api_key_test_status: 'untested',
      },
      entry: {
        action: 'provider.key_set',
        before: { source: row.api_key_source, ...storedKeyOf(parts, row) },
        after: {
          source,
          ...shown,
          ...(expiresAt !== undefined && { key_expires_at: expiresAt.toISOString() }),
          ...recordedBinding(place, binding),
        },
      },
    };
  });
}

/** Removes the stored key; the source stays as it is. Throws as storeKey. */
export async function removeKey(
  parts: ChangeParts,
  occasion: Occasion,
  slug: string,
  { ifRevision }: Precondition = {},
): Promise<Written> {
  return changeOne(parts, occasion, slug, { ifRevision }, (row) => ({
    values: {
      encrypted_api_key: null,
      api_key_binding: null,
      api_key_updated_at: now,
      api_key_last_tested: null,
      api_key_test_status: null,
    },
    entry: {
      action: 'provider.key_removed',
      before: { source: row.api_key_source, ...storedKeyOf(parts, row) },
      after: { source: row.api_key_source, fingerprint: null, mask: null },
    },
  }));
}

/** Says where the key is found from now on. Throws as storeKey. */
export async function setSource(
  parts: ChangeParts,
  occasion: Occasion,
  slug: string,
  { source, ifRevision }: { readonly source: string } & Precondition,
): Promise<Written> {
  return changeOne(parts, occasion, slug, { ifRevision }, (row) => ({
    values: { api_key_source: source },
    entry: {
      action: 'provider.source_changed',
      before: { source: row.api_key_source },
      after: { source },
    },
  }));
}

export interface TestedKey {
  readonly fingerprint: string;
  /** `candidate`: a key that was offered for the test and is not in use. */
  readonly source: KeySource | 'candidate';
  /** The Fernet token that was tested, where it was the stored key. */
  readonly storedToken?: string;
  readonly alongside?: Alongside | undefined;
}

/**
 * Records a test in the history and the audit trail; on the provider's row, where it was the stored key and
 * still is; and in the columns of health, where it was the key that serves. `found` says whether the row took it.
 */
export async function recordTest(
  { audit }: ChangeParts,
  occasion: Occasion,
  slug: string,
  tested: TestedKey,
  result: KeyTestResult,
): Promise<Written> {
  const { value: found, revision } = await audit.change(occasion, async (tx, record) => {
    const isStored =
      tested.storedToken !== undefined && (await markTested(tx, slug, tested.storedToken, result));
    await tx
      .insertInto('keyward_key_tests')
      .values({
        provider_slug: slug,
        fingerprint: tested.fingerprint,
        source: tested.source,
        verdict: result.verdict,
        code: result.code,
        message: result.message,
        advice: result.advice,
        http_status: result.httpStatus,
        response_time_ms: result.responseTimeMs,
        asked_by: writtenBy(occasion),
        tested_at: result.testedAt,
      })
      .execute();
    await noteOnVersions(tx, slug, tested.fingerprint, result);
    // Another key may have been stored while the provider was asked: this says nothing of that one.
    if (isStored || tested.source === 'environment') {
      const { testedAt: at, responseTimeMs } = result;
      await noteHealth(tx, { slug, fingerprint: tested.fingerprint }, { at, responseTimeMs });
    }
    await tested.alongside?.(tx, result);
    record({
      action: 'provider.key_tested',
      target: { kind: 'provider', id: slug },
      after: { fingerprint: tested.fingerprint, source: tested.source, verdict: result.verdict },
    });
    return isStored;
  });
  return { found, revision };
}

/** Whatever a test says of a key, it says of each version that holds it and may serve. */
async function noteOnVersions(
  tx: Kysely<Tables>,
  slug: string,
  fingerprint: string,
  { verdict, testedAt, facts }: KeyTestResult,
): Promise<void> {
  await tx
    .updateTable('keyward_key_versions')
    .set({
      last_verdict: verdict,
      last_tested_at: testedAt,
      ...(facts.expiresAt !== null && { expires_at: facts.expiresAt }),
    })
    .where('provider_id', 'in', (providers) =>
      providers.selectFrom('llm_providers').select('llm_providers.id').where('provider_slug', '=', slug),
    )
    .where('fingerprint', '=', fingerprint)
    .where('state', 'in', ['pending', 'active', 'previous'])
    .execute();
}

async function markTested(
  tx: Kysely<Tables>,
  slug: string,
  storedToken: string,
  { verdict, testedAt }: KeyTestResult,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('llm_providers')
    .set({
      // Only proof takes a proof back: an outage makes no dead key serve again.
      api_key_test_status: isProof(verdict)
        ? testStatusOf(verdict)
        : sql<string>`CASE WHEN api_key_test_status = 'invalid' THEN 'invalid' ELSE ${testStatusOf(verdict)} END`,
      api_key_last_tested: testedAt,
    })
    .where('provider_slug', '=', slug)
    .where('encrypted_api_key', '=', storedToken)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

async function changeOne(
  { audit }: ChangeParts,
  occasion: Occasion,
  slug: string,
  { ifRevision, guard }: Precondition & { readonly guard?: (tx: Kysely<Tables>) => Promise<void> },
  change: (row: LockedRow) => Change,
): Promise<Written> {
  const { value: found, revision } = await audit.change(occasion, async (tx, record) => {
    const row = await lockRow(tx, slug, { ifRevision });
    if (row === undefined) return false;
    await guard?.(tx);
    const { values, binding, entered, entry } = change(row);
    const update = tx.updateTable('llm_providers').where('id', '=', row.id);
    await update.set(values).execute();
    // By itself: set along with a new token, a binding that is the same as before (the same key, entered
    // again) looks to the trigger of migration 007 like one that was left behind.
    if (binding !== undefined) await update.set({ api_key_binding: binding }).execute();
    if (entered !== undefined) await describeEntered(tx, row.id, occasion, entered);
    record({ ...entry, target: { kind: 'provider', id: slug } });
    return true;
  });
  return { found, revision };
}

/** The trigger of migration 008 has made a version of the new key, and knows nothing of it. */
async function describeEntered(
  tx: Kysely<Tables>,
  providerId: number,
  { actor, reason }: Occasion,
  shown: NonNullable<Change['entered']>,
): Promise<void> {
  await tx
    .updateTable('keyward_key_versions')
    .set({
      ...shown,
      origin: 'entered',
      created_by: writtenBy({ actor }),
      reason: reason ? storable(reason).slice(0, 500) : null,
    })
    .where('provider_id', '=', providerId)
    .where('state', '=', 'active')
    .execute();
}

/**
 * The row, locked until the end of the transaction; undefined where there is none.
 * @throws KeywardError revision_mismatch when it was changed since the revision
 */
export async function lockRow(
  tx: Kysely<Tables>,
  slug: string,
  { ifRevision }: Precondition,
): Promise<LockedRow | undefined> {
  const row = await tx
    .selectFrom('llm_providers')
    .selectAll()
    .where('provider_slug', '=', slug)
    .forUpdate()
    .executeTakeFirst();
  if (row !== undefined && ifRevision !== undefined) await refuseNewer(tx, row, ifRevision);
  return row;
}

/**
 * The same where there must be one.
 * @throws KeywardError provider_not_found (404), and what lockRow throws
 */
export async function requireLockedRow(
  tx: Kysely<Tables>,
  slug: string,
  precondition: Precondition = {},
): Promise<LockedRow> {
  const row = await lockRow(tx, slug, precondition);
  if (row === undefined) throw new KeywardError('provider_not_found');
  return row;
}

/**
 * Asked under the row's lock, so that of two writers who read the same revision one is refused.
 * @throws KeywardError revision_mismatch (412)
 */
export async function refuseNewer(
  db: Kysely<Tables>,
  row: Pick<LockedRow, 'id'>,
  ifRevision: number,
): Promise<void> {
  const changed = await db
    .selectFrom('keyward_provider_revisions')
    .select('revision')
    .where('provider_id', '=', row.id)
    .executeTakeFirst();
  if (Number(changed?.revision ?? 0) <= ifRevision) return;
  throw new KeywardError('revision_mismatch', {
    message: `The provider was changed in revision ${changed?.revision}, after revision ${ifRevision}. Nothing was changed. Read it again, then repeat the change if it is still wanted.`,
  });
}

/** What a record says of the stored key: enough to recognise it. */
export function storedKeyOf(
  { ring, fingerprinter }: Pick<ChangeParts, 'ring' | 'fingerprinter'>,
  row: Pick<LockedRow, 'encrypted_api_key'>,
): ShownKey {
  return showStoredKey(row.encrypted_api_key, ring, fingerprinter);
}
