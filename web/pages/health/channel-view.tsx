/** One channel: where it leads, what it takes, and what was sent there. */
import { Anchor, Group, Stack, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { ChevronLeft } from 'lucide-react';
import { ApiError } from '../../api/client.ts';
import { channelQuery } from '../../api/queries.ts';
import type { AlertChannel } from '../../api/views.ts';
import { Fact, FactList } from '../../parts/fact-list.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { Failure, LoadingRows, Notice } from '../../parts/states.tsx';
import { ChannelActs } from './channel-acts.tsx';
import { kindWords, placeOf, quietWords, rulesWords } from './channel-words.ts';
import { Deliveries } from './deliveries.tsx';

export function ChannelView() {
  const { id } = useParams({ from: '/health/channels/$id' });
  const { data, error, isPending, refetch } = useQuery(channelQuery(id));
  return (
    <Stack gap="lg">
      <Anchor component={Link} to="/health/channels" size="sm">
        <ChevronLeft size={14} aria-hidden style={{ verticalAlign: '-2px' }} /> All channels
      </Anchor>
      {isPending ? (
        <LoadingRows label="Reading the channel" rows={3} />
      ) : data === undefined ? (
        error instanceof ApiError && error.status < 500 && error.status >= 400 ? (
          <Notice title="There is no such channel">{error.message}</Notice>
        ) : (
          <Failure error={error} what="The channel cannot be read" onRetry={() => void refetch()} />
        )
      ) : (
        <>
          <Head channel={data.channel} />
          <section aria-labelledby="deliveries">
            <Title order={2} id="deliveries" mb="sm">
              What was sent there
            </Title>
            <Deliveries deliveries={data.deliveries} without="channel" />
          </section>
        </>
      )}
    </Stack>
  );
}

function Head({ channel }: { readonly channel: AlertChannel }) {
  const navigate = useNavigate();
  const { name, kind, settings } = channel;
  return (
    <div className="surface" style={{ padding: '1.25rem' }}>
      <Group justify="space-between" align="flex-start" mb="sm">
        <Title order={2}>{name}</Title>
        <ChannelActs channel={channel} onDeleted={() => void navigate({ to: '/health/channels' })} />
      </Group>
      <FactList inRows>
        <Fact name="Kind">{kindWords[kind]}</Fact>
        <Fact name="Leads to">
          <span className="mono">{placeOf(channel)}</span>
        </Fact>
        <Fact name="Sender">{settings?.from}</Fact>
        <Fact name="Signs in as">{settings?.username}</Fact>
        <Fact name="Private network">{settings?.allow_private_network === true && 'allowed'}</Fact>
        <Fact name="Takes">{rulesWords(channel)}</Fact>
        <Fact name="Quiet hours">{quietWords(channel)}</Fact>
        <Fact name="State">{channel.is_active ? 'on' : 'switched off: nothing is sent there'}</Fact>
        <Fact name="Changed by">
          {channel.changed_by}, <RelativeTime at={channel.changed_at} />
        </Fact>
      </FactList>
    </div>
  );
}
