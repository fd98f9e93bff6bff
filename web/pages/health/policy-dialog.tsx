/** Says how old the key of a provider may grow, and whose it is. Only what was changed is sent. */
import { Button, Group, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, ApiError, read } from '../../api/client.ts';
import type { ProviderHealth } from '../../api/views.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Failure } from '../../parts/states.tsx';
import { ProbeFields, probeChange, probeFormOf } from './probe-fields.tsx';

const dayFields = [
  { field: 'ageing_days', label: 'Ageing after' },
  { field: 'due_days', label: 'Due after' },
  { field: 'overdue_days', label: 'Overdue after' },
] as const;

export function PolicyDialog({
  health: { provider: slug, display_name: name, policy },
  onClose,
}: {
  readonly health: ProviderHealth;
  readonly onClose: () => void;
}) {
  const queries = useQueryClient();
  const [days, setDays] = useState<Readonly<Record<string, number | string>>>({});
  const [owner, setOwner] = useState(policy.owner ?? '');
  const [probe, setProbe] = useState(() => probeFormOf(policy.probe));
  const [reason, setReason] = useState('');
  const saving = useMutation({
    mutationFn: async () => {
      const changed = Object.entries(days).map(([field, value]) => [
        field,
        value === '' ? null : Number(value),
      ]);
      return read(
        api.PUT('/api/v1/admin/providers/{slug}/key-policy', {
          params: { path: { slug } },
          body: {
            ...(Object.fromEntries(changed) as Record<string, number | null>),
            ...(owner.trim() !== (policy.owner ?? '') && {
              owner: owner.trim() === '' ? null : owner.trim(),
            }),
            ...probeChange(probe, policy.probe),
            ...(reason.trim() !== '' && { reason: reason.trim() }),
          },
        }),
      );
    },
    onSuccess: async () => {
      onClose();
      await queries.invalidateQueries({ queryKey: ['health'] });
    },
  });
  const faultOf = (field: string): string | undefined =>
    saving.error instanceof ApiError && saving.error.param === field ? saving.error.message : undefined;
  const isTold = dayFields.some(({ field }) => faultOf(field) !== undefined);
  return (
    <Dialog onClose={onClose} title={`The policy of ${name}`}>
      <form
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          saving.mutate();
        }}
      >
        <Stack gap="sm">
          <Text size="sm">
            Days since the key was stored. Nothing is switched off at any age: whoever is told decides. A
            field that is emptied takes its default.
          </Text>
          <Group grow align="flex-start">
            {dayFields.map(({ field, label }, index) => (
              <NumberInput
                key={field}
                label={label}
                suffix=" days"
                min={1}
                max={3_650}
                allowDecimal={false}
                hideControls
                data-autofocus={index === 0 || undefined}
                value={days[field] ?? policy[field]}
                error={faultOf(field)}
                onChange={(value) => setDays((now) => ({ ...now, [field]: value }))}
              />
            ))}
          </Group>
          <TextInput
            label="Owner"
            description="A person or a team. Its alerts name them."
            maxLength={300}
            value={owner}
            onChange={({ currentTarget }) => setOwner(currentTarget.value)}
          />
          <ProbeFields form={probe} stored={policy.probe} faultOf={faultOf} onChange={setProbe} />
          <TextInput
            label="Reason"
            description="For the audit trail; may stay empty."
            maxLength={500}
            value={reason}
            onChange={({ currentTarget }) => setReason(currentTarget.value)}
          />
          {saving.isError && !isTold && <Failure error={saving.error} what="Nothing was changed" />}
          <Group justify="flex-end" mt="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={saving.isPending}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
