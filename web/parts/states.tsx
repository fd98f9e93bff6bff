/** The states of a view that has nothing to show: loading, empty, failed; and of an act that was not done. */
import { Alert, Button, Skeleton, Stack, Text, Title } from '@mantine/core';
import type { NotificationData } from '@mantine/notifications';
import { CircleAlert, CircleHelp } from 'lucide-react';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore, type ReactNode } from 'react';
import { ApiError } from '../api/client.ts';
import { Countdown } from './countdown.tsx';

/** In place of rows that are on their way. */
export function LoadingRows({
  label,
  rows = 6,
}: {
  readonly label: string;
  readonly rows?: number | undefined;
}) {
  return (
    <Stack gap="xs" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={52} radius="md" />
      ))}
    </Stack>
  );
}

/** Says what is not there, and what to do. */
export function Notice({
  title,
  children,
  action,
  isView = false,
}: {
  readonly title: string;
  /** It stands in the place of a view, and has its heading. */
  readonly isView?: boolean;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}) {
  return (
    <Stack align="center" gap="sm" py={64} px="md" ta="center">
      <Title order={isView ? 1 : 2} size="h2">
        {title}
      </Title>
      {children !== undefined && (
        <Text className="quiet" maw={480}>
          {children}
        </Text>
      )}
      {action}
    </Stack>
  );
}

/** Something that could not be read or done, in the words of the server. */
export function Failure({
  error,
  what,
  onRetry,
}: {
  readonly error: unknown;
  readonly what: string;
  readonly onRetry?: () => void;
}) {
  const code = error instanceof ApiError ? error.code : null;
  return (
    <Alert color="red" icon={<CircleAlert aria-hidden />} title={what} role="alert">
      <Stack gap="sm" align="flex-start">
        <Text size="sm" component="div">
          <Told error={error} />
          {code !== null && code !== 'offline' && <span className="mono"> ({code})</span>}
        </Text>
        {onRetry !== undefined && (
          <Button size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** What an error says, and how long to wait where it says that. */
function Told({ error }: { readonly error: unknown }) {
  return (
    <>
      {error instanceof Error ? error.message : String(error)}
      {error instanceof ApiError && error.retryAt !== null && (
        <>
          {' '}
          <Countdown until={error.retryAt} />
        </>
      )}
    </>
  );
}

/** Something that was asked for and not done, or of which nobody knows whether it was. */
export function NotDone({
  error,
  what,
  now,
}: {
  readonly error: unknown;
  readonly what: string;
  /** How it stands now, where no answer came; kept up to date by whoever says it. */
  readonly now?: string | undefined;
}) {
  if (!(error instanceof ApiError && error.isLost)) return <Failure error={error} what={what} />;
  return <Lost key={error.at} error={error} now={now} />;
}

function Lost({ error, now }: { readonly error: ApiError; readonly now: string | undefined }) {
  const isReadAnew = useReadSince(error.at);
  if (isReadAnew)
    return (
      <Alert
        color="gray"
        icon={<CircleHelp aria-hidden />}
        title="No answer came; what is so was read anew"
        role="alert"
      >
        <Text size="sm">
          {now ?? 'What is shown on this page is so now. Look at it before you try again.'}
        </Text>
      </Alert>
    );
  return (
    <Alert color="yellow" icon={<CircleHelp aria-hidden />} title={lostTitle} role="alert">
      <Text size="sm">
        {error.message} {lostAdvice}
      </Text>
    </Alert>
  );
}

/** Whether what the page shows of keys was read after that time; asks for it once. @param since milliseconds since 1970 */
function useReadSince(since: number): boolean {
  const queries = useQueryClient();
  useEffect(() => void queries.invalidateQueries({ queryKey: ['keys'] }), [queries]);
  const cache = queries.getQueryCache();
  return useSyncExternalStore(
    (listener) => cache.subscribe(listener),
    () => {
      const shown = cache.findAll({ queryKey: ['keys'], type: 'active' });
      return (
        shown.length > 0 && shown.every(({ state }) => state.dataUpdatedAt > since && !state.isInvalidated)
      );
    },
  );
}

const lostTitle = 'It is not known whether this was done';
const lostAdvice =
  'The change may have been made or not: what is shown here is read again as soon as there is an answer. Look at it before you go on.';

/** The same where there is only room for a notice. */
export function noticeOfNotDone(error: Error, what: string): NotificationData {
  return error instanceof ApiError && error.isLost
    ? { color: 'yellow', title: lostTitle, message: `${error.message} ${lostAdvice}` }
    : { color: 'red', title: what, message: <Told error={error} /> };
}
