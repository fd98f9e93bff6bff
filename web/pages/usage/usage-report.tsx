/** The usage of some days, of all providers and tokens or of one: the sums, a bar a day, and who or what it was. */
import { Group as Row, SegmentedControl, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Suspense, useMemo } from 'react';
import { usageQuery } from '../../api/usage-queries.ts';
import { count } from '../../parts/count.ts';
import { Fact, FactList } from '../../parts/fact-list.tsx';
import { lazyChart } from '../../parts/lazy-chart.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { sayUsd } from '../../parts/say-amount.ts';
import { usageGroups, usageMeasures, usageSpans, type UsageShown } from '../../router.tsx';
import { dayBefore } from '../health/words.ts';
import { NoUsage } from './no-usage.tsx';
import { everyDay, measureNames, tokensOf, totalOf, type Amounts } from './sums.ts';
import type { ChartOf } from './usage-chart.tsx';
import { isFiltered, UsageFilters } from './usage-filters.tsx';
import { DaysTable, UsageTable } from './usage-table.tsx';

const UsageChart = lazyChart<ChartOf>(async () => (await import('./usage-chart.tsx')).UsageChart);

type Group = NonNullable<UsageShown['by']>;

const groupNames: Readonly<Record<Group, string>> = {
  provider: 'Provider',
  model: 'Model',
  token: 'Token',
  day: 'Day',
};

interface ReportOf {
  readonly shown: UsageShown;
  readonly onShow: (shown: UsageShown) => void;
  /** It stands on the page of its provider, which is no filter. */
  readonly isOfProvider?: boolean;
}

export function UsageReport({ shown, onShow, isOfProvider = false }: ReportOf) {
  const { days = 30, measure = 'requests', provider, token } = shown;
  const query = useQuery(usageQuery({ by: 'day', from: dayBefore(days - 1), provider, token }));
  const { data } = query;
  const all = useMemo(() => (data === undefined ? [] : everyDay(data.usage, data.from, data.to)), [data]);
  const total = totalOf(all);
  return (
    <Stack gap="md">
      <Row gap="sm" align="flex-end" role="search" aria-label="Filter the usage">
        <SegmentedControl
          aria-label="How many days"
          value={String(days)}
          data={usageSpans.map((span) => ({ value: String(span), label: `${span} days` }))}
          onChange={(value) =>
            onShow({ ...shown, days: usageSpans.find((span) => String(span) === value) ?? 30 })
          }
        />
        <UsageFilters shown={shown} onShow={onShow} isOfProvider={isOfProvider} />
      </Row>
      <QueryView query={query} what="The usage">
        {() =>
          total.requests === 0 ? (
            <NoUsage days={days} provider={provider} isFiltered={isFiltered(shown, isOfProvider)} />
          ) : (
            <>
              <Totals total={total} />
              <Panel
                title="Day by day"
                description={measure === 'requests' ? 'What failed of them is red.' : undefined}
                actions={
                  <SegmentedControl
                    size="xs"
                    aria-label="What is drawn"
                    value={measure}
                    data={usageMeasures.map((one) => ({ value: one, label: measureNames[one] }))}
                    onChange={(value) => onShow({ ...shown, measure: value })}
                  />
                }
              >
                <Suspense fallback={<Text size="sm">Drawing…</Text>}>
                  <UsageChart days={all} measure={measure} />
                </Suspense>
              </Panel>
              <Groups shown={shown} onShow={onShow} days={all} />
            </>
          )
        }
      </QueryView>
    </Stack>
  );
}

function Totals({ total }: { readonly total: Amounts }) {
  const failed = (total.errors / total.requests) * 100;
  return (
    <Panel title="In all">
      <FactList>
        <Fact name="Requests">{count.format(total.requests)}</Fact>
        <Fact name="Errors">
          {count.format(total.errors)}
          {total.errors > 0 && <span className="quiet"> ({failed.toFixed(1)} %)</span>}
        </Fact>
        <Fact name="Tokens">
          {count.format(tokensOf(total))}{' '}
          <span className="quiet">
            ({count.format(total.prompt_tokens)} in, {count.format(total.completion_tokens)} out)
          </span>
        </Fact>
        <Fact name="Cost">{sayUsd(total.cost_usd)}</Fact>
        {total.unpriced > 0 && (
          <Fact name="Unpriced">
            {count.format(total.unpriced)} <span className="quiet">requests whose price is not known</span>
          </Fact>
        )}
      </FactList>
    </Panel>
  );
}

function Groups({ shown, onShow, days }: Pick<ReportOf, 'shown' | 'onShow'> & Pick<ChartOf, 'days'>) {
  const { measure = 'requests', provider, token } = shown;
  // Of one there is nothing to tell apart.
  const offered = usageGroups.filter(
    (one) => !(one === 'provider' && provider !== undefined) && !(one === 'token' && token !== undefined),
  );
  const by = offered.find((one) => one === shown.by) ?? offered[0] ?? 'day';
  return (
    <Panel
      title={`By ${by}`}
      actions={
        <SegmentedControl
          size="xs"
          aria-label="What is told apart"
          value={by}
          data={offered.map((one) => ({ value: one, label: groupNames[one] }))}
          onChange={(value) => onShow({ ...shown, by: value })}
        />
      }
    >
      {by === 'day' ? <DaysTable days={days} measure={measure} /> : <Sums key={by} by={by} shown={shown} />}
    </Panel>
  );
}

function Sums({
  by,
  shown: { days = 30, measure = 'requests', provider, token },
}: Pick<ReportOf, 'shown'> & { readonly by: Exclude<Group, 'day'> }) {
  const sums = useQuery(usageQuery({ by, from: dayBefore(days - 1), provider, token }));
  return (
    <QueryView query={sums} what="The usage" rows={3}>
      {({ usage }) => <UsageTable by={by} sums={usage} measure={measure} />}
    </QueryView>
  );
}
