/** Puts an alert off for a while, or until a time that is entered: nobody is told of it until then. */
import { Radio, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { api, read } from '../../api/client.ts';
import type { Alert } from '../../api/views.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { localTime } from '../../parts/local-time.ts';
import { exactTime, useNow } from '../../parts/relative-time.tsx';

const hourMs = 3_600_000;
/** As the API allows it. */
const mostDays = 90;
const presets = [
  { value: '1', label: 'An hour' },
  { value: '8', label: '8 hours' },
  { value: '24', label: 'A day' },
  { value: '168', label: 'A week' },
] as const;

export function SnoozeAlertDialog({
  alert,
  onClose,
  onDone,
}: {
  readonly alert: Alert;
  readonly onClose: () => void;
  readonly onDone: () => Promise<void>;
}) {
  const [choice, setChoice] = useState<string>('8');
  const [own, setOwn] = useState('');
  const now = useNow();
  const until = (): Date =>
    choice === 'own' ? new Date(own) : new Date(Date.now() + Number(choice) * hourMs);
  return (
    <ConfirmDialog
      title="Put the alert off"
      confirm="Put it off"
      color="verdigris"
      onClose={onClose}
      isReady={choice !== 'own' || own !== ''}
      act={async (reason) => {
        await read(
          api.POST('/api/v1/admin/alerts/{id}/snooze', {
            params: { path: { id: alert.id } },
            body: { until: until().toISOString(), ...(reason !== undefined && { reason }) },
          }),
        );
        await onDone();
      }}
    >
      <Stack gap="sm">
        <Text size="sm">
          Nobody is told of it until then. Where its cause is still there, a reminder follows.
        </Text>
        <Radio.Group label="For how long" value={choice} onChange={setChoice}>
          <Stack gap={8} mt={6}>
            {presets.map(({ value, label }) => (
              <Radio key={value} value={value} label={label} />
            ))}
            <Radio value="own" label="Until a time of your own" />
          </Stack>
        </Radio.Group>
        {choice === 'own' && (
          <TextInput
            type="datetime-local"
            label="Until"
            description={own === '' ? `Where you are; ${mostDays} days from now at most.` : exactTime(own)}
            max={localTime(new Date(now + mostDays * 24 * hourMs))}
            value={own}
            onChange={({ currentTarget }) => setOwn(currentTarget.value)}
          />
        )}
      </Stack>
    </ConfirmDialog>
  );
}
