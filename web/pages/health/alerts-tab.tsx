/** What is wrong and was: filtered in the address, newest first, each with a view of its own. */
import { Anchor, Button, Group, SegmentedControl, Select, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { alertsQuery, providersQuery } from '../../api/queries.ts';
import type { Alert } from '../../api/views.ts';
import type { AlertFilter } from '../../router.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { AlertStateBadge, SeverityBadge, severityChoices } from '../../parts/severity.tsx';
import { Failure, LoadingRows, Notice } from '../../parts/states.tsx';
import { wordsOfKind } from './words.ts';
import { saysNothing } from '../../parts/says-nothing.ts';

export function AlertsTab() {
  const filter = useSearch({ from: '/health/alerts' });
  const { state = 'open', ...others } = filter;
  const alerts = useInfiniteQuery(alertsQuery({ ...others, ...(state !== 'all' && { state }) }));
  const rows = alerts.data?.pages.flatMap(({ data }) => data);
  return (
    <>
      <FilterBar filter={filter} />
      {rows === undefined ? (
        alerts.isError ? (
          <Failure
            error={alerts.error}
            what="The alerts cannot be read"
            onRetry={() => void alerts.refetch()}
          />
        ) : (
          <LoadingRows label="Reading the alerts" />
        )
      ) : rows.length === 0 ? (
        <Nothing filter={filter} />
      ) : (
        <DataTable label="Alerts" rows={rows} columns={columns} keyOf={({ id }) => id} />
      )}
      {alerts.hasNextPage && (
        <Group justify="center" mt="md">
          <Button
            variant="default"
            loading={alerts.isFetchingNextPage}
            onClick={() => void alerts.fetchNextPage()}
          >
            Show older ones
          </Button>
        </Group>
      )}
    </>
  );
}

const columns: readonly Column<Alert>[] = [
  {
    name: 'Alert',
    width: 'minmax(16rem, 3fr)',
    isTitle: true,
    cell: ({ id, what, kind, details }) => (
      <>
        <Anchor component={Link} to={`/health/alerts/${id}`} fw={600} size="sm">
          {what}
        </Anchor>
        <Text size="xs" className="quiet">
          {[wordsOfKind(kind), details.provider ?? details.providers?.join(', ')].filter(Boolean).join(' · ')}
        </Text>
      </>
    ),
  },
  { name: 'Severity', width: '6.5rem', cell: ({ severity }) => <SeverityBadge severity={severity} /> },
  { name: 'State', width: '6.5rem', cell: ({ state }) => <AlertStateBadge state={state} /> },
  { name: 'Since', width: 'minmax(7rem, 0.7fr)', cell: ({ opened_at: at }) => <RelativeTime at={at} /> },
  { name: 'Seen', width: '4rem', isNumber: true, cell: ({ occurrences }) => `${occurrences}×` },
];

function Nothing({ filter }: { readonly filter: AlertFilter }) {
  const navigate = useNavigate();
  const isFiltered = !saysNothing(filter);
  if (!isFiltered)
    return (
      <Notice
        title="Nothing is wrong"
        action={
          <Button
            variant="default"
            onClick={() => void navigate({ to: '/health/alerts', search: { state: 'all' } })}
          >
            Show what was
          </Button>
        }
      >
        Dead keys, outages, missed tests and coming dates become alerts here, one for each cause.
      </Notice>
    );
  return (
    <Notice
      title="No alert is like this"
      action={
        <Button variant="default" onClick={() => void navigate({ to: '/health/alerts', search: {} })}>
          Show the open ones
        </Button>
      }
    />
  );
}

function FilterBar({ filter }: { readonly filter: AlertFilter }) {
  const navigate = useNavigate();
  const { data: providers = [] } = useQuery(providersQuery);
  const change = (part: Partial<Record<keyof AlertFilter, string | null>>): void => {
    const kept = Object.entries({ ...filter, ...part }).filter(([, value]) => value !== null);
    void navigate({ to: '/health/alerts', search: Object.fromEntries(kept), replace: true });
  };
  return (
    <Group gap="sm" mb="md" role="search" aria-label="Filter the alerts">
      <SegmentedControl
        aria-label="State"
        value={filter.state ?? 'open'}
        data={[
          { value: 'open', label: 'Open' },
          { value: 'resolved', label: 'Over' },
          { value: 'all', label: 'All' },
        ]}
        onChange={(state) => change({ state: state === 'open' ? null : state })}
      />
      <Select
        aria-label="Severity"
        placeholder="Any severity"
        clearable
        w={160}
        data={severityChoices}
        value={filter.severity ?? null}
        onChange={(severity) => change({ severity })}
      />
      <Select
        aria-label="Provider"
        placeholder="Any provider"
        clearable
        searchable
        w={190}
        data={providers.map(({ slug, display_name: label }) => ({ value: slug, label }))}
        value={filter.provider ?? null}
        onChange={(provider) => change({ provider })}
      />
    </Group>
  );
}
