/** Who did what to a provider and its key, newest first, each with what it was before and after. */
import { Badge, Stack, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { providerAuditQuery } from '../../api/provider-queries.ts';
import type { AuditEvent } from '../../api/views.ts';
import { MoreButton } from '../../parts/more-button.tsx';
import { Panel } from '../../parts/panel.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Notice } from '../../parts/states.tsx';

const columns: readonly Column<AuditEvent>[] = [
  { name: 'When', isFirm: true, cell: ({ occurred_at: at }) => <RelativeTime at={at} /> },
  { name: 'Who', isName: true, cell: ({ actor }) => actor.name },
  {
    name: 'What',
    isFirm: true,
    cell: ({ action, outcome, reason }) => (
      <Stack gap={2} align="flex-start">
        <span className="mono">{action}</span>
        {outcome !== 'done' && (
          <Badge size="sm" variant="light" color="red" tt="none">
            {outcome}
          </Badge>
        )}
        {reason !== null && (
          <Text size="xs" className="quiet" style={{ whiteSpace: 'normal' }}>
            “{reason}”
          </Text>
        )}
      </Stack>
    ),
  },
  { name: 'Before and after', cell: (event) => <Changes event={event} /> },
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

function Changes({ event: { before, after } }: { readonly event: AuditEvent }) {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  const changed = names.filter((name) => textOf(before?.[name]) !== textOf(after?.[name]));
  if (changed.length === 0) return <span className="quiet">–</span>;
  return (
    <Stack gap={2}>
      {changed.map((name) => (
        <Text key={name} size="xs" component="div">
          <span className="quiet">{name.replaceAll('_', ' ')}:</span>{' '}
          {before !== null && name in before && (
            <span className="mono">{shortened(textOf(before[name]))} → </span>
          )}
          <span className="mono">{shortened(textOf(after?.[name]))}</span>
        </Text>
      ))}
    </Stack>
  );
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A long word without spaces, such as the binding of a key, says nothing to people. */
function shortened(text: string): string {
  return text.length > 48 && !text.includes(' ') ? `${text.slice(0, 20)}…${text.slice(-8)}` : text;
}
