/**
 * The keys that are stored now beside what the trail says of them. A difference is no broken chain: it is a
 * change that nothing noted, and worth a look.
 */
import type { Kysely } from 'kysely';
import { unreadable, type ShownKey } from '../crypto/stored-key.ts';
import type { Tables } from '../database/tables.ts';
import { readWaitingProviders } from './foreign-changes.ts';
import { readLastKeys } from './last-keys.ts';

export interface TrailRemark {
  /** Slug of the provider that it is about; null: the message says what. */
  readonly provider: string | null;
  readonly message: string;
}

/** @param stored what is stored now, by slug of the provider */
export async function compareStoredKeys(
  db: Kysely<Tables>,
  stored: ReadonlyMap<string, ShownKey>,
): Promise<TrailRemark[]> {
  const recorded = await readLastKeys(db);
  const explained = await readWaitingProviders(db);
  const slugs = new Set([...stored.keys(), ...recorded.keys()]);
  return [...slugs]
    .filter((slug) => !explained.has(slug))
    .toSorted((a, b) => (a < b ? -1 : 1))
    .flatMap((provider) => {
      const message = difference(stored.get(provider)?.fingerprint ?? null, recorded.get(provider));
      return message === undefined ? [] : [{ provider, message }];
    });
}

/** @param recorded undefined: no event tells of a key of this provider */
function difference(now: string | null, recorded: string | null | undefined): string | undefined {
  if (now === (recorded ?? null)) return undefined;
  if (now === unreadable || recorded === unreadable)
    return `its stored key cannot be compared: ${now === unreadable ? 'it does not decrypt here' : 'it did not decrypt when it was recorded'}.`;
  if (recorded === undefined) return `a key is stored (${now}) that no event tells of.`;
  return `the stored key is ${now ?? 'none'}, and the last event that set it says ${recorded ?? 'none'}.`;
}
