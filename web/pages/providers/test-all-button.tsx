/** Tests the keys of all active providers at once, and says what came of it. */
import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { FlaskConical } from 'lucide-react';
import { api, read } from '../../api/client.ts';
import { useRefresh } from '../../api/provider-queries.ts';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { noticeOfNotDone } from '../../parts/states.tsx';

export function TestAllButton() {
  const refresh = useRefresh();
  const testing = useMutation({
    mutationFn: async () => read(api.POST('/api/v1/admin/providers/test-all', { body: {} })),
    onSuccess: ({ tested, pending, data }) => {
      const bad = data.filter(({ result }) => result !== null && !result.is_valid);
      notifications.show({
        color: bad.length === 0 ? 'green' : 'red',
        title:
          bad.length === 0
            ? `${tested} keys tested, none refused`
            : `${bad.length} of ${tested} keys are not valid`,
        message: [
          bad.map(({ provider, result }) => `${provider}: ${result?.verdict ?? ''}`).join(', '),
          pending > 0 ? `${pending} are still waiting for an answer.` : '',
        ].join(' '),
      });
      void refresh();
    },
    onError: (error) => notifications.show(noticeOfNotDone(error, 'The keys were not tested')),
  });
  return (
    <AdminOnly>
      {(isForbidden) => (
        <Button
          variant="default"
          leftSection={<FlaskConical size={16} aria-hidden />}
          disabled={isForbidden}
          loading={testing.isPending}
          onClick={() => testing.mutate()}
        >
          Test all
        </Button>
      )}
    </AdminOnly>
  );
}
