/** What can be done with a channel: a test message now, a change, and its end. */
import { Group } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Pencil, Send, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { api, read } from '../../api/client.ts';
import type { AlertChannel } from '../../api/views.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { RowAction } from '../../parts/row-action.tsx';
import { noticeOfNotDone } from '../../parts/states.tsx';
import { ChannelDialog } from './channel-dialog.tsx';

export function ChannelActs({
  channel,
  onDeleted,
}: {
  readonly channel: AlertChannel;
  readonly onDeleted?: () => void;
}) {
  const { name } = channel;
  const [dialog, setDialog] = useState<'change' | 'delete' | null>(null);
  const close = (): void => setDialog(null);
  const testing = useTest(channel);
  return (
    <Group gap={4} wrap="nowrap">
      <RowAction
        label={`Send a test to ${name}`}
        icon={<Send size={18} />}
        act={() => testing.mutate()}
        isRunning={testing.isPending}
      />
      <RowAction label={`Change ${name}`} icon={<Pencil size={18} />} act={() => setDialog('change')} />
      <RowAction label={`Delete ${name}`} icon={<Trash2 size={18} />} act={() => setDialog('delete')} />
      {dialog === 'change' && <ChannelDialog channel={channel} onClose={close} />}
      {dialog === 'delete' && <DeleteDialog channel={channel} onClose={close} onDeleted={onDeleted} />}
    </Group>
  );
}

function useTest({ id, name }: AlertChannel) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async () =>
      read(
        api.POST('/api/v1/admin/alert-channels/{id}/test', {
          params: { path: { id: String(id) } },
          body: {},
        }),
      ),
    onSuccess: async ({ delivery }) => {
      const isDelivered = delivery.state === 'delivered';
      notifications.show({
        color: isDelivered ? 'green' : 'red',
        title: isDelivered ? `The test reached ${name}` : `The test did not reach ${name}`,
        message: isDelivered ? 'Look whether it can be seen there too.' : (delivery.last_error ?? ''),
        autoClose: isDelivered ? 6_000 : 15_000,
        closeButtonProps: { 'aria-label': 'Close' },
      });
      await queries.invalidateQueries({ queryKey: ['alerts', 'channels'] });
    },
    onError: (error) => notifications.show(noticeOfNotDone(error, `No test was sent to ${name}`)),
  });
}

function DeleteDialog({
  channel: { id, name, revision },
  onClose,
  onDeleted,
}: {
  readonly channel: AlertChannel;
  readonly onClose: () => void;
  readonly onDeleted: (() => void) | undefined;
}) {
  const queries = useQueryClient();
  return (
    <ConfirmDialog
      title={`Delete the channel ${name}`}
      confirm="Delete the channel"
      nameToType={name}
      onClose={onClose}
      act={async (reason) => {
        await read(
          api.DELETE('/api/v1/admin/alert-channels/{id}', {
            params: { path: { id: String(id) }, header: { 'If-Match': `"${revision}"` } },
            body: reason === undefined ? {} : { reason },
          }),
        );
        onDeleted?.();
        await queries.invalidateQueries({ queryKey: ['alerts'] });
      }}
    >
      No alert is sent there any more, also not what waits to be sent now. Its settings and what is known of
      its deliveries go with it. Calls are not touched.
    </ConfirmDialog>
  );
}
