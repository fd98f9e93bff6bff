/** How each key stands now, since when, what serves, and what is coming with the advice that mends it. */
import { Anchor, Button, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { healthQuery, providersQuery } from '../../api/queries.ts';
import type { KeyWarning, ProviderHealth } from '../../api/views.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { doesNotServe } from '../../parts/does-not-serve.ts';
import { ProviderName } from '../../parts/provider-name.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { SeverityBadge } from '../../parts/severity.tsx';
import { Failure, LoadingRows, Notice } from '../../parts/states.tsx';
import { SaidBadge, VerdictBadge } from '../../parts/verdict.tsx';
import classes from './health.module.css';
import { healthWords } from './words.ts';

export function StateTab() {
  const { data, error, isPending, refetch } = useQuery(healthQuery);
  const { data: providers } = useQuery(providersQuery);
  if (isPending) return <LoadingRows label="Reading how the keys stand" />;
  if (data === undefined)
    return <Failure error={error} what="The health cannot be read" onRetry={() => void refetch()} />;
  const stored = new Set(
    providers?.filter(({ stored_key: key }) => key !== null).map(({ slug }) => slug) ?? [],
  );
  // A key that is stored and does not serve is trouble; a provider that nobody uses is none.
  const hasKey = ({ source, provider }: ProviderHealth): boolean => source !== null || stored.has(provider);
  const watched = data.data.filter(hasKey);
  return (
    <>
      <Counts counts={data.counts} unserved={providers?.filter(doesNotServe).length ?? 0} />
      {data.warnings.length > 0 && (
        <div className={`surface ${classes['tile'] ?? ''}`} style={{ marginBottom: '1.25rem' }}>
          <Warnings warnings={data.warnings} />
        </div>
      )}
      {watched.length === 0 ? (
        <Notice
          title="No key is watched yet"
          action={
            <Button component={Link} to="/providers">
              To the provider keys
            </Button>
          }
        >
          What is active and has a key is tested once a day, and its health stands here.
        </Notice>
      ) : (
        <DataTable
          label="How the keys stand"
          rows={watched.toSorted(byUrgency)}
          columns={columns}
          keyOf={({ provider }) => provider}
        />
      )}
      <WithoutKey providers={data.data.filter((one) => !hasKey(one))} />
    </>
  );
}

function WithoutKey({ providers }: { readonly providers: readonly ProviderHealth[] }) {
  if (providers.length === 0) return null;
  return (
    <Text size="sm" className="quiet" mt="sm">
      Active and without a key: {providers.map(({ display_name: name }) => name).join(', ')}.{' '}
      <Anchor component={Link} to="/providers" size="sm">
        Set one
      </Anchor>
    </Text>
  );
}

const tones = { healthy: 'good', degraded: 'warn', unhealthy: 'bad', unknown: 'quiet' } as const;

function Counts({
  counts,
  unserved,
}: {
  readonly counts: Readonly<Record<ProviderHealth['health'], number>>;
  readonly unserved: number;
}) {
  return (
    <div className={classes['tiles']}>
      {unserved > 0 && (
        <Tile count={unserved} tone="bad" words={unserved === 1 ? 'Does not serve' : 'Do not serve'} />
      )}
      {(['healthy', 'degraded', 'unhealthy', 'unknown'] as const).map((status) => (
        <Tile key={status} count={counts[status]} tone={tones[status]} words={healthWords[status].word} />
      ))}
    </div>
  );
}

function Tile({
  count,
  tone,
  words,
}: {
  readonly count: number;
  readonly tone: 'good' | 'warn' | 'bad' | 'quiet';
  readonly words: string;
}) {
  return (
    <div className={`surface ${classes['tile'] ?? ''}`}>
      <div className={classes['figure']} data-tone={count === 0 ? 'quiet' : tone}>
        {count}
      </div>
      <Text size="sm" className="quiet">
        {words}
      </Text>
    </div>
  );
}

const columns: readonly Column<ProviderHealth>[] = [
  {
    name: 'Provider',
    width: 'minmax(11rem, 1.2fr)',
    isTitle: true,
    cell: ({ provider, display_name: name }) => <ProviderName slug={provider} name={name} />,
  },
  {
    name: 'Health',
    width: 'minmax(7rem, 0.7fr)',
    cell: ({ source, health, reason }) =>
      source === null ? (
        <SaidBadge said={{ word: 'Does not serve', color: 'red' }} message={reason} />
      ) : (
        <SaidBadge said={healthWords[health]} />
      ),
  },
  {
    name: 'Last word',
    width: 'minmax(7rem, 0.8fr)',
    cell: ({ source, verdict, since, last_test: test }) =>
      verdict === null ? (
        <span className="quiet">{source === null ? '–' : 'none yet'}</span>
      ) : (
        <>
          <VerdictBadge verdict={verdict} message={test?.verdict === verdict ? test.message : undefined} />
          <Text size="xs" className="quiet" mt={2}>
            <RelativeTime at={since} />
          </Text>
        </>
      ),
  },
  {
    name: 'Serves',
    width: 'minmax(8rem, 0.9fr)',
    cell: ({ source, mask }) =>
      source === null ? (
        <span className="quiet">nothing</span>
      ) : (
        <>
          {source === 'database' ? 'Database' : 'Environment'}
          <Text className="mono quiet">{mask}</Text>
        </>
      ),
  },
  {
    name: 'What to do',
    width: 'minmax(14rem, 2fr)',
    isWide: true,
    cell: (health) => (
      <>
        {health.source === null ? health.reason : <Advice health={health} />}
        {health.warnings.length > 0 && <Warnings warnings={health.warnings} />}
      </>
    ),
  },
];

/** What the last test advised, as long as its word stands and is no good one. */
function Advice({
  health: { health, verdict, last_test: test, warnings },
}: {
  readonly health: ProviderHealth;
}) {
  if (health !== 'healthy' && test !== null && test.verdict === verdict)
    return (
      <Text size="sm">
        {test.message} <span className="quiet">{test.advice}</span>
      </Text>
    );
  return warnings.length === 0 ? <span className="quiet">Nothing</span> : null;
}

function Warnings({ warnings }: { readonly warnings: readonly KeyWarning[] }) {
  return (
    <ul style={{ margin: 0, padding: 0, listStyle: 'none' }}>
      {warnings.map((warning) => (
        <li key={warning.kind} style={{ padding: '0.125rem 0' }}>
          <SeverityBadge severity={warning.severity} /> {warning.message}
          <Text size="xs" className={classes['advice']}>
            <span className="mono">{warning.advice}</span>
          </Text>
        </li>
      ))}
    </ul>
  );
}

/** What needs somebody comes first, what has no key last. */
function byUrgency(one: ProviderHealth, other: ProviderHealth): number {
  return urgencyOf(other) - urgencyOf(one) || one.display_name.localeCompare(other.display_name);
}

function urgencyOf({ health, source, warnings }: ProviderHealth): number {
  if (source === null) return 10;
  return { unhealthy: 8, degraded: 6, unknown: 4, healthy: 2 }[health] + (warnings.length > 0 ? 1 : 0);
}
