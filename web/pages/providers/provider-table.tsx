/** The providers in rows: what serves each, how its key stands, what was asked of it, and what can be done. */
import { Text } from '@mantine/core';
import { AgeBar } from '../../parts/age-bar.tsx';
import { LongTable, type Column } from '../../parts/data-table.tsx';
import { ProviderName } from '../../parts/provider-name.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { SaidBadge, statusOf } from '../../parts/verdict.tsx';
import { RowActs } from './row-acts.tsx';
import type { Row } from './rows.ts';
import { SourceBadge } from './source-badge.tsx';
import { TrafficBars } from './traffic-bars.tsx';

const columns: readonly Column<Row>[] = [
  {
    name: 'Provider',
    width: 'minmax(9.5rem, 1.5fr)',
    isTitle: true,
    cell: ({ provider: { slug, display_name: name } }) => <ProviderName slug={slug} name={name} />,
  },
  {
    name: 'Serves',
    width: 'minmax(7.5rem, 1fr)',
    cell: ({ provider }) => <SourceBadge provider={provider} />,
  },
  {
    name: 'Key',
    width: 'minmax(6.5rem, 1fr)',
    isSpare: true,
    cell: ({ provider: { stored_key: stored }, health }) => (
      <span className="mono">{health?.mask ?? stored?.mask ?? <span className="quiet">none</span>}</span>
    ),
  },
  {
    name: 'Status',
    width: 'minmax(6.5rem, 0.8fr)',
    cell: ({ provider, health }) => {
      const status = statusOf(provider, health);
      return <SaidBadge said={status} message={status.message} />;
    },
  },
  {
    name: 'Last tested',
    width: 'minmax(5.5rem, 0.8fr)',
    isSpare: true,
    cell: ({ provider: { stored_key: stored }, health }) => (
      <Text component="span" size="sm">
        <RelativeTime at={health?.last_test?.tested_at ?? stored?.last_tested_at ?? null} />
      </Text>
    ),
  },
  {
    name: '24 hours',
    width: 'minmax(5rem, 0.8fr)',
    cell: ({ traffic }) => <TrafficBars traffic={traffic} />,
  },
  { name: 'Age', width: 'minmax(6.25rem, 1fr)', cell: ({ health }) => <AgeBar health={health} /> },
  {
    name: 'Actions',
    width: '5.5rem',
    isWide: true,
    isUnnamed: true,
    cell: ({ provider }) => <RowActs provider={provider} />,
  },
];

const slugOf = ({ provider }: Row): string => provider.slug;

export function ProviderTable({ rows }: { readonly rows: readonly Row[] }) {
  return <LongTable label="Providers" rows={rows} columns={columns} keyOf={slugOf} rowHeight={64} />;
}
