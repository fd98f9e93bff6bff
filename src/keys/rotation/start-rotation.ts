/**
 * The beginning of a rotation: a new key is staged beside the stored one, encrypted and bound, and serves
 * nobody. One rotation at a time is open for each provider.
 */
import type { Kysely } from 'kysely';
import { storable, type Occasion, writtenBy } from '../../audit/audit-event.ts';
import { encryptMarked } from '../../crypto/encryption-mark.ts';
import { maskKey } from '../../crypto/fingerprint.ts';
import type { Tables } from '../../database/tables.ts';
import { codeOf, KeywardError } from '../../foundation/errors.ts';
import type { Secret } from '../../foundation/secret.ts';
import { requireLockedRow, type LockedRow, type Precondition } from '../change-provider.ts';
import { refuseForeignRing } from '../foreign-ring.ts';
import { occasionWithout, type KeyActParts } from '../key-acts.ts';
import { refusePastEnd } from '../key-expiry.ts';
import { recordedBinding } from '../known-bindings.ts';
import { refuseCredential } from '../management-credentials.ts';
import { checkKey } from '../set-key.ts';
import { readStoredKey } from '../stored-key.ts';
import { placeOf } from '../stored-key-place.ts';
import { describeFoundVersions } from './found-versions.ts';
import { findActiveVersion, findRotation, type KeyVersion, type Rotation } from './rotation-store.ts';

export interface RotationPlan {
  /** Share of the calls that the new key serves while it is tried, in percent. */
  readonly canaryPercent?: number | undefined;
  readonly canarySeconds?: number | undefined;
  readonly canaryMinCalls?: number | undefined;
  readonly soakSeconds?: number | undefined;
  readonly expiresAt?: Date | undefined;
  /** Keyward takes the steps by itself. */
  readonly isAutomatic?: boolean | undefined;
}

export interface RotationStart extends RotationPlan, Precondition {
  readonly key: Secret;
}

export interface RotationStarted {
  readonly rotation: Rotation;
  readonly revision: number;
  readonly warnings: readonly string[];
}

/**
 * @throws KeywardError key_refused, field_invalid (400), provider_not_found (404), rotation_open (409),
 *   encryption_key_foreign (409), revision_mismatch (412), audit_unavailable (503)
 */
export async function startRotation(
  parts: KeyActParts,
  occasionOfCaller: Occasion,
  slug: string,
  { key, ifRevision, ...plan }: RotationStart,
): Promise<RotationStarted> {
  const { changes } = parts;
  refusePastEnd(parts.clock, plan.expiresAt);
  const occasion = occasionWithout(key, occasionOfCaller);
  const warnings = await checkKey(parts, slug, key);
  await refuseForeignRing(parts.database, changes.ring);
  const { value: rotation, revision } = await changes.audit
    .change(occasion, async (tx, record) => {
      const row = await requireLockedRow(tx, slug, { ifRevision });
      const place = placeOf(row);
      const binding = changes.ring.bind(key, place);
      const { token, mark } = encryptMarked(changes.ring, key);
      const fingerprint = changes.fingerprinter.of(key);
      refuseSameKey(parts, row, fingerprint);
      await refuseCredential(tx, fingerprint);
      const id = await openRotation(parts, tx, occasion, row, plan, {
        encrypted_api_key: token,
        encrypted_under: mark,
        api_key_binding: binding,
        fingerprint,
        mask: maskKey(key),
        origin: 'entered',
      });
      record({
        action: 'rotation.started',
        target: { kind: 'provider', id: slug },
        after: {
          rotation: id,
          step: 'staged',
          new_key: fingerprint,
          new_mask: maskKey(key),
          ...recordedBinding(place, binding),
        },
      });
      return requireOpen(tx, row.id);
    })
    .catch(toOpenError);
  return { rotation, revision, warnings };
}

type NewVersion = Partial<
  Pick<
    KeyVersion,
    | 'encrypted_api_key'
    | 'encrypted_under'
    | 'api_key_binding'
    | 'fingerprint'
    | 'mask'
    | 'minted_name'
    | 'reason'
    | 'created_by'
  >
> &
  Pick<KeyVersion, 'origin'>;

/**
 * Adds version and rotation, under the lock of the provider's row.
 * @returns the id of the rotation
 */
export async function openRotation(
  { changes }: Pick<KeyActParts, 'changes'>,
  tx: Kysely<Tables>,
  occasion: Occasion,
  row: LockedRow,
  plan: RotationPlan,
  version: NewVersion,
): Promise<string> {
  if ((await findRotation(tx, row.id, 'open')) !== undefined) throw new KeywardError('rotation_open');
  await describeFoundVersions(tx, changes, row.id);
  const by = {
    created_by: writtenBy(occasion),
    reason: occasion.reason ? storable(occasion.reason).slice(0, 500) : null,
  };
  const { id: newId } = await tx
    .insertInto('keyward_key_versions')
    .values({ provider_id: row.id, state: 'pending', ...by, ...version, expires_at: plan.expiresAt ?? null })
    .returning('id')
    .executeTakeFirstOrThrow();
  const old = await findActiveVersion(tx, row.id);
  const { id } = await tx
    .insertInto('keyward_rotations')
    .values({
      provider_id: row.id,
      step: version.encrypted_api_key === undefined ? 'minting' : 'staged',
      new_version_id: newId,
      old_version_id: old?.id ?? null,
      source_before: row.api_key_source,
      started_by: by.created_by,
      reason: by.reason,
      is_automatic: plan.isAutomatic ?? false,
      ...(plan.canaryPercent !== undefined && { canary_percent: plan.canaryPercent }),
      ...(plan.canarySeconds !== undefined && { canary_seconds: plan.canarySeconds }),
      ...(plan.canaryMinCalls !== undefined && { canary_min_calls: plan.canaryMinCalls }),
      ...(plan.soakSeconds !== undefined && { soak_seconds: plan.soakSeconds }),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/** A key that is rotated to itself would be its own fallback, and revoked in the end. */
function refuseSameKey(
  { changes: { ring, fingerprinter } }: KeyActParts,
  row: LockedRow,
  fingerprint: string,
): void {
  if (!row.encrypted_api_key) return;
  const stored = readStoredKey(row.encrypted_api_key, ring, fingerprinter);
  if ('problem' in stored || stored.key.fingerprint !== fingerprint) return;
  throw new KeywardError('key_refused', {
    message: 'This key is the stored one already. Stage another. Nothing was changed.',
    param: 'api_key',
  });
}

async function requireOpen(tx: Kysely<Tables>, providerId: number): Promise<Rotation> {
  const rotation = await findRotation(tx, providerId, 'open');
  if (rotation === undefined) throw new KeywardError('rotation_not_found');
  return rotation;
}

/** Of PostgreSQL's error codes: two that began at once, where one was not seen yet. */
const uniqueViolation = '23505';

export function toOpenError(error: unknown): never {
  throw codeOf(error) === uniqueViolation ? new KeywardError('rotation_open', { cause: error }) : error;
}
