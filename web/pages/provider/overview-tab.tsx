/** Which key serves, how it stands, and what each instance serves. */
import { Badge, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { keyStatusQuery } from '../../api/provider-queries.ts';
import type { KeyStatus, Provider, ProviderHealth } from '../../api/views.ts';
import { Panel } from '../../parts/panel.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { KeyState } from './key-state.tsx';
import { Resolution } from './resolution.tsx';

export function OverviewTab({
  provider,
  health,
}: {
  readonly provider: Provider;
  readonly health: ProviderHealth | undefined;
}) {
  return (
    <Stack gap="md">
      <Resolution provider={provider} />
      <KeyState provider={provider} health={health} />
      <Instances slug={provider.slug} />
    </Stack>
  );
}

type Instance = KeyStatus['instances'][number];

const sources = { database: 'Database', environment: 'Environment' } as const;

const columns: readonly Column<Instance>[] = [
  { name: 'Instance', isLong: true, isWide: true, cell: ({ host, pid }) => `${host}, process ${pid}` },
  {
    name: 'Serves',
    cell: ({ serves }) =>
      serves === null ? 'Not active' : serves.source === null ? 'Nothing' : sources[serves.source],
  },
  {
    name: 'Key',
    isLong: true,
    cell: ({ serves }) => <span className="mono">{serves?.fingerprint ?? '–'}</span>,
  },
  {
    name: 'State',
    isFirm: true,
    cell: ({ up_to_date: isUpToDate }) => (
      <Badge variant="light" tt="none" color={isUpToDate ? 'green' : 'yellow'}>
        {isUpToDate ? 'Up to date' : 'Takes it up'}
      </Badge>
    ),
  },
  { name: 'Revision', isNumber: true, cell: ({ revision }) => revision },
];

function Instances({ slug }: { readonly slug: string }) {
  const status = useQuery(keyStatusQuery(slug));
  return (
    <Panel
      title="On each instance"
      description="What the running servers have in memory, with the environment that each of them has."
    >
      <QueryView query={status} what="What the instances serve" rows={1}>
        {({ instances }) => (
          <DataTable isWithin label="Instances" rows={instances} columns={columns} keyOf={({ id }) => id} />
        )}
      </QueryView>
    </Panel>
  );
}
