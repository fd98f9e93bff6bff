/** Removes the stored key of a provider; where none is stored, nothing is changed and nothing recorded. */
import type { Occasion } from '../audit/audit-event.ts';
import { readRevision } from '../database/revision.ts';
import { removeKey, type Precondition, type Written } from './change-provider.ts';
import type { KeyActParts } from './key-acts.ts';
import type { ListedProvider } from './list-providers.ts';
import { describeEndedRotation } from './rotation/ended-rotation.ts';

export interface KeyRemoved extends Written {
  readonly removed: boolean;
  /** What is worth knowing and stopped nothing: which rotation this ended. */
  readonly warnings: readonly string[];
}

/** Throws as removeKey. */
export async function removeStoredKey(
  { changes, database }: Pick<KeyActParts, 'changes' | 'database'>,
  occasion: Occasion,
  row: ListedProvider,
  precondition: Precondition = {},
): Promise<KeyRemoved> {
  const { ifRevision } = precondition;
  const isAsRead = ifRevision === undefined || row.revision <= ifRevision;
  if (row.encrypted_api_key === null && isAsRead) {
    return { found: true, removed: false, warnings: [], revision: await readRevision(database.kysely) };
  }
  const ended = await describeEndedRotation(database.kysely, row.id);
  const written = await removeKey(changes, occasion, row.provider_slug, precondition);
  return { ...written, removed: written.found, warnings: ended === null ? [] : [ended] };
}
