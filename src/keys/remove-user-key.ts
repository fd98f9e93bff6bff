/**
 * What an administrator does with a key that a user brought: remove it, for when somebody has left. The owner's own
 * act is in user-key-desk.ts.
 */
import type { Occasion } from '../audit/audit-event.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import { KeywardError } from '../foundation/errors.ts';
import { deleteUserKeyById, userKeyTarget, type OwnedUserKey } from './user-key-store.ts';

/**
 * @param id user_api_keys.id
 * @returns what was removed, and the revision that does not serve it any more
 * @throws KeywardError user_key_not_found (404), audit_unavailable (503)
 */
export async function removeUserKey(
  audit: AuditTrail,
  occasion: Occasion,
  id: number,
): Promise<{ readonly removed: OwnedUserKey; readonly revision: number }> {
  const { value: removed, revision } = await audit.change(occasion, async (tx, record) => {
    const key = await deleteUserKeyById(tx, id);
    if (key === undefined)
      throw new KeywardError('user_key_not_found', {
        message: `There is no key of a user with the number ${id}. Nothing was changed.`,
      });
    record({
      action: 'user_key.removed',
      target: userKeyTarget(key.owner, key.slug),
      before: { mask: key.mask, key_name: key.name },
    });
    return key;
  });
  return { removed, revision };
}
