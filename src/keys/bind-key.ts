/**
 * Binds a stored key that never had a binding, as another program left it, to its provider and the host where
 * it serves; after somebody has looked at all three.
 */
import type { Occasion } from '../audit/audit-event.ts';
import { KeywardError } from '../foundation/errors.ts';
import { lockRow, storedKeyOf, type ChangeParts, type Written } from './change-provider.ts';
import { refuseForeignRing } from './foreign-ring.ts';
import { recordedBinding } from './known-bindings.ts';
import { readProviders } from './provider-store.ts';
import { placeOf } from './stored-key-place.ts';
import { judgeStoredKey } from './stored-key.ts';

export interface SeenKey {
  /** The Fernet token that was looked at. */
  readonly storedToken: string;
  /** The host that was shown with it, as placeOf gives it. */
  readonly host: string;
}

/**
 * @throws KeywardError encryption_key_foreign (409), revision_mismatch (412) when the row does not hold what was seen any more,
 *   audit_unavailable (503)
 */
export async function bindKey(
  parts: ChangeParts,
  occasion: Occasion,
  slug: string,
  { storedToken, host }: SeenKey,
): Promise<Written> {
  const { value: found, revision } = await parts.audit.change(occasion, async (tx, record) => {
    const row = await lockRow(tx, slug, {});
    if (row === undefined) return false;
    await parts.bindings.refresh(tx, await readProviders(tx), parts.ring);
    // A server that lacks the key of the binding would park what it serves now.
    await refuseForeignRing({ kysely: tx }, parts.ring);
    const place = placeOf(row);
    // What never had a binding may be bound whatever the mode; a key that belongs elsewhere may not.
    const config = { keyBinding: 'warn' } as const;
    const stored = judgeStoredKey(row, { ...parts, keyRing: parts.ring, config });
    const isAsSeen = row.encrypted_api_key === storedToken && place.host === host;
    if (!isAsSeen || stored?.binding !== 'unbound' || stored.key === undefined) {
      throw new KeywardError('revision_mismatch', {
        message: 'The key, its binding or the base URL was changed meanwhile. Nothing was bound.',
      });
    }
    const binding = parts.ring.bind(stored.key, place);
    await tx
      .updateTable('llm_providers')
      .set({ api_key_binding: binding })
      .where('id', '=', row.id)
      .execute();
    record({
      action: 'provider.changed',
      target: { kind: 'provider', id: slug },
      before: { ...storedKeyOf(parts, row), bound_to_host: null },
      after: { ...storedKeyOf(parts, row), ...recordedBinding(place, binding) },
    });
    return true;
  });
  return { found, revision };
}
