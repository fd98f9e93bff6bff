/**
 * A rotation whose new key the provider makes. The intent stands in the database, with the name by which the key
 * can be found again, before the provider is asked; what a crash leaves behind is found by that name and revoked.
 */
import { randomUUID } from 'node:crypto';
import { sql, type Kysely } from 'kysely';
import type { Occasion } from '../../audit/audit-event.ts';
import { encryptMarked } from '../../crypto/encryption-mark.ts';
import { maskKey } from '../../crypto/fingerprint.ts';
import type { Tables } from '../../database/tables.ts';
import { KeywardError, messageOf } from '../../foundation/errors.ts';
import { lockRow, requireLockedRow } from '../change-provider.ts';
import { refuseForeignRing } from '../foreign-ring.ts';
import type { KeyActParts } from '../key-acts.ts';
import { refusePastEnd } from '../key-expiry.ts';
import { findProvider } from '../list-providers.ts';
import { readStoredKey } from '../stored-key.ts';
import { placeOf } from '../stored-key-place.ts';
import { mintAtProvider, RefusedByManagement, revokeAtProvider, type MintedKey } from './call-management.ts';
import { openManagement, requireManagement, type ManagementAccess } from './management-store.ts';
import { moveRotation, type RotationMoved } from './move-rotation.ts';
import { databaseNow, findRotation, type Rotation } from './rotation-store.ts';
import { openRotation, toOpenError, type RotationPlan } from './start-rotation.ts';

/** Begins every name of a key that Keyward has made. */
const mintedNamePrefix = 'keyward-';

/** For how long nobody else takes a rotation whose key is being made, in seconds. */
const mintSeconds = 60;

export interface MintedRotation extends RotationPlan {
  /** The instance that makes it; takes the rotation for itself meanwhile. */
  readonly claimedBy?: string | undefined;
  readonly ifRevision?: number | undefined;
}

/**
 * @throws KeywardError field_invalid (400), provider_not_found (404), management_unavailable (409), rotation_open (409),
 *   management_failed (502); what may have been made is found and revoked by the next sweep
 */
export async function mintRotation(
  parts: KeyActParts,
  occasion: Occasion,
  slug: string,
  { claimedBy, ifRevision, ...plan }: MintedRotation,
): Promise<RotationMoved> {
  const { changes, database } = parts;
  refusePastEnd(parts.clock, plan.expiresAt);
  const row = await findProvider(database.kysely, slug);
  if (row === undefined) throw new KeywardError('provider_not_found');
  const access = await requireMinting(parts, row);
  await refuseForeignRing(database, changes.ring);
  const name = mintedName();
  const { value: id } = await changes.audit
    .change(occasion, async (tx, record) => {
      const locked = await requireLockedRow(tx, slug, { ifRevision });
      const opened = await openRotation(parts, tx, occasion, locked, plan, {
        origin: 'minted',
        minted_name: name,
      });
      await claim(tx, opened, claimedBy);
      record({
        action: 'rotation.started',
        target: { kind: 'provider', id: slug },
        after: { rotation: opened, step: 'minting', minted_name: name },
      });
      return opened;
    })
    .catch(toOpenError);
  return mintFor(parts, occasion, slug, { id, name, access, goesOn: plan.isAutomatic ?? false });
}

/**
 * Goes on with a rotation whose process ended while the key was being made: with the key, where that was still
 * written down; else under a new name, since the old one may still turn up at the provider. Throws as mintRotation.
 * @param rotation claimed by the caller
 */
