/**
 * The next step of a rotation that goes by itself: the same steps, behind the same proofs, as an administrator
 * takes them. What does not go on for too long is given up, and the old key serves on.
 */
import type { Occasion } from '../../audit/audit-event.ts';
import { KeywardError } from '../../foundation/errors.ts';
import type { KeyActParts } from '../key-acts.ts';
import type { ListedProvider } from '../list-providers.ts';
import { hasSpread } from './call-management.ts';
import { whatCanaryWaitsFor } from './canary-wait.ts';
import { openManagement } from './management-store.ts';
import { mintAgain } from './mint-rotation.ts';
import { cancelRotation, promoteKey, retireOldKey, startCanary } from './rotation-acts.ts';
import type { Rotation } from './rotation-store.ts';
import { readTraffic } from './rotation-traffic.ts';
import { testRotation } from './test-rotation.ts';

/** For how long a new key may be refused before it is given up: providers take their time to spread it. */
const spreadPatienceSeconds = 600;

/** @returns whether something was done; false: it waits */
export async function advanceRotation(
  parts: KeyActParts,
  occasion: Occasion,
  row: ListedProvider,
  rotation: Rotation,
): Promise<boolean> {
  const { provider_slug: slug } = row;
  const act = { id: rotation.id };
  switch (rotation.step) {
    case 'minting':
      await mintAgain(parts, occasion, slug, rotation);
      return true;
    case 'staged':
    case 'tested':
      return prove(parts, occasion, row, rotation);
    case 'canary': {
      const served = await readTraffic(parts.database.kysely, rotation.id);
      if (whatCanaryWaitsFor(rotation, served) !== null) return false;
      await promoteKey(parts, occasion, slug, act);
      return true;
    }
    case 'soaking':
      if (!rotation.soakIsOver) return false;
      await retireOldKey(parts, occasion, slug, act);
      return true;
    default:
      return false;
  }
}

async function prove(
  parts: KeyActParts,
  occasion: Occasion,
  row: ListedProvider,
  rotation: Rotation,
): Promise<boolean> {
  const { provider_slug: slug } = row;
  const act = { id: rotation.id };
  const { new: served } = await readTraffic(parts.database.kysely, rotation.id);
  if (served.refusals > 0) {
    await giveUp(parts, occasion, slug, rotation, 'The provider refused calls with the new key.');
    return true;
  }
  const lack = await whatSpreadWaitsFor(parts, row, rotation);
  if (lack !== null) return giveUpAfterPatience(parts, occasion, slug, rotation, lack);
  const { result } = await testRotation(parts, occasion, slug, rotation.id);
  if (result.verdict === 'valid') {
    await startCanary(parts, occasion, slug, act);
    return true;
  }
  return giveUpAfterPatience(
    parts,
    occasion,
    slug,
    rotation,
    `The provider says of the new key: ${result.message}`,
  );
}

/**
 * Null where the key that the provider made is known everywhere there, or where it does not tell; else a sentence.
 * @throws KeywardError management_unavailable (409) where the management credential cannot be used
 */
export async function whatSpreadWaitsFor(
  parts: KeyActParts,
  row: ListedProvider,
  { newKey }: Rotation,
): Promise<string | null> {
  const access = newKey.origin === 'minted' ? await openManagement(parts, row) : null;
  if (access === null) return null;
  try {
    const isKnown = await hasSpread(access, newKey.minted_id);
    return isKnown ? null : 'The new key has not spread at the provider.';
  } catch (error) {
    if (!(error instanceof KeywardError)) throw error;
    return `Whether the new key has spread cannot be told. ${error.message}`;
  }
}

async function giveUpAfterPatience(
  parts: KeyActParts,
  occasion: Occasion,
  slug: string,
  rotation: Rotation,
  why: string,
): Promise<boolean> {
  if (rotation.secondsAtStep < spreadPatienceSeconds) return false;
  await giveUp(parts, occasion, slug, rotation, why);
  return true;
}

async function giveUp(
  parts: KeyActParts,
  occasion: Occasion,
  slug: string,
  { id }: Rotation,
  why: string,
): Promise<void> {
  await cancelRotation(parts, { ...occasion, reason: why }, slug, { id }).catch((error: unknown) => {
    if (!(error instanceof KeywardError) || error.status >= 500) throw error;
  });
}
