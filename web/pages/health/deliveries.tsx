/** What was sent, where, and what came of it. */
import { Anchor, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { channelsQuery } from '../../api/queries.ts';
import type { AlertDelivery } from '../../api/views.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { SaidBadge, type Said } from '../../parts/verdict.tsx';

const deliveryStates: Readonly<Record<AlertDelivery['state'], Said>> = {
  waiting: { word: 'Waiting', color: 'yellow' },
  sending: { word: 'On its way', color: 'yellow' },
  delivered: { word: 'Delivered', color: 'green' },
  failed: { word: 'Given up', color: 'red' },
  dropped: { word: 'Dropped', color: 'gray' },
};

const events: Readonly<Record<AlertDelivery['event'], string>> = {
  opened: 'Opened',
  updated: 'Worse, or back',
  resolved: 'Over',
  reminder: 'Reminder',
  test: 'Test',
};

export function Deliveries({
  deliveries,
  without,
}: {
  readonly deliveries: readonly AlertDelivery[];
  /** What is the same for all of them. */
  readonly without: 'alert' | 'channel';
}) {
  const { data: channels } = useQuery(channelsQuery);
  if (deliveries.length === 0)
    return (
      <Text size="sm" className="quiet">
        Nothing was sent: no channel wants it, or there is none.
      </Text>
    );
  const nameOf = (id: number): string =>
    channels?.data.find((channel) => channel.id === id)?.name ?? `channel ${id}`;
  return (
    <DataTable
      label="Deliveries"
      rows={deliveries}
      columns={[without === 'alert' ? channelColumn(nameOf) : alertColumn, ...columns]}
      keyOf={({ id }) => id}
    />
  );
}

const place = { width: 'minmax(8rem, 1fr)' } as const;

const channelColumn = (nameOf: (id: number) => string): Column<AlertDelivery> => ({
  name: 'Channel',
  ...place,
  cell: ({ channel_id: id }) => (
    <Anchor component={Link} size="sm" to={`/health/channels/${id}`}>
      {nameOf(id)}
    </Anchor>
  ),
});

const alertColumn: Column<AlertDelivery> = {
  name: 'Alert',
  ...place,
  cell: ({ alert_id: id }) =>
    id === null ? (
      <span className="quiet">none</span>
    ) : (
      <Anchor component={Link} size="sm" to={`/health/alerts/${id}`}>
        Alert {id}
      </Anchor>
    ),
};

const columns: readonly Column<AlertDelivery>[] = [
  { name: 'Message', width: 'minmax(7rem, 0.8fr)', cell: ({ event }) => events[event] },
  {
    name: 'Outcome',
    width: 'minmax(10rem, 2fr)',
    cell: ({ state, last_error: error }) => (
      <>
        <SaidBadge said={deliveryStates[state]} />
        {error !== null && (
          <Text size="xs" className="quiet" mt={2}>
            {error}
          </Text>
        )}
      </>
    ),
  },
  { name: 'Tries', width: '3.5rem', isNumber: true, cell: ({ attempts }) => attempts },
  {
    name: 'When',
    width: 'minmax(8rem, 0.8fr)',
    cell: ({ delivered_at: delivered, created_at: created, next_attempt_at: next }) => (
      <>
        <RelativeTime at={delivered ?? created} />
        {next !== null && (
          <Text size="xs" className="quiet">
            again <RelativeTime at={next} />
          </Text>
        )}
      </>
    ),
  },
];
