/**
 * Takes a management credential from an administrator: the provider is asked first, by the list of its keys,
 * which changes nothing there. What it refuses is not stored, but by force; no answer at all is no refusal.
 */
import type { Occasion } from '../../audit/audit-event.ts';
import { KeywardError } from '../../foundation/errors.ts';
import { occasionWithout, type KeyActParts } from '../key-acts.ts';
import { findProvider } from '../list-providers.ts';
import { listAtProvider, RefusedByManagement } from './call-management.ts';
import {
  checkManagement,
  setManagement,
  type ManagementAccess,
  type NewManagement,
} from './management-store.ts';

export interface EnteredManagement extends NewManagement {
  /** Stores it although the provider refuses it; needs a reason. */
  readonly force?: boolean | undefined;
}

/**
 * @returns what the provider said, in a sentence
 * @throws KeywardError key_unproven (409) where the provider refuses it, reason_required (400), and what
 *   setManagement throws; then nothing was stored
 */
export async function enterManagement(
  parts: KeyActParts,
  occasionOfCaller: Occasion,
  slug: string,
  { force = false, ...offered }: EnteredManagement,
): Promise<string> {
  const occasion = occasionWithout(offered.credential, occasionOfCaller);
  const row = await findProvider(parts.database.kysely, slug);
  if (row === undefined) throw new KeywardError('provider_not_found');
  if (force && !occasion.reason?.trim()) throw new KeywardError('reason_required');
  const management = await checkManagement(parts.database.kysely, parts, row, offered);
  const { credential, baseUrl, parameters = {} } = offered;
  const said = await ask(
    {
      management,
      baseUrl: baseUrl ?? management.baseUrl,
      credential,
      parameters,
      allowPrivateNetwork: row.allow_private_network,
    },
    force,
  );
  await setManagement(parts, occasion, slug, offered);
  return said;
}

async function ask(access: ManagementAccess, force: boolean): Promise<string> {
  try {
    const keys = await listAtProvider(access);
    return keys === null
      ? 'It was not tried: keys cannot be listed at this provider.'
      : `The provider takes it: ${keys.length === 1 ? 'one key is' : `${keys.length} keys are`} listed there.`;
  } catch (error) {
    if (!(error instanceof KeywardError)) throw error;
    const isRefused = error instanceof RefusedByManagement && error.retryAfterSeconds === null;
    if (isRefused && !force) {
      throw new KeywardError('key_unproven', {
        message: `${error.message} Nothing was stored. With force and a reason it is stored all the same.`,
        param: 'credential',
      });
    }
    return `It is not proven. ${error.message}`;
  }
}
