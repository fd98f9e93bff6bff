/**
 * One step of a rotation: decided by the state machine under the lock of the provider's row, and done with its
 * keys and its audit event in one transaction. Whoever comes second finds the step done, and changes nothing.
 */
import type { Kysely, UpdateObject } from 'kysely';
import { storable, type AuditAction, type Occasion } from '../../audit/audit-event.ts';
import type { Tables } from '../../database/tables.ts';
import { KeywardError } from '../../foundation/errors.ts';
import { providerEntry } from '../../providers/registry.ts';
import { requireLockedRow, type ChangeParts, type LockedRow, type Precondition } from '../change-provider.ts';
import { recordedBinding } from '../known-bindings.ts';
import { refuseCredential } from '../management-credentials.ts';
import { readStoredKey } from '../stored-key.ts';
import { placeOf } from '../stored-key-place.ts';
import {
  decide,
  isOpen,
  type KeyMove,
  type RotationCommand,
  type RotationStep,
  type Transition,
} from './rotation-machine.ts';
import { databaseNow, factsOf, findRotation, type KeyVersion, type Rotation } from './rotation-store.ts';
import { readTraffic } from './rotation-traffic.ts';
import { whyNoWayBack } from './way-back.ts';

export interface RotationMove extends Precondition {
  readonly command: RotationCommand;
  /** Only while its new key is the one of this name: another instance may have gone on with another key. */
  readonly ifNewKey?: string;
  /** What else becomes true of the new key. */
  readonly newKey?: UpdateObject<Tables, 'keyward_key_versions'>;
  readonly rotation?: UpdateObject<Tables, 'keyward_rotations'>;
}

export interface RotationMoved {
  readonly rotation: Rotation;
  readonly revision: number;
  /** The step before. */
  readonly from: RotationStep;
}

/**
 * @param id the rotation; absent: the one that is open
 * @throws KeywardError provider_not_found, rotation_not_found (404), rotation_refused (409), key_unproven (409),
 *   revision_mismatch (412), audit_unavailable (503); then nothing was changed
 */
export async function moveRotation(
  parts: ChangeParts,
  occasion: Occasion,
  slug: string,
  id: string | undefined,
  move: RotationMove,
): Promise<RotationMoved> {
  const { value, revision } = await parts.audit.change(occasion, async (tx, record) => {
    const row = await requireLockedRow(tx, slug, { ifRevision: move.ifRevision });
    const before = await requireRotation(tx, row.id, id);
    if (move.ifNewKey !== undefined && before.newKey.minted_name !== move.ifNewKey)
      throw new KeywardError('rotation_refused');
    if (await isDone(tx, before, move.command)) return { from: before.step, rotation: before };
    const facts = factsOf(before, await readTraffic(tx, before.id), whyNoWayBack(parts, row, before));
    const decided = decide(facts, move.command);
    if ('refusal' in decided) throw refused(decided.refusal, decided.mayBeForced);
    // Blanks are no reason, whoever sends them.
    if (decided.forced && !occasion.reason?.trim()) throw new KeywardError('reason_required');
    if (move.newKey !== undefined) await setVersion(tx, before.newKey, move.newKey);
    if (decided.move !== null) await moveKeys(parts, tx, row, before, decided.move);
    await setRotation(tx, before, decided, move.rotation);
    record({
      action: actionOf(before.step, decided, move.command),
      target: { kind: 'provider', id: slug },
      before: { rotation: before.id, step: before.step },
      after: { ...describe(row, before, decided), ...extraOf(move.command) },
    });
    return { from: before.step, rotation: await requireRotation(tx, row.id, before.id) };
  });
  return { ...value, revision };
}

/** Where an administrator's step leads, for one that is asked for twice. */
const leadsTo: Partial<Record<RotationCommand['kind'], RotationStep>> = {
  promote: 'soaking',
  retire: 'completed',
  roll_back: 'rolled_back',
  cancel: 'cancelled',
};

/** The step was taken already, and nothing came after it: whoever asks again is told how it stands. */
async function isDone(
  tx: Kysely<Tables>,
  { id, provider_id: providerId, step }: Rotation,
  { kind }: RotationCommand,
): Promise<boolean> {
  if (leadsTo[kind] !== step) return false;
  return (await findRotation(tx, providerId, 'last'))?.id === id;
}

async function requireRotation(
  tx: Kysely<Tables>,
  providerId: number,
  id: string | undefined,
): Promise<Rotation> {
  const rotation = await findRotation(tx, providerId, id === undefined ? 'open' : { id });
  if (rotation === undefined) throw new KeywardError('rotation_not_found');
  return rotation;
}

function refused(message: string, mayBeForced: boolean): KeywardError {
  return mayBeForced
    ? new KeywardError('key_unproven', {
        message: `${message} With force and a reason it goes on all the same.`,
      })
    : new KeywardError('rotation_refused', { message });
}

async function setVersion(
  tx: Kysely<Tables>,
  { id }: Pick<KeyVersion, 'id'>,
  values: UpdateObject<Tables, 'keyward_key_versions'>,
): Promise<void> {
  await tx.updateTable('keyward_key_versions').set(values).where('id', '=', id).execute();
}

async function setRotation(
  tx: Kysely<Tables>,
  before: Rotation,
  { step, explanation, forced, move }: Transition,
  values: UpdateObject<Tables, 'keyward_rotations'> = {},
): Promise<void> {
  await tx
    .updateTable('keyward_rotations')
    .set({
      ...values,
      explanation: explanation === null ? null : storable(explanation),
      ...(step !== before.step && { step, step_since: databaseNow }),
      ...(!isOpen(step) && { ended_at: databaseNow, claimed_by: null, claimed_until: null }),
      ...(move === 'promote' && { promoted_at: databaseNow }),
      ...(forced && { is_forced: true }),
    })
    .where('id', '=', before.id)
    .execute();
}

