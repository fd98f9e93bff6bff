/** One alert: what, why, since when, what serves, what mends it, what was sent of it, and who sees to it. */
import { Alert as AlertBox, Anchor, Group, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { ChevronLeft, Wrench } from 'lucide-react';
import { ApiError } from '../../api/client.ts';
import { alertQuery } from '../../api/queries.ts';
import type { Alert, AlertAct } from '../../api/views.ts';
import { CopyField } from '../../parts/copy-field.tsx';
import { Fact, FactList } from '../../parts/fact-list.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { AlertStateBadge, SeverityBadge } from '../../parts/severity.tsx';
import { Failure, LoadingRows, Notice } from '../../parts/states.tsx';
import { AlertActs } from './alert-acts.tsx';
import { Deliveries } from './deliveries.tsx';
import { counted, wordsOfKind } from './words.ts';

export function AlertView() {
  const { id } = useParams({ from: '/health/alerts/$id' });
  const { data, error, isPending, refetch } = useQuery(alertQuery(id));
  return (
    <Stack gap="lg">
      <Anchor component={Link} to="/health/alerts" size="sm">
        <ChevronLeft size={14} aria-hidden style={{ verticalAlign: '-2px' }} /> All alerts
      </Anchor>
      {isPending ? (
        <LoadingRows label="Reading the alert" rows={3} />
      ) : data === undefined ? (
        error instanceof ApiError && error.status < 500 && error.status >= 400 ? (
          <Notice title="There is no such alert">{error.message}</Notice>
        ) : (
          <Failure error={error} what="The alert cannot be read" onRetry={() => void refetch()} />
        )
      ) : (
        <>
          <Head alert={data.alert} acts={data.acts} />
          <section aria-labelledby="deliveries">
            <Title order={2} id="deliveries" mb="sm">
              What was sent of it
            </Title>
            <Deliveries deliveries={data.deliveries} without="alert" />
          </section>
        </>
      )}
    </Stack>
  );
}

function Head({ alert, acts }: { readonly alert: Alert; readonly acts: readonly AlertAct[] }) {
  const { details, severity, state, kind, what } = alert;
  return (
    <div className="surface" style={{ padding: '1.25rem' }}>
      <Group justify="space-between" align="flex-start" gap="md">
        <div style={{ minWidth: 0, flex: '1 1 20rem' }}>
          <Group gap="xs" mb={6}>
            <SeverityBadge severity={severity} />
            <AlertStateBadge state={state} />
            <Text size="sm" className="quiet">
              {wordsOfKind(kind)}
            </Text>
          </Group>
          <Title order={2}>{what}</Title>
          {details.why !== undefined && <Text mt={4}>{details.why}</Text>}
        </div>
        <AlertActs alert={alert} />
      </Group>
      {details.command !== undefined && state !== 'resolved' && (
        <AlertBox color="gray" icon={<Wrench aria-hidden />} title="What mends it" mt="md">
          <CopyField label="the command" text={details.command} />
        </AlertBox>
      )}
      <div style={{ marginTop: '1rem' }}>
        <AlertFacts alert={alert} acts={acts} />
      </div>
    </div>
  );
}

function AlertFacts({ alert, acts }: { readonly alert: Alert; readonly acts: readonly AlertAct[] }) {
  const { details, occurrences, reminders } = alert;
  const hit = details.requestsLastHour;
  return (
    <FactList inRows>
      <Fact name="Provider">
        {details.provider !== undefined && (
          <Anchor component={Link} to="/providers" search={{ q: details.provider } as never} size="sm">
            {details.provider}
          </Anchor>
        )}
      </Fact>
      <Fact name="Providers">{details.providers?.join(', ')}</Fact>
      <Fact name="Owner">{details.owner}</Fact>
      <Fact name="Affected">{hit !== undefined && `${counted(hit, 'request')} in the last hour`}</Fact>
      <Fact name="Serves now">{details.serves}</Fact>
      <Fact name="Since">
        <RelativeTime at={details.since ?? alert.opened_at} />
      </Fact>
      <Fact name="Last seen">
        <RelativeTime at={alert.seen_at} />
        {occurrences > 1 && `, ${occurrences} times in all`}
      </Fact>
      <Fact name="Over since">{alert.resolved_at !== null && <RelativeTime at={alert.resolved_at} />}</Fact>
      <Fact name="Seen to by">
        {alert.acknowledged_by !== null && (
          <>
            {alert.acknowledged_by}, <RelativeTime at={alert.acknowledged_at} />
          </>
        )}
      </Fact>
      <Fact name="Put off until">
        {alert.snoozed_until !== null && (
          <>
            <RelativeTime at={alert.snoozed_until} />
            {alert.snoozed_by !== null && `, by ${alert.snoozed_by}`}
          </>
        )}
      </Fact>
      <Fact name="Reason">{reasonsOf(alert, acts)}</Fact>
      <Fact name="Next reminder">
        {alert.next_reminder_at !== null && (
          <>
            <RelativeTime at={alert.next_reminder_at} />
            {reminders > 0 && `, after ${reminders}`}
          </>
        )}
      </Fact>
    </FactList>
  );
}

/** A retention may have removed the events; then the alert itself knows the last reason. */
function reasonsOf({ reason }: Alert, acts: readonly AlertAct[]) {
  if (acts.length === 0) return reason;
  const withReason = acts.filter((one) => one.reason !== null);
  if (withReason.length === 0) return null;
  return withReason.map(({ act, at, by, reason: why }) => (
    <div key={at}>
      <span>{why}</span>{' '}
      <Text span size="sm" className="quiet">
        {act} by {by}, <RelativeTime at={at} />
      </Text>
    </div>
  ));
}
