/** How a key that a user brought looks to its owner and to administrators, over HTTP and by command: masked. */
import type { OwnedUserKey, ShownUserKey } from './user-key-store.ts';

export function viewUserKey(key: ShownUserKey) {
  return {
    provider: key.slug,
    key_name: key.name,
    mask: key.mask,
    is_active: key.isActive,
    is_validated: key.isValidated,
    validation_error: key.problem,
    last_validated_at: key.testedAt?.toISOString() ?? null,
    created_at: key.createdAt.toISOString(),
  };
}

/** The same with whose it is. */
export function viewOwnedUserKey(key: OwnedUserKey) {
  return {
    id: key.id,
    owner: key.owner,
    ...viewUserKey(key),
    replaced_at: key.replacedAt?.toISOString() ?? null,
  };
}
