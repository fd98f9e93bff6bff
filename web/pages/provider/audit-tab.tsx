/** Who did what to a provider and its key, newest first, each with what it was before and after. */
import { Anchor, Stack, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { wordsOfAction } from '../../api/audit-actions.ts';
import { providerAuditQuery } from '../../api/provider-queries.ts';
import type { AuditEvent } from '../../api/views.ts';
import { MoreButton } from '../../parts/more-button.tsx';
import { Panel } from '../../parts/panel.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Notice } from '../../parts/states.tsx';
import { SaidBadge } from '../../parts/verdict.tsx';
import { changedFields } from '../audit/changed-fields.ts';
import { outcomeWords } from '../audit/outcome.ts';

const columns: readonly Column<AuditEvent>[] = [
  { name: 'When', isFirm: true, cell: ({ occurred_at: at }) => <RelativeTime at={at} /> },
  { name: 'Who', isLong: true, cell: ({ actor }) => actor.name },
  {
    name: 'What',
    isLong: true,
    isWide: true,
    cell: ({ sequence, action, outcome, reason }) => (
      <Stack gap={2} align="flex-start">
        <Anchor component={Link} to={`/audit/${sequence}`} size="sm" fw={600}>
          {wordsOfAction(action)}
        </Anchor>
        {outcome !== 'done' && <SaidBadge said={outcomeWords[outcome]} />}
        {reason !== null && (
          <Text size="xs" className="quiet">
            “{reason}”
          </Text>
        )}
      </Stack>
    ),
  },
  {
    name: 'Before and after',
    isLong: true,
    isWide: true,
    cell: ({ before, after }) => <Changes before={before} after={after} />,
  },
  { name: 'Number', isNumber: true, cell: ({ sequence }) => sequence },
];

export function AuditTab({ slug }: { readonly slug: string }) {
  const list = useInfiniteQuery(providerAuditQuery(slug));
  const events = list.data?.pages.flatMap(({ data }) => data) ?? [];
  return (
    <QueryView query={list} what="The audit trail">
      {() =>
        events.length === 0 ? (
          <Notice title="Nobody has done anything here yet">What is done will stand here.</Notice>
        ) : (
          <Panel title="Audit" description="Keys stand here as fingerprints.">
            <DataTable
              isWithin
              label="Events, newest first"
              rows={events}
              columns={columns}
              keyOf={({ sequence }) => sequence}
            />
            <MoreButton list={list} />
          </Panel>
        )
      }
    </QueryView>
  );
}

/** What an event changed, each in a line; its own view has all of it. */
function Changes({ before, after }: Pick<AuditEvent, 'before' | 'after'>) {
  const changed = changedFields(before, after).filter(({ before: was, after: is }) => was !== is);
  if (changed.length === 0) return <span className="quiet">–</span>;
  return (
    <Stack gap={2}>
      {changed.map(({ name, before: was, after: is }) => (
        <Text key={name} size="xs" component="div">
          <span className="quiet">{name}:</span>{' '}
          {was !== null && <span className="mono">{shortened(was)} → </span>}
          <span className="mono">{shortened(is ?? 'none')}</span>
        </Text>
      ))}
    </Stack>
  );
}

/** A long word without spaces, such as the binding of a key, says nothing to people. */
function shortened(text: string): string {
  return text.length > 48 && !text.includes(' ') ? `${text.slice(0, 20)}…${text.slice(-8)}` : text;
}
