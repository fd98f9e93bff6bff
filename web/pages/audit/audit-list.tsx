/** The events in rows. Only what is near the view is drawn, and older ones are read as one comes near them. */
import { Anchor, Button, Center, Loader, Text } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { ArrowUp } from 'lucide-react';
import { wordsOfAction } from '../../api/audit-actions.ts';
import type { AuditFilter } from '../../api/views.ts';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { Failure, LoadingRows, Notice } from '../../parts/states.tsx';
import { SaidBadge } from '../../parts/verdict.tsx';
import classes from './audit.module.css';
import { outcomeWords } from './outcome.ts';
import { useTrail, type TrailRow } from './trail.ts';
import { saysNothing } from '../../parts/says-nothing.ts';
import { DrawnRows } from '../../parts/drawn-rows.tsx';

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
const columns = ['Event', 'What', 'On what', 'Who', 'Outcome', 'When'] as const;

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
  return (
    <div className="surface" role="table" aria-label="Events" aria-rowcount={hasMore ? -1 : rows.length + 1}>
      <div role="rowgroup" className={classes['head']}>
        <div role="row" className={classes['row']} aria-rowindex={1}>
          {columns.map((name) => (
            <div key={name} role="columnheader">
              {name}
            </div>
          ))}
        </div>
      </div>
      <DrawnRows
        rows={rows}
        keyOf={sequenceOf}
        rowHeight={56}
        overscan={16}
        className={classes['body']}
        rowClassName={classes['row']}
        onDrawn={(last) => {
          if (last >= rows.length - ahead) onNearEnd();
        }}
      >
        {(row) => <EventRow row={row} filter={filter} />}
      </DrawnRows>
    </div>
  );
}

function EventRow({ row, filter }: { readonly row: TrailRow; readonly filter: AuditFilter }) {
  const { sequence, at, actor, action, target, outcome, reason } = row;
  return (
    <>
      <div role="cell" className={classes['number']}>
        {sequence}
      </div>
      <div role="cell" className={classes['what']}>
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
      </div>
      <div role="cell" className={`mono ${classes['cut'] ?? ''}`} title={target}>
        {target}
      </div>
      <div role="cell" className={classes['cut']} title={actor}>
        {actor}
      </div>
      <div role="cell">
        <SaidBadge said={outcomeWords[outcome]} />
      </div>
      <div role="cell" className={classes['cut']}>
        <RelativeTime at={at} />
      </div>
    </>
  );
}
