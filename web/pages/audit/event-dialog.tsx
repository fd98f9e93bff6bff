/** One event, at an address of its own: who, what, on what, why, before and after, and its place in the chain. */
import { Anchor, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { wordsOfAction } from '../../api/audit-actions.ts';
import { api, read } from '../../api/client.ts';
import type { AuditEvent } from '../../api/views.ts';
import { CopyField } from '../../parts/copy-field.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Fact, FactList } from '../../parts/fact-list.tsx';
import { exactTime, RelativeTime } from '../../parts/relative-time.tsx';
import { Failure, LoadingRows } from '../../parts/states.tsx';
import { SaidBadge } from '../../parts/verdict.tsx';
import { Changes } from './changes.tsx';
import { outcomeWords } from './outcome.ts';

export function EventDialog() {
  const { sequence } = useParams({ from: '/audit/$sequence' });
  const filter = useSearch({ from: '/audit' });
  const navigate = useNavigate();
  const { data, error, refetch } = useQuery({
    queryKey: ['event', sequence],
    queryFn: async () =>
      read(api.GET('/api/v1/admin/audit-logs/{sequence}', { params: { path: { sequence } } })),
    // What is recorded never changes.
    staleTime: Infinity,
  });
  return (
    <Dialog
      title={data === undefined ? `Event ${sequence}` : wordsOfAction(data.action)}
      size="xl"
      onClose={() => void navigate({ to: '/audit', search: filter, resetScroll: false })}
    >
      {data === undefined ? (
        error === null ? (
          <LoadingRows label="Reading the event" rows={3} />
        ) : (
          <Failure error={error} what={`Event ${sequence} cannot be shown`} onRetry={() => void refetch()} />
        )
      ) : (
        <EventView event={data} />
      )}
    </Dialog>
  );
}

function EventView({ event }: { readonly event: AuditEvent }) {
  const { sequence, actor, outcome, reason, request_id: request, before, after } = event;
  return (
    <Stack gap="md">
      <FactList inRows>
        <Fact name="Event">{sequence}</Fact>
        <Fact name="When">
          {exactTime(event.occurred_at)} (<RelativeTime at={event.occurred_at} />)
        </Fact>
        <Fact name="Who">
          {[actor.name, kindWords[actor.kind] ?? actor.kind, actor.role]
            .filter((words) => words !== null && words !== '')
            .join(', ')}
        </Fact>
        <Fact name="From">{actor.address}</Fact>
        <Fact name="With">{actor.user_agent}</Fact>
        <Fact name="What">
          <span className="mono">{event.action}</span>
        </Fact>
        <Fact name="On what">
          <Target target={event.target} />
        </Fact>
        <Fact name="Outcome">
          <SaidBadge said={outcomeWords[outcome]} />
        </Fact>
        <Fact name="Reason">{reason}</Fact>
        <Fact name="Request">{request !== null && <span className="mono">{request}</span>}</Fact>
      </FactList>
      <section aria-labelledby="changes">
        <Title order={3} size="h4" id="changes" mb={4}>
          Before and after
        </Title>
        <Changes before={before} after={after} />
      </section>
      <section aria-labelledby="chain">
        <Title order={3} size="h4" id="chain" mb={4}>
          Its place in the chain
        </Title>
        <Text size="sm" className="quiet">
          Each hash is over the one before it and the event itself.
        </Text>
        <FactList inRows>
          <Fact name="Hash before">
            <CopyField label="the hash before" text={event.previous_hash} />
          </Fact>
          <Fact name="Hash">
            <CopyField label="the hash" text={event.hash} />
          </Fact>
        </FactList>
      </section>
    </Stack>
  );
}

const kindWords: Readonly<Record<string, string>> = {
  admin_token: 'an admin token',
  bootstrap_token: 'the token of the configuration',
  session: 'signed in on the page',
  command: 'on the command line',
  system: 'Keyward itself',
  database: 'a program that wrote past Keyward',
  anonymous: 'nobody that was recognised',
};

/** What has a view of its own is a link to it. */
function Target({ target: { kind, id } }: { readonly target: AuditEvent['target'] }) {
  const words = <span className="mono">{`${kind}:${id}`}</span>;
  if (kind === 'provider')
    return (
      <Anchor component={Link} to="/providers" search={{ q: id } as never}>
        {words}
      </Anchor>
    );
  if (kind === 'alert' || kind === 'alert_channel')
    return (
      <Anchor component={Link} to={kind === 'alert' ? `/health/alerts/${id}` : `/health/channels/${id}`}>
        {words}
      </Anchor>
    );
  return words;
}
