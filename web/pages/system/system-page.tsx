/** What runs: instances and their revisions, jobs, migrations, and how this instance is configured. */
import { Stack, Switch, Tabs, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { statusQuery, systemQuery } from '../../api/queries.ts';
import type { System } from '../../api/views.ts';
import { DataTable } from '../../parts/data-table.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { SaidBadge } from '../../parts/verdict.tsx';
import type { systemTabs } from '../../router.tsx';

export function SystemPage() {
  const { tab = 'instances' } = useSearch({ from: '/system' });
  const navigate = useNavigate();
  const status = useQuery(statusQuery);
  const system = useQuery(systemQuery);
  return (
    <>
      <PageHeader
        title="System"
        summary={
          status.data === undefined
            ? 'What runs, and on what it stands.'
            : `Keyward ${status.data.version} on ${status.data.database.description} · revision ${status.data.revision}`
        }
      />
      <Tabs
        value={tab}
        onChange={(next) =>
          void navigate({ to: '/system', search: { tab: next as (typeof systemTabs)[number] } })
        }
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="instances">Instances and jobs</Tabs.Tab>
          <Tabs.Tab value="migrations">Migrations</Tabs.Tab>
          <Tabs.Tab value="configuration">Configuration</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="instances">
          <Instances />
        </Tabs.Panel>
        <Tabs.Panel value="migrations">
          <QueryView query={system} what="The migrations">
            {({ migrations }) => <Migrations migrations={migrations} />}
          </QueryView>
        </Tabs.Panel>
        <Tabs.Panel value="configuration">
          <QueryView query={system} what="The configuration">
            {({ settings }) => <Settings settings={settings} />}
          </QueryView>
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function Instances() {
  const status = useQuery(statusQuery);
  return (
    <QueryView query={status} what="The instances">
      {({ instances, jobs, revision, instance_id: own }) => (
        <Stack gap="lg">
          <DataTable
            label="Instances"
            rows={instances}
            keyOf={({ id }) => id}
            columns={[
              {
                name: 'Instance',
                isLong: true,
                isTitle: true,
                cell: ({ id, host, pid }) => `${host}, process ${pid}${id === own ? ' (answers you)' : ''}`,
              },
              { name: 'Version', cell: ({ version }) => version },
              {
                name: 'Serves',
                cell: (one) => (
                  <SaidBadge
                    said={
                      one.revision >= revision
                        ? { word: `Revision ${one.revision}`, color: 'green' }
                        : { word: `Revision ${one.revision}, behind`, color: 'yellow' }
                    }
                  />
                ),
              },
              { name: 'Started', cell: ({ started_at: at }) => <RelativeTime at={at} /> },
              { name: 'Last seen', cell: ({ seen_at: at }) => <RelativeTime at={at} /> },
            ]}
          />
          <Stack gap="xs" component="section" aria-label="Jobs">
            <Title order={2}>Jobs</Title>
            <DataTable
              label="Jobs"
              rows={jobs}
              keyOf={({ name }) => name}
              columns={[
                {
                  name: 'Job',
                  isTitle: true,
                  cell: ({ name }) => `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
                },
                { name: 'Last run', cell: ({ last_run_at: at }) => <RelativeTime at={at} /> },
                {
                  name: 'Next run',
                  cell: ({ next_run_at: at }) => <RelativeTime at={at} none="not planned" />,
                },
                {
                  name: 'State',
                  cell: ({ problem }) => (
                    <SaidBadge
                      said={
                        problem === null
                          ? { word: 'In order', color: 'green' }
                          : { word: 'Has a problem', color: 'red' }
                      }
                      message={problem ?? undefined}
                    />
                  ),
                },
              ]}
            />
          </Stack>
        </Stack>
      )}
    </QueryView>
  );
}

const states: Readonly<Record<System['migrations'][number]['state'], { word: string; color: string }>> = {
  applied: { word: 'Applied', color: 'green' },
  pending: { word: 'Pending', color: 'yellow' },
  unrecorded: { word: 'Not recorded', color: 'yellow' },
  partial: { word: 'Partly applied', color: 'red' },
  unfit: { word: 'Cannot be applied', color: 'red' },
  drift: { word: 'Drifted', color: 'red' },
  newer: { word: 'Of a newer Keyward', color: 'yellow' },
};

function Migrations({ migrations }: { readonly migrations: System['migrations'] }) {
  const isOff = migrations.some(({ state }) => state !== 'applied');
  return (
    <Stack gap="sm">
      {isOff && (
        <Text size="sm">
          What is not as it should be, and what to do, says{' '}
          <span className="mono">npx keyward migrate --check</span>.
        </Text>
      )}
      <DataTable
        label="Migrations"
        rows={migrations}
        keyOf={({ version }) => version}
        columns={[
          {
            name: 'Migration',
            isTitle: true,
            cell: ({ version, name }) => `${version} ${name.replaceAll('_', ' ')}`,
          },
          { name: 'State', cell: ({ state }) => <SaidBadge said={states[state]} /> },
          { name: 'Applied', cell: ({ applied_at: at }) => <RelativeTime at={at} none="not yet" /> },
          { name: 'Differences', isNumber: true, cell: ({ differences }) => differences },
        ]}
      />
    </Stack>
  );
}

function Settings({ settings }: { readonly settings: System['settings'] }) {
  const [isAll, setAll] = useState(false);
  const shown = settings.filter(({ is_set: isSet }) => isAll || isSet);
  return (
    <Stack gap="sm">
      <Switch
        label="Those that are not set, too"
        checked={isAll}
        onChange={({ currentTarget }) => setAll(currentTarget.checked)}
      />
      <DataTable
        label="Configuration"
        rows={shown}
        keyOf={({ name }) => name}
        columns={[
          {
            name: 'Variable',
            width: 'minmax(14rem, 1fr)',
            isTitle: true,
            cell: ({ name }) => <span className="mono">{name}</span>,
          },
          {
            name: 'Value',
            width: 'minmax(10rem, 1fr)',
            isWide: true,
            cell: ({ is_set: isSet, value, default: otherwise }) =>
              !isSet ? (
                <span className="quiet">not set: {otherwise}</span>
              ) : value === null ? (
                <span className="quiet">set, not shown</span>
              ) : (
                <span className="mono">{value}</span>
              ),
          },
          {
            name: 'Meaning',
            width: 'minmax(14rem, 1.5fr)',
            isWide: true,
            cell: ({ description }) => description.replaceAll('`', ''),
          },
        ]}
      />
    </Stack>
  );
}
