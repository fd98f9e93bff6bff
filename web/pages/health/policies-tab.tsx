/** How old the key of each provider may grow, whose it is, and whether its age is put off. */
import { Button, Group, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { AlarmClock, Pencil, Search } from 'lucide-react';
import { useState } from 'react';
import { healthQuery } from '../../api/queries.ts';
import type { ProviderHealth } from '../../api/views.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { ProviderName } from '../../parts/provider-name.tsx';
import { AgeBar } from '../../parts/age-bar.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { Failure, LoadingRows, Notice } from '../../parts/states.tsx';
import { PolicyDialog } from './policy-dialog.tsx';
import { SnoozeAgeDialog } from './snooze-age-dialog.tsx';
import { RowAction } from '../../parts/row-action.tsx';

export function PoliciesTab() {
  const { data, error, isPending, refetch } = useQuery(healthQuery);
  const { q = '' } = useSearch({ from: '/health/policies' });
  const navigate = useNavigate();
  const find = (words: string): void =>
    void navigate({ to: '/health/policies', search: words === '' ? {} : { q: words }, replace: true });
  if (isPending) return <LoadingRows label="Reading the policies" />;
  if (data === undefined)
    return <Failure error={error} what="The policies cannot be read" onRetry={() => void refetch()} />;
  const needle = q.trim().toLowerCase();
  const chosen = data.data.filter(({ provider, display_name: name, policy }) =>
    `${provider} ${name} ${policy.owner ?? ''}`.toLowerCase().includes(needle),
  );
  return (
    <>
      <Group justify="space-between" mb="md" gap="sm">
        <TextInput
          aria-label="Search by provider or owner"
          placeholder="Search by provider or owner"
          leftSection={<Search size={16} aria-hidden />}
          value={q}
          onChange={({ currentTarget }) => find(currentTarget.value)}
          flex="1 1 14rem"
          maw={360}
        />
        <Text size="sm" className="quiet">
          Days since the key was stored. Told 30, 14, 7 and 1 days ahead.
        </Text>
      </Group>
      {chosen.length === 0 ? (
        <Notice
          title={data.data.length === 0 ? 'No provider is active' : 'No provider is like this'}
          action={
            q === '' ? undefined : (
              <Button variant="default" onClick={() => find('')}>
                Show all {data.data.length}
              </Button>
            )
          }
        />
      ) : (
        <DataTable label="Policies" rows={chosen} columns={columns} keyOf={({ provider }) => provider} />
      )}
    </>
  );
}

const columns: readonly Column<ProviderHealth>[] = [
  {
    name: 'Provider',
    width: 'minmax(11rem, 1.3fr)',
    isTitle: true,
    cell: ({ provider, display_name: name }) => <ProviderName slug={provider} name={name} />,
  },
  { name: 'Age', width: 'minmax(9rem, 1fr)', cell: (health) => <AgeBar health={health} /> },
  { name: 'Ageing', width: '4.5rem', isNumber: true, cell: ({ policy }) => policy.ageing_days },
  { name: 'Due', width: '4.5rem', isNumber: true, cell: ({ policy }) => policy.due_days },
  { name: 'Overdue', width: '4.5rem', isNumber: true, cell: ({ policy }) => policy.overdue_days },
  {
    name: 'Owner',
    width: 'minmax(7rem, 1fr)',
    cell: ({ policy: { owner } }) => owner ?? <span className="quiet">nobody</span>,
  },
  {
    name: 'Put off until',
    width: 'minmax(7rem, 0.8fr)',
    cell: ({ policy: { snoozed_until: until, snooze_reason: why } }) =>
      until === null ? (
        <span className="quiet">–</span>
      ) : (
        <>
          <RelativeTime at={until} />
          <Text size="xs" className="quiet">
            {why}
          </Text>
        </>
      ),
  },
  {
    name: 'Actions',
    width: '4.75rem',
    isWide: true,
    isUnnamed: true,
    cell: (health) => <PolicyActs health={health} />,
  },
];

function PolicyActs({ health }: { readonly health: ProviderHealth }) {
  const { display_name: name } = health;
  const [dialog, setDialog] = useState<'change' | 'snooze' | null>(null);
  const close = (): void => setDialog(null);
  return (
    <>
      <Group gap={4} wrap="nowrap">
        <RowAction
          label={`Change the policy of ${name}`}
          icon={<Pencil size={18} />}
          act={() => setDialog('change')}
        />
        <RowAction
          label={`Put off the age of ${name}`}
          icon={<AlarmClock size={18} />}
          act={() => setDialog('snooze')}
        />
      </Group>
      {dialog === 'change' && <PolicyDialog health={health} onClose={close} />}
      {dialog === 'snooze' && <SnoozeAgeDialog health={health} onClose={close} />}
    </>
  );
}
