/** Removes a key that a user brought, after saying what their calls are served with then. */
import { useQueryClient } from '@tanstack/react-query';
import { api, read } from '../../api/client.ts';
import type { UserKey } from '../../api/views.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';

export function RemoveUserKeyDialog({
  userKey: { id, owner, mask },
  provider,
  onClose,
}: {
  readonly userKey: UserKey;
  /** Its name. */
  readonly provider: string;
  readonly onClose: () => void;
}) {
  const queries = useQueryClient();
  return (
    <ConfirmDialog
      title={`Remove the key of ${owner} for ${provider}`}
      confirm="Remove the key"
      nameToType={owner.trim()}
      onClose={onClose}
      act={async (reason) => {
        await read(
          api.DELETE('/api/v1/admin/user-keys/{id}', {
            params: { path: { id: String(id) }, query: { wait: 'applied' } },
            body: reason === undefined ? {} : { reason },
          }),
        );
        await queries.invalidateQueries({ queryKey: ['audit'] });
      }}
    >
      The key <span className="mono">{mask}</span> is deleted here and cannot be brought back; at its provider
      it lives on until its owner revokes it there. Calls of {owner} to {provider} then go with the key of the
      platform, where there is one.
    </ConfirmDialog>
  );
}
