/**
 * Which of the keys that live at a provider are those that a person made there and entered here: told by the
 * beginning and the end that the provider shows of each. Only a number that is beyond doubt is written down.
 */
import type { Occasion } from '../../audit/audit-event.ts';
import { fitsHint } from '../../crypto/fingerprint.ts';
import type { KeyActParts } from '../key-acts.ts';
import { readStoredKey } from '../stored-key.ts';
import type { ManagedKey } from './call-management.ts';
import type { KeyVersion } from './rotation-store.ts';

/**
 * @param versions those of the provider; of a version with a number, or without its key, nothing is asked
 * @returns the same, with the numbers that were found
 */
export async function identifyKeys<Version extends KeyVersion>(
  { changes }: Pick<KeyActParts, 'changes'>,
  occasion: Occasion,
  slug: string,
  versions: readonly Version[],
  listed: readonly ManagedKey[],
): Promise<Version[]> {
  const identified: Version[] = [];
  for (const version of versions) {
    const found = version.minted_id === null ? keyOf(version, changes, listed) : undefined;
    if (found !== undefined) {
      await changes.audit.change(occasion, async (tx, record) => {
        const { numUpdatedRows } = await tx
          .updateTable('keyward_key_versions')
          .set({ minted_id: found.id })
          .where('id', '=', version.id)
          .where('minted_id', 'is', null)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) return;
        record({
          action: 'key.adopted',
          target: { kind: 'provider', id: slug },
          after: { adopted_key: version.fingerprint, name_there: found.name, minted_id: found.id },
        });
      });
    }
    identified.push(found === undefined ? version : { ...version, minted_id: found.id });
  }
  return identified;
}

function keyOf(
  { encrypted_api_key: token, origin }: KeyVersion,
  { ring, fingerprinter }: KeyActParts['changes'],
  listed: readonly ManagedKey[],
): ManagedKey | undefined {
  if (token === null || origin === 'minted') return undefined;
  const read = readStoredKey(token, ring, fingerprinter);
  if ('problem' in read) return undefined;
  const [found, ...others] = listed.filter(
    ({ state, hint }) => state !== 'dead' && hint !== null && fitsHint(read.key, hint),
  );
  return others.length === 0 ? found : undefined;
}
