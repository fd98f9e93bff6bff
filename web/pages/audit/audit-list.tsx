/** The events in rows. Only what is near the view is drawn, and older ones are read as one comes near them. */
import { Anchor, Button, Center, Loader, Text } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { ArrowUp } from 'lucide-react';
import { useMemo } from 'react';
import { wordsOfAction } from '../../api/audit-actions.ts';
import type { AuditFilter } from '../../api/views.ts';
import { LongTable, type Column } from '../../parts/data-table.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { Failure, LoadingRows, Notice } from '../../parts/states.tsx';
import { SaidBadge } from '../../parts/verdict.tsx';
import classes from './audit.module.css';
import { outcomeWords } from './outcome.ts';
import { useTrail, type TrailRow } from './trail.ts';
import { saysNothing } from '../../parts/says-nothing.ts';

export function AuditList({ filter }: { readonly filter: AuditFilter }) {
  const navigate = useNavigate();
  const { rows, waiting, hasGap, beginAnew, list } = useTrail(filter);
  if (rows === undefined)
    return list.isError ? (
      <Failure error={list.error} what="The events cannot be read" onRetry={() => void list.refetch()} />
    ) : (
      <LoadingRows label="Reading the events" />
    );
  if (rows.length === 0)
    return (
      <Notice
        title={saysNothing(filter) ? 'Nothing is recorded yet' : 'No event is like this'}
        action={
          saysNothing(filter) ? undefined : (
            <Button variant="default" onClick={() => void navigate({ to: '/audit', search: {} })}>
              Show all events
            </Button>
          )
        }
      />
    );
  return (
    <>
      {(waiting > 0 || hasGap) && (
        <Center className={classes['newer']}>
          <Button
            size="xs"
            radius="xl"
            leftSection={<ArrowUp size={14} aria-hidden />}
            onClick={() => {
              window.scrollTo({ top: 0 });
              if (hasGap) beginAnew();
            }}
          >
            {hasGap ? 'Many newer events' : waiting === 1 ? 'One newer event' : `${waiting} newer events`}
          </Button>
        </Center>
      )}
      <Rows
        rows={rows}
        filter={filter}
        hasMore={list.hasNextPage}
        onNearEnd={() => {
          if (list.hasNextPage && !list.isFetchingNextPage && !list.isFetchNextPageError)
            void list.fetchNextPage();
        }}
      />
      {list.isFetchNextPageError ? (
        <Failure
          error={list.error}
          what="Older events cannot be read"
          onRetry={() => void list.fetchNextPage()}
        />
      ) : list.hasNextPage ? (
        <Center py="md">
          <Loader size="sm" aria-label="Reading older events" role="status" />
        </Center>
      ) : (
        <Text size="sm" className="quiet" ta="center" py="md">
          These are all.
        </Text>
      )}
    </>
  );
}

const sequenceOf = ({ sequence }: TrailRow): string => String(sequence);
/** So many rows before the end the next page is asked for. */
const ahead = 60;

function Rows({
  rows,
  filter,
  hasMore,
  onNearEnd,
}: {
  readonly rows: readonly TrailRow[];
  readonly filter: AuditFilter;
  readonly hasMore: boolean;
  readonly onNearEnd: () => void;
}) {
  const columns = useMemo(() => columnsFor(filter), [filter]);
  return (
    <LongTable
      label="Events"
      rows={rows}
      columns={columns}
      keyOf={sequenceOf}
      rowHeight={56}
      isPart={hasMore}
      onDrawn={(last) => {
        if (last >= rows.length - ahead) onNearEnd();
      }}
    />
  );
}

function columnsFor(filter: AuditFilter): readonly Column<TrailRow>[] {
  return [
    {
      name: 'Event',
      width: '4.5rem',
      isNumber: true,
      cell: ({ sequence }) => <span className="quiet">{sequence}</span>,
    },
    {
      name: 'What',
      width: 'minmax(11rem, 1.6fr)',
      isTitle: true,
      cell: ({ sequence, action, reason }) => (
        <>
          <Anchor
            component={Link}
            to={`/audit/${sequence}`}
            search={filter as never}
            resetScroll={false}
            fw={600}
            size="sm"
          >
            {wordsOfAction(action)}
          </Anchor>
          {reason !== null && (
            <Text size="xs" className="quiet" truncate title={reason}>
              {reason}
            </Text>
          )}
        </>
      ),
    },
    {
      name: 'On what',
      width: 'minmax(9rem, 1.2fr)',
      cell: ({ target }) => (
        <Text className="mono" truncate title={target}>
          {target}
        </Text>
      ),
    },
    {
      name: 'Who',
      width: 'minmax(8rem, 1fr)',
      cell: ({ actor }) => (
        <Text size="sm" truncate title={actor}>
          {actor}
        </Text>
      ),
    },
    { name: 'Outcome', width: '6rem', cell: ({ outcome }) => <SaidBadge said={outcomeWords[outcome]} /> },
    { name: 'When', width: 'minmax(7rem, 0.7fr)', cell: ({ at }) => <RelativeTime at={at} /> },
  ];
}
