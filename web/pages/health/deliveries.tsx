/** What was sent, where, and what came of it. */
import { Anchor, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { channelsQuery } from '../../api/queries.ts';
import type { AlertDelivery } from '../../api/views.ts';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { Sheet, SheetCell, SheetRow, type Column } from '../../parts/sheet.tsx';
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
    <Sheet label="Deliveries" columns={columnsFor(without)}>
      {deliveries.map((delivery) => (
        <SheetRow key={delivery.id}>
          <SheetCell label={without === 'alert' ? 'Channel' : 'Alert'}>
            {without === 'alert' ? (
              <Anchor component={Link} size="sm" to={`/health/channels/${delivery.channel_id}`}>
                {nameOf(delivery.channel_id)}
              </Anchor>
            ) : delivery.alert_id === null ? (
              <span className="quiet">none</span>
            ) : (
              <Anchor component={Link} size="sm" to={`/health/alerts/${delivery.alert_id}`}>
                Alert {delivery.alert_id}
              </Anchor>
            )}
          </SheetCell>
          <SheetCell label="Message">{events[delivery.event]}</SheetCell>
          <SheetCell label="Outcome">
            <SaidBadge said={deliveryStates[delivery.state]} />
            {delivery.last_error !== null && (
              <Text size="xs" className="quiet" mt={2}>
                {delivery.last_error}
              </Text>
            )}
          </SheetCell>
          <SheetCell label="Tries" isNumber>
            {delivery.attempts}
          </SheetCell>
          <SheetCell label="When">
            <RelativeTime at={delivery.delivered_at ?? delivery.created_at} />
            {delivery.next_attempt_at !== null && (
              <Text size="xs" className="quiet">
                again <RelativeTime at={delivery.next_attempt_at} />
              </Text>
            )}
          </SheetCell>
        </SheetRow>
      ))}
    </Sheet>
  );
}

function columnsFor(without: 'alert' | 'channel'): readonly Column[] {
  return [
    { name: without === 'alert' ? 'Channel' : 'Alert', width: 'minmax(8rem, 1fr)' },
    { name: 'Message', width: 'minmax(7rem, 0.8fr)' },
    { name: 'Outcome', width: 'minmax(10rem, 2fr)' },
    { name: 'Tries', width: '3.5rem', isNumber: true },
    { name: 'When', width: 'minmax(8rem, 0.8fr)' },
  ];
}
