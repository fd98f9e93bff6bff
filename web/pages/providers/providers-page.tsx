/** System Provider Keys: every provider, what serves it and why, and how its key stands. */
import { Button, Group, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Search, X } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { healthQuery, providersQuery } from '../../api/queries.ts';
import { usageHoursQuery } from '../../api/usage-queries.ts';
import type { ProviderFilter } from '../../router.tsx';
import { AddButton } from '../../parts/add-button.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { Failure, LoadingRows, Notice } from '../../parts/states.tsx';
import { ProviderTable } from './provider-table.tsx';
import { doesNotServe } from '../../parts/does-not-serve.ts';
import { chooseRows, rowsOf, type Row } from './rows.ts';
import { TestAllButton } from './test-all-button.tsx';

const AddProviderDialog = lazy(async () => ({
  default: (await import('./add-provider-dialog.tsx')).AddProviderDialog,
}));

export function ProvidersPage() {
  const providers = useQuery(providersQuery);
  const health = useQuery(healthQuery);
  const traffic = useQuery(usageHoursQuery);
  const filter = useSearch({ from: '/providers' });
  const [isAdding, setAdding] = useState(false);
  const rows = rowsOf(providers.data ?? [], health.data?.data ?? [], traffic.data);
  return (
    <>
      <PageHeader
        title="System Provider Keys"
        summary={
          providers.data === undefined ? 'Every provider, and the key that serves it.' : summaryOf(rows)
        }
        actions={
          <>
            <TestAllButton />
            <AddButton words="Add a provider" onClick={() => setAdding(true)} />
          </>
        }
      />
      <FilterBar filter={filter} />
      {providers.data === undefined ? (
        providers.isError ? (
          <Failure
            error={providers.error}
            what="The providers cannot be read"
            onRetry={() => void providers.refetch()}
          />
        ) : (
          <LoadingRows label="Reading the providers" />
        )
      ) : (
        <Chosen rows={rows} filter={filter} />
      )}
      <Suspense>{isAdding && <AddProviderDialog onClose={() => setAdding(false)} />}</Suspense>
    </>
  );
}

function Chosen({ rows, filter }: { readonly rows: readonly Row[]; readonly filter: ProviderFilter }) {
  const navigate = useNavigate();
  const chosen = chooseRows(rows, filter);
  if (rows.length === 0)
    return (
      <Notice title="There is no provider yet">
        Add the first one: any endpoint that speaks the OpenAI API.
      </Notice>
    );
  if (chosen.length === 0)
    return (
      <Notice
        title="No provider is like this"
        action={
          <Button variant="default" onClick={() => void navigate({ to: '/providers', search: {} })}>
            Show all {rows.length}
          </Button>
        }
      />
    );
  return <ProviderTable rows={chosen} />;
}

function FilterBar({ filter }: { readonly filter: ProviderFilter }) {
  const navigate = useNavigate();
  const change = (part: Partial<Record<keyof ProviderFilter, string | null>>): void => {
    const kept = Object.entries({ ...filter, ...part }).filter(([, value]) => value !== null && value !== '');
    void navigate({ to: '/providers', search: Object.fromEntries(kept), replace: true });
  };
  return (
    <Group gap="sm" mb="md" role="search" aria-label="Filter the providers">
      <TextInput
        aria-label="Search by name"
        placeholder="Search by name"
        leftSection={<Search size={16} aria-hidden />}
        rightSection={
          filter.q === undefined ? undefined : (
            <Button
              variant="subtle"
              color="gray"
              size="compact-xs"
              aria-label="Clear the search"
              onClick={() => change({ q: null })}
            >
              <X size={14} aria-hidden />
            </Button>
          )
        }
        value={filter.q ?? ''}
        onChange={({ currentTarget }) => change({ q: currentTarget.value })}
        flex="1 1 14rem"
        maw={360}
      />
      <Select
        aria-label="Status of the stored key"
        placeholder="Any status"
        clearable
        w={160}
        data={[
          { value: 'valid', label: 'Valid' },
          { value: 'invalid', label: 'Invalid' },
          { value: 'untested', label: 'Untested' },
          { value: 'error', label: 'Error' },
          { value: 'none', label: 'No result' },
        ]}
        value={filter.status ?? null}
        onChange={(status) => change({ status })}
      />
      <Select
        aria-label="Source"
        placeholder="Any source"
        clearable
        w={150}
        data={[
          { value: 'environment', label: 'Environment' },
          { value: 'database', label: 'Database' },
          { value: 'hybrid', label: 'Hybrid' },
        ]}
        value={filter.source ?? null}
        onChange={(source) => change({ source })}
      />
      <Select
        aria-label="Order"
        allowDeselect={false}
        w={220}
        data={[
          { value: 'attention', label: 'What needs somebody' },
          { value: 'name', label: 'By name' },
          { value: 'age', label: 'Oldest key first' },
          { value: 'tested', label: 'Longest untested first' },
        ]}
        value={filter.sort ?? 'attention'}
        onChange={(sort) => change({ sort: sort === 'attention' ? null : sort })}
      />
    </Group>
  );
}

function summaryOf(rows: readonly Row[]): string {
  const active = rows.filter(({ provider }) => provider.is_active);
  const served = active.filter(({ provider }) => provider.serves.source !== null).length;
  const ill = rows.filter(
    ({ health }) => health?.health === 'unhealthy' || health?.health === 'degraded',
  ).length;
  const unserved = rows.filter(({ provider }) => doesNotServe(provider)).length;
  return [
    `${rows.length} ${rows.length === 1 ? 'provider' : 'providers'}`,
    `${served} with a key that serves`,
    ...(unserved > 0 ? [`${unserved} ${unserved === 1 ? 'does' : 'do'} not serve`] : []),
    ...(ill > 0 ? [`${ill} not healthy`] : []),
  ].join(' · ');
}
