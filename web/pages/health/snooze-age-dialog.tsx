/** Lets the age of a key warn nobody for some days, with a reason; or lets it warn again. */
import { Radio, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, read } from '../../api/client.ts';
import type { ProviderHealth } from '../../api/views.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';

export function SnoozeAgeDialog({
  health: { provider: slug, display_name: name, policy },
  onClose,
}: {
  readonly health: ProviderHealth;
  readonly onClose: () => void;
}) {
  const queries = useQueryClient();
  const [days, setDays] = useState('30');
  return (
    <ConfirmDialog
      title={`Put off the age of the key of ${name}`}
      confirm={days === '0' ? 'Let it warn again' : 'Put it off'}
      color="verdigris"
      needsReason={days !== '0'}
      onClose={onClose}
      act={async (reason) => {
        await read(
          api.POST('/api/v1/admin/providers/{slug}/key-policy/snooze', {
            params: { path: { slug } },
            body: { days: Number(days), ...(reason !== undefined && { reason }) },
          }),
        );
        await queries.invalidateQueries({ queryKey: ['health'] });
      }}
    >
      <Stack gap="sm">
        <Text size="sm">
          Its age warns nobody until then. Its end and a cut-off warn all the same: they stop callers.
        </Text>
        <Radio.Group label="For how long" value={days} onChange={setDays}>
          <Stack gap={8} mt={6}>
            <Radio value="7" label="A week" />
            <Radio value="30" label="30 days" />
            <Radio value="90" label="90 days" />
            {policy.snoozed_until !== null && <Radio value="0" label="No longer: it warns again" />}
          </Stack>
        </Radio.Group>
      </Stack>
    </ConfirmDialog>
  );
}
