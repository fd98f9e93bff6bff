/** Every test of the keys of a provider over time: a chart, and the same as a table. */
import { Stack, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Suspense, useMemo } from 'react';
import { keyTestsQuery } from '../../api/provider-queries.ts';
import type { RecordedTest } from '../../api/views.ts';
import { lazyChart } from '../../parts/lazy-chart.tsx';
import { MoreButton } from '../../parts/more-button.tsx';
import { Panel } from '../../parts/panel.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Notice } from '../../parts/states.tsx';
import { VerdictBadge } from '../../parts/verdict.tsx';

const TestsChart = lazyChart<{ readonly tests: readonly RecordedTest[] }>(
  async () => (await import('./tests-chart.tsx')).TestsChart,
);

const sources = { database: 'Stored', environment: 'Environment', candidate: 'Offered' } as const;

const columns: readonly Column<RecordedTest>[] = [
  { name: 'When', isFirm: true, cell: ({ tested_at: at }) => <RelativeTime at={at} /> },
  { name: 'Verdict', isFirm: true, cell: ({ verdict }) => <VerdictBadge verdict={verdict} /> },
  { name: 'What was said', isLong: true, isWide: true, cell: ({ message }) => message },
  {
    name: 'Key',
    isLong: true,
    cell: ({ source, asked_by: who }) => (
      <>
        {sources[source]}
        <Text size="xs" className="quiet">
          asked by {who}
        </Text>
      </>
    ),
  },
  { name: 'Status', isNumber: true, cell: ({ http_status: status }) => status ?? '–' },
  { name: 'Latency', isNumber: true, isFirm: true, cell: ({ response_time_ms: took }) => `${took} ms` },
];

export function TestsTab({ slug }: { readonly slug: string }) {
  const list = useInfiniteQuery(keyTestsQuery(slug));
  const tests = useMemo(() => list.data?.pages.flatMap(({ data }) => data) ?? [], [list.data]);
  return (
    <QueryView query={list} what="The tests">
      {() =>
        tests.length === 0 ? (
          <Notice title="No key was tested yet">
            A test costs nothing. Keys that serve are tested once a day by themselves.
          </Notice>
        ) : (
          <Stack gap="md">
            <Panel
              title="Latency and verdict"
              description="How long the provider took to say what it thinks of a key."
            >
              <Suspense fallback={<Text size="sm">Drawing…</Text>}>
                <TestsChart tests={tests} />
              </Suspense>
            </Panel>
            <Panel title="Tests">
              <DataTable
                isWithin
                label="Tests, newest first"
                rows={tests}
                columns={columns}
                keyOf={({ id }) => id}
              />
              <MoreButton list={list} />
            </Panel>
          </Stack>
        )
      }
    </QueryView>
  );
}
