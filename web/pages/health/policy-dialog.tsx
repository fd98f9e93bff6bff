/**
 * Says how old the key of a provider may grow, and whose it is. Only what was changed is sent, and only while
 * nobody else has changed it meanwhile.
 */
import { Button, Group, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, ApiError, read } from '../../api/client.ts';
import { readPolicyToChange } from '../../api/provider-queries.ts';
import type { ProviderHealth } from '../../api/views.ts';
import { ChangedMeanwhile } from '../../parts/changed-meanwhile.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { NotDone } from '../../parts/states.tsx';
import { ProbeFields, probeChange, probeFormOf } from './probe-fields.tsx';

const dayFields = [
  { field: 'ageing_days', label: 'Ageing after' },
  { field: 'due_days', label: 'Due after' },
  { field: 'overdue_days', label: 'Overdue after' },
] as const;

type Base = Awaited<ReturnType<typeof readPolicyToChange>>;

export function PolicyDialog({
  health: { provider: slug, display_name: name },
  onClose,
}: {
  readonly health: ProviderHealth;
  readonly onClose: () => void;
}) {
  // Of no topic: what is being changed does not move underneath.
  const reading = useQuery({
    queryKey: ['policy to change', slug],
    queryFn: async () => readPolicyToChange(slug),
    gcTime: 0,
  });
  return (
    <Dialog onClose={onClose} title={`The policy of ${name}`}>
      <QueryView query={reading} what="The policy" rows={3}>
        {(base) => <PolicyForm slug={slug} read={base} onClose={onClose} />}
      </QueryView>
    </Dialog>
  );
}

function PolicyForm({
  slug,
  read: first,
  onClose,
}: {
  readonly slug: string;
  readonly read: Base;
  readonly onClose: () => void;
}) {
  const queries = useQueryClient();
  const [base, setBase] = useState(first);
  const { policy, revision } = base;
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
          params: { path: { slug }, header: { 'If-Match': `"${revision}"` } },
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
      await Promise.all(
        ['health', 'keys'].map(async (topic) => queries.invalidateQueries({ queryKey: [topic] })),
      );
    },
  });
  const reading = useMutation({
    mutationFn: async () => readPolicyToChange(slug),
    onSuccess: (now) => {
      saving.reset();
      setBase(now);
      setDays({});
      setOwner(now.policy.owner ?? '');
      setProbe(probeFormOf(now.policy.probe));
    },
  });
  const faultOf = (field: string): string | undefined =>
    saving.error instanceof ApiError && saving.error.param === field ? saving.error.message : undefined;
  const isTold = dayFields.some(({ field }) => faultOf(field) !== undefined);
  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        saving.mutate();
      }}
    >
      <Stack gap="sm">
        <Text size="sm">
          Days since the key was stored. Nothing is switched off at any age: whoever is told decides. A field
          that is emptied takes its default.
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
              autoFocus={index === 0}
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
        {saving.isError &&
          !isTold &&
          (saving.error instanceof ApiError && saving.error.status === 412 ? (
            <ChangedMeanwhile isReading={reading.isPending} onReadAgain={() => reading.mutate()} />
          ) : (
            <NotDone error={saving.error} what="Nothing was changed" />
          ))}
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
  );
}
