/** Removes the stored key, after saying what callers will be served with then. */
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { api, read } from '../../api/client.ts';
import { useRefresh } from '../../api/provider-queries.ts';
import type { Provider } from '../../api/views.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';

export function RemoveKeyDialog({
  provider,
  onClose,
}: {
  readonly provider: Provider;
  readonly onClose: () => void;
}) {
  const refresh = useRefresh();
  const { slug, display_name: name } = provider;
  const { data: after } = useQuery({
    queryKey: ['keys', slug, 'without'],
    queryFn: async () =>
      read(
        api.GET('/api/v1/admin/providers/{slug}/resolve', {
          params: { path: { slug }, query: { stored_key: 'absent' } },
        }),
      ),
  });
  return (
    <ConfirmDialog
      title={`Remove the key of ${name}`}
      confirm="Remove the key"
      nameToType={slug}
      onClose={onClose}
      act={async (reason) => {
        const { warnings } = await read(
          api.DELETE('/api/v1/admin/providers/{slug}/remove-key', {
            params: { path: { slug }, query: { wait: 'applied' } },
            body: reason === undefined ? {} : { reason },
          }),
        );
        if (warnings.length > 0)
          notifications.show({ color: 'yellow', title: 'The key is removed', message: warnings.join(' ') });
        await refresh();
      }}
    >
      The stored key <span className="mono">{provider.stored_key?.mask ?? ''}</span> is deleted and cannot be
      brought back.{' '}
      {after === undefined
        ? ''
        : after.serves.source === null
          ? `Calls to ${name} then fail with 503: no other key is there.`
          : 'Calls then go on with the key of the environment.'}
    </ConfirmDialog>
  );
}
