/** The usage by provider, model, token or day, the dearest first, each with its share of the whole. */
import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { providersQuery } from '../../api/queries.ts';
import type { UsageSum } from '../../api/views.ts';
import { count } from '../../parts/count.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { AnchorLink } from '../../parts/links.tsx';
import { ProviderName } from '../../parts/provider-name.tsx';
import { sayUsd } from '../../parts/say-amount.ts';
import type { UsageShown } from '../../router.tsx';
import { amountOf, measureNames, nameOfToken, sayDay, tokensOf, type Amounts, type DaySum } from './sums.ts';
import classes from './usage-table.module.css';

type Measure = NonNullable<UsageShown['measure']>;
type Group = NonNullable<UsageShown['by']>;

/** More of them nobody reads. */
const mostRows = 100;

export function UsageTable({
  by,
  sums,
  measure,
}: {
  readonly by: Exclude<Group, 'day'>;
  readonly sums: readonly UsageSum[];
  readonly measure: Measure;
}) {
  const { data: providers } = useQuery(providersQuery);
  const nameOf = (slug: string): string => providers?.find((one) => one.slug === slug)?.display_name ?? slug;
  const first: Readonly<Record<typeof by, Column<UsageSum>>> = {
    provider: {
      name: 'Provider',
      isTitle: true,
      cell: ({ provider: slug }) => <ProviderName slug={slug ?? ''} name={nameOf(slug ?? '')} />,
    },
    model: {
      name: 'Model',
      isTitle: true,
      isLong: true,
      cell: ({ provider, model }) => (
        <>
          <Text className="mono" lineClamp={2} title={model ?? undefined}>
            {model === '' ? 'no model' : model}
          </Text>
          <Text size="xs" className="quiet">
            {nameOf(provider ?? '')}
          </Text>
        </>
      ),
    },
    token: {
      name: 'Token',
      isTitle: true,
      isLong: true,
      cell: ({ token_id: id, token_name: name }) => (
        <AnchorLink to="." search={(before) => ({ ...before, token: id ?? 0 })} size="sm">
          {nameOfToken(id ?? 0, name)}
        </AnchorLink>
      ),
    },
  };
  const largest = sums.toSorted((a, b) => amountOf(measure, b) - amountOf(measure, a));
  const most = largest[0] === undefined ? 0 : amountOf(measure, largest[0]);
  const rows = largest.slice(0, mostRows);
  return (
    <>
      <DataTable
        isWithin
        label={`By ${by}`}
        rows={rows}
        keyOf={(sum) => `${sum.provider ?? ''} ${sum.model ?? ''} ${sum.token_id ?? ''}`}
        columns={[first[by], shareColumn(measure, most), ...amountColumns]}
      />
      {sums.length > rows.length && (
        <Text size="sm" className="quiet">
          The first {rows.length} of {count.format(sums.length)}.
        </Text>
      )}
    </>
  );
}

export function DaysTable({
  days,
  measure,
}: {
  readonly days: readonly DaySum[];
  readonly measure: Measure;
}) {
  const most = Math.max(...days.map((day) => amountOf(measure, day)));
  return (
    <DataTable
      isWithin
      label="By day"
      rows={days.toReversed()}
      keyOf={({ day }) => day}
      columns={[
        {
          name: 'Day',
          isTitle: true,
          isFirm: true,
          cell: ({ day }) => <time dateTime={day}>{sayDay(day)}</time>,
        },
        shareColumn(measure, most),
        ...amountColumns,
      ]}
    />
  );
}

/** For those who see it: the numbers stand beside it. */
function shareColumn(measure: Measure, most: number): Column<Amounts> {
  return {
    name: `${measureNames[measure]}, drawn`,
    isUnnamed: true,
    isWide: true,
    width: 'minmax(4rem, 1fr)',
    cell: (sum) => (
      <div
        className={classes['share']}
        style={{ inlineSize: `${most === 0 ? 0 : (amountOf(measure, sum) / most) * 100}%` }}
      />
    ),
  };
}

const amountColumns: readonly Column<Amounts>[] = [
  { name: 'Requests', isNumber: true, cell: ({ requests }) => count.format(requests) },
  {
    name: 'Errors',
    isNumber: true,
    cell: ({ errors }) =>
      errors === 0 ? '0' : <span className={classes['errors']}>{count.format(errors)}</span>,
  },
  { name: 'Tokens', isNumber: true, cell: (sum) => count.format(tokensOf(sum)) },
  { name: 'Cost', isNumber: true, isFirm: true, cell: ({ cost_usd: cost }) => sayUsd(cost) },
  { name: 'Unpriced', isNumber: true, cell: ({ unpriced }) => count.format(unpriced) },
];