export async function mintAgain(
  parts: KeyActParts,
  occasion: Occasion,
  slug: string,
  rotation: Rotation,
): Promise<RotationMoved> {
  const { changes, database } = parts;
  if (rotation.newKey.encrypted_api_key !== null) return goOnWith(parts, occasion, slug, rotation);
  const row = await findProvider(database.kysely, slug);
  if (row === undefined) throw new KeywardError('provider_not_found');
  const access = await requireMinting(parts, row);
  const name = mintedName();
  await changes.audit.change(occasion, async (tx, record) => {
    await lockRow(tx, slug, {});
    const still = await findRotation(tx, row.id, { id: rotation.id });
    if (still?.step !== 'minting' || still.new_version_id !== rotation.new_version_id)
      throw new KeywardError('rotation_refused');
    await tx
      .updateTable('keyward_key_versions')
      .set({ state: 'retired', retired_at: databaseNow })
      .where('id', '=', still.new_version_id)
      .execute();
    const { id } = await tx
      .insertInto('keyward_key_versions')
      .values({
        provider_id: row.id,
        state: 'pending',
        origin: 'minted',
        minted_name: name,
        created_by: still.started_by,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await tx
      .updateTable('keyward_rotations')
      .set({ new_version_id: id })
      .where('id', '=', still.id)
      .execute();
    record({
      action: 'rotation.moved',
      target: { kind: 'provider', id: slug },
      before: { rotation: still.id, minted_name: still.newKey.minted_name },
      after: { rotation: still.id, step: 'minting', minted_name: name },
    });
  });
  return mintFor(parts, occasion, slug, {
    id: rotation.id,
    name,
    access,
    goesOn: rotation.is_automatic,
  });
}

interface Minting {
  /** The rotation. */
  readonly id: string;
  readonly name: string;
  readonly access: ManagementAccess;
  /** The clock takes it up again, where the provider asks to wait. */
  readonly goesOn: boolean;
}

async function mintFor(
  parts: KeyActParts,
  occasion: Occasion,
  slug: string,
  minting: Minting,
): Promise<RotationMoved> {
  const { changes } = parts;
  const { id, name, access, goesOn } = minting;
  let made: MintedKey;
  try {
    made = await mintAtProvider(access, name);
  } catch (error) {
    const waitSeconds = error instanceof RefusedByManagement ? error.retryAfterSeconds : null;
    if (goesOn && waitSeconds !== null) {
      await postpone(parts, id, waitSeconds);
      throw error;
    }
    const why = `The provider did not make the key. ${messageOf(error).replace(/\.?$/, '.')}${doubtOf(error, access)}`;
    await moveRotation(changes, occasion, slug, id, {
      command: { kind: 'mint_failed', why },
      ifNewKey: name,
    }).catch((failure: unknown) => {
      // It was ended, or another instance went on with it: what the provider said tells more.
      if (!(failure instanceof KeywardError) || failure.status >= 500) throw failure;
    });
    throw error;
  }
  try {
    return await storeMade(parts, occasion, slug, minting, made);
  } catch (error) {
    await keepMade(parts, occasion, slug, minting, made);
    throw error;
  }
}

function doubtOf(error: unknown, { management }: ManagementAccess): string {
  if (error instanceof RefusedByManagement) return '';
  return management.list === undefined
    ? ' It may have made it all the same, and keys cannot be listed there: look for it by its name.'
    : ' If it did all the same, the next sweep revokes it.';
}

async function storeMade(
  parts: KeyActParts,
  occasion: Occasion,
  slug: string,
  { id, name }: Minting,
  made: MintedKey,
): Promise<RotationMoved> {
  const { changes, database } = parts;
  const row = await findProvider(database.kysely, slug);
  if (row === undefined) throw new KeywardError('provider_not_found');
  return moveRotation(changes, occasion, slug, id, {
    command: { kind: 'minted' },
    ifNewKey: name,
    newKey: { ...versionOf(parts, made), api_key_binding: changes.ring.bind(made.key, placeOf(row)) },
    // Whoever looks next may take the next step.
    rotation: { claimed_until: databaseNow },
  });
}

function versionOf({ changes }: Pick<KeyActParts, 'changes'>, { key, id }: MintedKey) {
  const { token, mark } = encryptMarked(changes.ring, key);
  return {
    encrypted_api_key: token,
    encrypted_under: mark,
    fingerprint: changes.fingerprinter.of(key),
    mask: maskKey(key),
    minted_id: id,
  };
}

/**
 * The rotation cannot have the key, or the database cannot be written at the moment: what was made is kept, so
 * that it can be revoked, or taken once more. Where nothing finds it again, it is revoked at once.
 */
async function keepMade(
  parts: KeyActParts,
  occasion: Occasion,
  slug: string,
  { name, access }: Minting,
  made: MintedKey,
): Promise<void> {
  const version = versionOf(parts, made);
  try {
    await parts.changes.audit.change(occasion, async (tx, record) => {
      const kept = await tx
        .updateTable('keyward_key_versions')
        .set(version)
        .where('minted_name', '=', name)
        .where('encrypted_api_key', 'is', null)
        .returning('state')
        .executeTakeFirst();
      if (kept === undefined) return;
      record({
        action: 'key.made',
        target: { kind: 'provider', id: slug },
        after: {
          made_key: version.fingerprint,
          minted_name: name,
          minted_id: made.id,
          state: kept.state,
        },
      });
    });
  } catch (error) {
    if (access.management.list === undefined)
      await revokeAtProvider(access, { id: made.id, key: made.key }).catch(() => undefined);
    throw error;
  }
}

/** The key was made and kept, and only the step is missing. */
async function goOnWith(
  { changes, database }: KeyActParts,
  occasion: Occasion,
  slug: string,
  { id, newKey }: Rotation,
): Promise<RotationMoved> {
  const row = await findProvider(database.kysely, slug);
  if (row === undefined) throw new KeywardError('provider_not_found');
  const read = readStoredKey(newKey.encrypted_api_key ?? '', changes.ring, changes.fingerprinter);
  if ('problem' in read)
    throw new KeywardError('rotation_refused', { message: `The new key cannot be used: ${read.problem}.` });
  return moveRotation(changes, occasion, slug, id, {
    command: { kind: 'minted' },
    newKey: { api_key_binding: changes.ring.bind(read.key, placeOf(row)) },
    rotation: { claimed_until: databaseNow },
    ...(newKey.minted_name !== null && { ifNewKey: newKey.minted_name }),
  });
}

async function requireMinting(
  parts: KeyActParts,
  row: Parameters<typeof openManagement>[1],
): Promise<ManagementAccess> {
  const { mint, credential } = requireManagement(row.provider_slug);
  if (mint === undefined) {
    throw new KeywardError('management_unavailable', {
      message: `Only a person can make a key of ${row.provider_slug}. Begin the rotation with that key.`,
    });
  }
  const access = await openManagement(parts, row);
  if (access !== null) return access;
  throw new KeywardError('management_unavailable', {
    message: `To make keys of ${row.provider_slug} Keyward needs ${credential}. Store it first: keyward keys management set ${row.provider_slug}`,
  });
}

/** Nothing was made. Nobody asks before that time, and then whoever looks first. */
async function postpone({ database }: KeyActParts, id: string, seconds: number): Promise<void> {
  await database.kysely
    .updateTable('keyward_rotations')
    .set({
      claimed_by: null,
      claimed_until: sql<Date>`${databaseNow} + make_interval(secs => ${seconds})`,
      explanation: `The provider is asked too often. It is asked again ${seconds} s later.`,
    })
    .where('id', '=', id)
    .where('step', '=', 'minting')
    .execute();
}

async function claim(tx: Kysely<Tables>, id: string, by: string | undefined): Promise<void> {
  await tx
    .updateTable('keyward_rotations')
    .set({
      claimed_by: by ?? null,
      claimed_until: sql<Date>`${databaseNow} + make_interval(secs => ${sql.lit(mintSeconds)})`,
    })
    .where('id', '=', id)
    .execute();
}

function mintedName(): string {
  return `${mintedNamePrefix}${randomUUID()}`;
}
