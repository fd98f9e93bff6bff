/** How old the keys are, and what comes for them, in the order of the days that are left. */
import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { healthQuery } from '../../api/queries.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { ProviderName } from '../../parts/provider-name.tsx';
import { AgeBar } from '../../parts/age-bar.tsx';
import { SeverityBadge } from '../../parts/severity.tsx';
import { Failure, LoadingRows, Notice } from '../../parts/states.tsx';
import { comingDates, type ComingDate } from './coming-dates.ts';
import { sayDaysLeft } from './words.ts';

export function DatesTab() {
  const { data, error, isPending, refetch, dataUpdatedAt } = useQuery(healthQuery);
  if (isPending) return <LoadingRows label="Reading the ages of the keys" />;
  if (data === undefined)
    return <Failure error={error} what="The ages cannot be read" onRetry={() => void refetch()} />;
  const dates = comingDates(data.data, data.warnings, dataUpdatedAt);
  if (dates.length === 0)
    return (
      <Notice title="No date is known">
        A key has an age once it serves, and an end where its provider or an administrator says so.
      </Notice>
    );
  const { encryption_key: ring } = data;
  return (
    <>
      <DataTable label="Coming dates" rows={dates} columns={columns} keyOf={({ id }) => id} />
      {ring.age_days !== null && (
        <Text size="sm" className="quiet" mt="sm">
          The encryption key has been in use for {ring.age_days} days.
        </Text>
      )}
    </>
  );
}

/** In UTC, as the days that are left are counted. */
const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' });

const columns: readonly Column<ComingDate>[] = [
  {
    name: 'Provider',
    width: 'minmax(11rem, 1.2fr)',
    isTitle: true,
    cell: ({ health }) =>
      health === null ? (
        <Text fw={600} size="sm">
          All keys
        </Text>
      ) : (
        <ProviderName slug={health.provider} name={health.display_name} />
      ),
  },
  { name: 'What comes', width: 'minmax(10rem, 1fr)', cell: ({ what }) => what },
  {
    name: 'Days left',
    width: '5rem',
    isNumber: true,
    cell: ({ daysLeft }) => (
      <>
        <span aria-hidden>{daysLeft}</span>
        <span className="unseen">{sayDaysLeft(daysLeft)}</span>
      </>
    ),
  },
  {
    name: 'When',
    width: 'minmax(7rem, 0.7fr)',
    cell: ({ at }) => <time dateTime={at}>{day.format(new Date(at))}</time>,
  },
  {
    name: 'Age of the key',
    width: 'minmax(9rem, 1fr)',
    cell: ({ health }) => <AgeBar health={health ?? undefined} />,
  },
  {
    name: 'Advice',
    width: 'minmax(12rem, 1.6fr)',
    isWide: true,
    cell: ({ warning }) =>
      warning === null ? (
        <span className="quiet">Nothing yet</span>
      ) : (
        <>
          <SeverityBadge severity={warning.severity} /> <span className="mono">{warning.advice}</span>
        </>
      ),
  },
];
