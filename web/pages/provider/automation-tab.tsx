/** What Keyward does with the keys at the provider by itself: make and revoke them, and rotate by the clock. */
import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { keyManagementQuery, rotationScheduleQuery } from '../../api/provider-queries.ts';
import type { Provider } from '../../api/views.ts';
import { Failure, LoadingRows } from '../../parts/states.tsx';
import { ManagementPanel } from './management-panel.tsx';
import { SchedulePanel } from './schedule-panel.tsx';

export function AutomationTab({ provider }: { readonly provider: Provider }) {
  const { slug } = provider;
  const management = useQuery(keyManagementQuery(slug));
  const schedule = useQuery(rotationScheduleQuery(slug));
  const failed = management.error ?? schedule.error;
  if (management.data !== undefined && schedule.data !== undefined)
    return (
      <Stack gap="md">
        <ManagementPanel provider={provider} management={management.data} />
        <SchedulePanel
          key={schedule.data?.changed_at}
          slug={slug}
          schedule={schedule.data}
          management={management.data}
        />
      </Stack>
    );
  if (failed !== null)
    return (
      <Failure
        error={failed}
        what="What is done by itself cannot be read"
        onRetry={() => {
          void management.refetch();
          void schedule.refetch();
        }}
      />
    );
  return <LoadingRows label="Reading what is done by itself" rows={3} />;
}
