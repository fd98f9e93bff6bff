/** Proves the chain at a press: what was found, in words, and how it can be stopped. */
import { Alert, Anchor, Button, CloseButton, Group, List, Loader, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ShieldAlert, ShieldCheck } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { api, read } from '../../api/client.ts';
import type { AuditTrailReport } from '../../api/views.ts';
import { Failure } from '../../parts/states.tsx';

export function useVerification() {
  const asking = useRef<AbortController | null>(null);
  const running = useMutation({
    mutationFn: async () => {
      const stopped = new AbortController();
      asking.current = stopped;
      return read(api.GET('/api/v1/admin/audit-logs/verify', { signal: stopped.signal }));
    },
  });
  // Who leaves the view asks no longer, and the server ends its reading.
  useEffect(() => () => asking.current?.abort(), []);
  return {
    running,
    stop: () => {
      asking.current?.abort();
      running.reset();
    },
  };
}

type Verification = ReturnType<typeof useVerification>;

export function VerifyButton({ verification: { running } }: { readonly verification: Verification }) {
  return (
    <Button
      leftSection={<ShieldCheck size={16} aria-hidden />}
      loading={running.isPending}
      onClick={() => running.mutate()}
    >
      Verify the chain
    </Button>
  );
}

export function VerificationResult({
  verification: { running, stop },
}: {
  readonly verification: Verification;
}) {
  if (running.isPending)
    return (
      <Alert color="gray" mb="md" icon={<Loader size={18} />} title="All of the trail is read" role="status">
        <Group justify="space-between">
          <Text size="sm">Each event is hashed anew. It takes a few seconds for a hundred thousand.</Text>
          <Button size="xs" variant="default" onClick={stop}>
            Stop
          </Button>
        </Group>
      </Alert>
    );
  if (running.isError)
    return (
      <div style={{ marginBottom: '1rem' }}>
        <Failure error={running.error} what="The chain was not verified" onRetry={() => running.mutate()} />
      </div>
    );
  if (running.data === undefined) return null;
  return <Report report={running.data} onClose={() => running.reset()} />;
}

function Report({ report, onClose }: { readonly report: AuditTrailReport; readonly onClose: () => void }) {
  const { whole, fault, retention, remarks, waiting_foreign_changes: waiting, seconds } = report;
  return (
    <Alert
      mb="md"
      color={whole ? 'green' : 'red'}
      icon={whole ? <ShieldCheck aria-hidden /> : <ShieldAlert aria-hidden />}
      title={
        <Group justify="space-between" wrap="nowrap" w="100%">
          <span>{titleOf(report)}</span>
          <CloseButton size="sm" aria-label="Close the result" onClick={onClose} />
        </Group>
      }
      styles={{ label: { width: '100%' } }}
      role={whole ? 'status' : 'alert'}
    >
      <List size="sm" spacing={4}>
        {fault !== null && (
          <List.Item>
            {fault.message}{' '}
            <Anchor component={Link} to={`/audit/${fault.sequence}`} size="sm">
              Look at event {fault.sequence}
            </Anchor>
          </List.Item>
        )}
        <List.Item>{provenOf(report)}</List.Item>
        {retention !== null && (
          <List.Item>
            Event {retention.sequence} records that the events up to {retention.removed_through} were removed.
          </List.Item>
        )}
        <List.Item>{anchorsOf(report)}</List.Item>
        {waiting > 0 && (
          <List.Item>
            {waiting === 1 ? 'One change' : `${waiting} changes`} past Keyward wait to be recorded.
          </List.Item>
        )}
        {remarks.map(({ provider, message }) => (
          <List.Item key={`${provider ?? ''} ${message}`}>
            {provider === null ? message : `${provider}: ${message}`}
          </List.Item>
        ))}
        <List.Item>It took {seconds < 1 ? 'less than a second' : `${Math.round(seconds)} s`}.</List.Item>
      </List>
    </Alert>
  );
}

function titleOf({ whole, events, fault }: AuditTrailReport): string {
  if (whole) return `The trail is whole: ${events === 1 ? 'one event' : `${events} events`}`;
  return `The trail is broken at event ${fault?.sequence ?? '?'}`;
}

function provenOf({ head, first, fault }: AuditTrailReport): string {
  if (head === null) return fault === null ? 'There is no event yet.' : 'No event before it is proven.';
  const range =
    first === head.sequence ? `Event ${head.sequence}` : `Events ${first ?? 1} to ${head.sequence}`;
  return fault === null ? `${range} are as they were written.` : `${range} are proven: they come before it.`;
}

/** Whether anything could be missing at the end. */
function anchorsOf({ anchors, anchor_kind: kind }: AuditTrailReport): string {
  if (anchors !== null)
    return `${anchors.proven} noted ${anchors.proven === 1 ? 'head fits' : 'heads fit'}, the newest of event ${anchors.newest}: nothing is missing up to there.`;
  const command = 'keyward audit verify --anchors';
  if (kind === 'file')
    return 'The file of the noted heads is not there: whether events were cut off the end cannot be told.';
  if (kind === 'off')
    return 'No heads are noted outside the database: whether events were cut off the end cannot be told.';
  return `Heads are noted ${kind === 'log' ? 'in the log of the server' : 'with the receiver of the webhook'}: whether events were cut off the end, ${command} tells.`;
}
