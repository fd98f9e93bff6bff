/** How old the key of each provider may grow, whose it is, and whether its age is put off. */
import { Button, Group, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { AlarmClock, Pencil, Search } from 'lucide-react';
import { useState } from 'react';
import { healthQuery } from '../../api/queries.ts';
import type { ProviderHealth } from '../../api/views.ts';
import { AgeBar } from '../../parts/age-bar.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { Sheet, SheetCell, SheetRow, type Column } from '../../parts/sheet.tsx';
import { Failure, LoadingRows, Notice } from '../../parts/states.tsx';
import { PolicyDialog } from './policy-dialog.tsx';
import { ProviderName } from './provider-name.tsx';
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
        <Sheet label="Policies" columns={columns}>
          {chosen.map((health) => (
            <PolicyRow key={health.provider} health={health} />
          ))}
        </Sheet>
      )}
    </>
  );
}

const columns: readonly Column[] = [
  { name: 'Provider', width: 'minmax(11rem, 1.3fr)' },
  { name: 'Age', width: 'minmax(9rem, 1fr)' },
  { name: 'Ageing', width: '4.5rem', isNumber: true },
  { name: 'Due', width: '4.5rem', isNumber: true },
  { name: 'Overdue', width: '4.5rem', isNumber: true },
  { name: 'Owner', width: 'minmax(7rem, 1fr)' },
  { name: 'Put off until', width: 'minmax(7rem, 0.8fr)' },
  { name: 'Actions', width: '4.75rem', isUnnamed: true },
];

function PolicyRow({ health }: { readonly health: ProviderHealth }) {
  const { provider, display_name: name, policy } = health;
  const [dialog, setDialog] = useState<'change' | 'snooze' | null>(null);
  const close = (): void => setDialog(null);
  return (
    <SheetRow>
      <SheetCell isWide>
        <ProviderName slug={provider} name={name} />
      </SheetCell>
      <SheetCell label="Age">
        <AgeBar health={health} />
      </SheetCell>
      <SheetCell label="Ageing" isNumber>
        {policy.ageing_days}
      </SheetCell>
      <SheetCell label="Due" isNumber>
        {policy.due_days}
      </SheetCell>
      <SheetCell label="Overdue" isNumber>
        {policy.overdue_days}
      </SheetCell>
      <SheetCell label="Owner">{policy.owner ?? <span className="quiet">nobody</span>}</SheetCell>
      <SheetCell label="Put off until">
        {policy.snoozed_until === null ? (
          <span className="quiet">–</span>
        ) : (
          <>
            <RelativeTime at={policy.snoozed_until} />
            <Text size="xs" className="quiet">
              {policy.snooze_reason}
            </Text>
          </>
        )}
      </SheetCell>
      <SheetCell isWide>
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
      </SheetCell>
    </SheetRow>
  );
}