/** In an order in which no two versions of a provider are active at once. */
async function moveKeys(
  parts: ChangeParts,
  tx: Kysely<Tables>,
  row: LockedRow,
  { newKey, oldKey, source_before: sourceBefore }: Rotation,
  move: KeyMove,
): Promise<void> {
  if (move === 'retire_new') return retire(tx, newKey);
  if (move === 'retire_old')
    return oldKey === null ? undefined : retire(tx, oldKey, await isToBeRevoked(tx, row, oldKey));
  if (move === 'promote') {
    requireUsable(parts, row, newKey);
    // Stored as such since the key was staged, which no force undoes.
    if (newKey.fingerprint !== null) await refuseCredential(tx, newKey.fingerprint);
    if (oldKey !== null) await setVersion(tx, oldKey, { state: 'previous' });
    await setVersion(tx, newKey, { state: 'active', promoted_at: databaseNow });
    return storeVersion(tx, row, newKey, sourceBefore === 'hybrid' ? 'hybrid' : 'database');
  }
  await retire(tx, newKey);
  if (oldKey !== null) await setVersion(tx, oldKey, { state: 'active', promoted_at: databaseNow });
  return storeVersion(tx, row, oldKey, sourceBefore);
}

/** What the provider made it may have to revoke by the key itself, so that key stays until it is revoked. */
async function retire(
  tx: Kysely<Tables>,
  version: KeyVersion,
  staysForNow = version.origin === 'minted',
): Promise<void> {
  await setVersion(tx, version, {
    state: 'retired',
    retired_at: databaseNow,
    ...(!staysForNow && { encrypted_api_key: null, api_key_binding: null }),
  });
}

/** Also a key that a person made, where the next sweep can tell by the key itself which one it is there. */
async function isToBeRevoked(
  tx: Kysely<Tables>,
  { id, provider_slug: slug }: LockedRow,
  { origin, minted_id: mintedId }: KeyVersion,
): Promise<boolean> {
  if (origin === 'minted') return true;
  if (mintedId !== null || providerEntry(slug).management?.list?.hintAt === undefined) return false;
  const credential = await tx
    .selectFrom('keyward_management_keys')
    .select('provider_id')
    .where('provider_id', '=', id)
    .executeTakeFirst();
  return credential !== undefined;
}

/** The stored key becomes that of the version; the trigger of migration 008 finds it active already. */
async function storeVersion(
  tx: Kysely<Tables>,
  row: LockedRow,
  version: KeyVersion | null,
  source: string,
): Promise<void> {
  const update = tx.updateTable('llm_providers').where('id', '=', row.id);
  await update
    .set({
      encrypted_api_key: version?.encrypted_api_key ?? null,
      encrypted_under: version?.encrypted_under ?? null,
      api_key_source: source,
      api_key_updated_at: databaseNow,
    })
    .execute();
  if (version === null) return;
  // By themselves, since triggers clear what was said of the old key where it is set along with a new one.
  await update
    .set({
      api_key_binding: version.api_key_binding,
      ...(version.last_verdict === 'valid' && {
        api_key_test_status: 'valid',
        api_key_last_tested: version.last_tested_at,
      }),
    })
    .execute();
}

/** A key that would not serve once it is promoted would take the provider down. */
function requireUsable({ ring, fingerprinter }: ChangeParts, row: LockedRow, version: KeyVersion): void {
  const read =
    version.encrypted_api_key === null
      ? { problem: 'it is not there' }
      : readStoredKey(version.encrypted_api_key, ring, fingerprinter);
  if ('problem' in read)
    throw new KeywardError('rotation_refused', {
      message: `Nothing was switched. The new key cannot be used: ${read.problem}.`,
    });
  const isBound =
    version.api_key_binding !== null &&
    ring.verifyBinding(version.api_key_binding, read.key, placeOf(row)) === 'good';
  if (isBound) return;
  throw new KeywardError('rotation_refused', {
    message:
      'Nothing was switched. The address of the provider was changed since the new key was staged, and the key is bound to the old one. Cancel, and stage it again.',
  });
}

function actionOf(before: RotationStep, { step }: Transition, { kind }: RotationCommand): AuditAction {
  if (step === 'rolled_back') return 'rotation.rolled_back';
  if (step === 'soaking' && before !== 'soaking') return 'rotation.promoted';
  if (step === 'completed') return 'rotation.retired';
  if (step === 'cancelled') return 'rotation.cancelled';
  if (step === 'failed') return 'rotation.failed';
  return kind === 'tested' ? 'rotation.tested' : kind === 'refused' ? 'rotation.refused' : 'rotation.moved';
}

/** `fingerprint` stands only where the stored key has changed: by that name the trail says which one is stored. */
function describe(
  row: LockedRow,
  { id, newKey, oldKey }: Rotation,
  { step, move, explanation, forced }: Transition,
): Readonly<Record<string, unknown>> {
  const stored = move === 'promote' ? newKey : move === 'restore' ? oldKey : undefined;
  return {
    rotation: id,
    step,
    new_key: newKey.fingerprint,
    old_key: oldKey?.fingerprint ?? null,
    ...(stored !== undefined && { fingerprint: stored?.fingerprint ?? null, mask: stored?.mask ?? null }),
    ...(stored?.api_key_binding && recordedBinding(placeOf(row), stored.api_key_binding)),
    ...(forced && { forced: true }),
    ...(explanation !== null && { explanation }),
  };
}

function extraOf(command: RotationCommand): Readonly<Record<string, unknown>> {
  return 'verdict' in command ? { verdict: command.verdict } : {};
}
