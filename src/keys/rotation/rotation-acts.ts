/**
 * The steps of a rotation as administrators take them, each alone; the same for the admin API, for commands and
 * for the clock.
 */
import type { Occasion } from '../../audit/audit-event.ts';
import type { Precondition } from '../change-provider.ts';
import type { KeyActParts } from '../key-acts.ts';
import { moveRotation, type RotationMoved } from './move-rotation.ts';
import { whyOldKeyIsDead } from './way-back.ts';

export interface RotationAct extends Precondition {
  /** Absent: the one that is open. */
  readonly id?: string | undefined;
}

interface ForcibleAct extends RotationAct {
  /** Goes on although the proof does not allow it; needs a reason. */
  readonly force?: boolean | undefined;
}

type Parts = Pick<KeyActParts, 'changes'>;

/** Lets the new key serve a share of the calls. Throws as moveRotation. */
export async function startCanary(
  { changes }: Parts,
  occasion: Occasion,
  slug: string,
  { id, ifRevision, force = false, percent }: ForcibleAct & { readonly percent?: number | undefined } = {},
): Promise<RotationMoved> {
  return moveRotation(changes, occasion, slug, id, {
    ifRevision,
    command: { kind: 'canary', force },
    ...(percent !== undefined && { rotation: { canary_percent: percent } }),
  });
}

/** Makes the new key the stored one; the old one stays as its fallback. Throws as moveRotation. */
export async function promoteKey(
  { changes }: Parts,
  occasion: Occasion,
  slug: string,
  { id, ifRevision, force = false }: ForcibleAct = {},
): Promise<RotationMoved> {
  return moveRotation(changes, occasion, slug, id, { ifRevision, command: { kind: 'promote', force } });
}

/**
 * Makes the old key the stored one again, or gives the new one up before it was. Where no key would serve
 * afterwards, or a dead one, it takes force. Throws as moveRotation.
 */
export async function rollBackKey(
  parts: KeyActParts,
  occasion: Occasion,
  slug: string,
  { id, ifRevision, force = false }: ForcibleAct = {},
): Promise<RotationMoved> {
  const why = occasion.reason ?? null;
  const oldIsDead = force ? null : await whyOldKeyIsDead(parts, occasion, slug, id);
  return moveRotation(parts.changes, occasion, slug, id, {
    ifRevision,
    command: { kind: 'roll_back', why, force, oldIsDead },
  });
}

/** Ends the soak: the old key is no fallback any more, and may be revoked. Throws as moveRotation. */
export async function retireOldKey(
  { changes }: Parts,
  occasion: Occasion,
  slug: string,
  { id, ifRevision, force = false }: ForcibleAct = {},
): Promise<RotationMoved> {
  return moveRotation(changes, occasion, slug, id, { ifRevision, command: { kind: 'retire', force } });
}

/**
 * Gives the new key up before it serves all calls; not while it stands in for a dead one. Throws as moveRotation.
 */
export async function cancelRotation(
  parts: KeyActParts,
  occasion: Occasion,
  slug: string,
  { id, ifRevision }: RotationAct = {},
): Promise<RotationMoved> {
  const oldIsDead = await whyOldKeyIsDead(parts, occasion, slug, id);
  return moveRotation(parts.changes, occasion, slug, id, {
    ifRevision,
    command: { kind: 'cancel', oldIsDead },
  });
}
