/** Where alerts are sent: every channel, what it takes, and when it is quiet. */
import { Anchor, Badge, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { channelsQuery } from '../../api/queries.ts';
import type { AlertChannel } from '../../api/views.ts';
import { AddButton } from '../../parts/add-button.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { Failure, LoadingRows, Notice } from '../../parts/states.tsx';
import { ChannelActs } from './channel-acts.tsx';
import { ChannelDialog } from './channel-dialog.tsx';
import { kindWords, placeOf, quietWords, rulesWords } from './channel-words.ts';

export function ChannelsTab() {
  const { data, error, isPending, refetch } = useQuery(channelsQuery);
  const [isAdding, setAdding] = useState(false);
  return (
    <>
      <Group justify="space-between" mb="md" gap="sm">
        <Text size="sm" className="quiet" maw={560}>
          Alerts are sent to every channel whose rules they pass. Until there is one, they are kept here and
          sent nowhere.
        </Text>
        <AddButton words="Add a channel" onClick={() => setAdding(true)} />
      </Group>
      {isPending ? (
        <LoadingRows label="Reading the channels" rows={3} />
      ) : data === undefined ? (
        <Failure error={error} what="The channels cannot be read" onRetry={() => void refetch()} />
      ) : data.data.length === 0 ? (
        <Notice title="There is no channel yet">
          Nobody is told of a dead key until there is one: mail, Slack, Teams, a webhook or the log of the
          server.
        </Notice>
      ) : (
        <DataTable label="Channels" rows={data.data} columns={columns} keyOf={({ id }) => id} />
      )}
      {isAdding && <ChannelDialog channel={null} onClose={() => setAdding(false)} />}
    </>
  );
}

const columns: readonly Column<AlertChannel>[] = [
  {
    name: 'Channel',
    width: 'minmax(10rem, 1fr)',
    isTitle: true,
    cell: ({ id, name, kind, is_active: isActive }) => (
      <>
        <Anchor component={Link} to={`/health/channels/${id}`} fw={600} size="sm">
          {name}
        </Anchor>
        <Group gap={6}>
          <Text size="xs" className="quiet">
            {kindWords[kind]}
          </Text>
          {!isActive && (
            <Badge variant="light" color="gray" size="sm" tt="none">
              Switched off
            </Badge>
          )}
        </Group>
      </>
    ),
  },
  {
    name: 'Leads to',
    width: 'minmax(10rem, 1.3fr)',
    isWide: true,
    cell: (channel) => <span className="mono">{placeOf(channel)}</span>,
  },
  { name: 'Takes', width: 'minmax(11rem, 1.4fr)', cell: rulesWords },
  { name: 'Quiet hours', width: 'minmax(8rem, 0.9fr)', cell: quietWords },
  {
    name: 'Actions',
    width: '7rem',
    isWide: true,
    isUnnamed: true,
    cell: (channel) => <ChannelActs channel={channel} />,
  },
];
