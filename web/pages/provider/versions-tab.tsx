/** Every key that a provider has or had, and the rotations that led from one to the next. */
import { Badge, Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { keyVersionsQuery, rotationsQuery } from '../../api/provider-queries.ts';
import type { KeyVersion, Rotation } from '../../api/views.ts';
import { AnchorLink } from '../../parts/links.tsx';
import { MoreButton } from '../../parts/more-button.tsx';
import { Panel } from '../../parts/panel.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { VerdictBadge } from '../../parts/verdict.tsx';
import { stepWords } from '../rotation/stages.ts';

const states: Readonly<Record<KeyVersion['state'], readonly [word: string, color: string, meaning: string]>> =
  {
    pending: ['Pending', 'yellow', 'serves nobody yet, or a share'],
    active: ['Active', 'green', 'the stored key'],
    previous: ['Fallback', 'yellow', 'stands by for the active one'],
    retired: ['Retired', 'gray', 'serves no more'],
    revoked: ['Revoked', 'gray', 'is dead at the provider'],
  };
const origins = { found: 'Found', entered: 'Entered', minted: 'Made by the provider' } as const;

const versionColumns: readonly Column<KeyVersion>[] = [
  {
    name: 'Key',
    isFirm: true,
    cell: ({ mask, fingerprint }) => <span className="mono">{mask ?? fingerprint ?? '–'}</span>,
  },
  {
    name: 'State',
    isLong: true,
    cell: ({ state, remark }) => (
      <Stack gap={2} align="flex-start">
        <Badge variant="light" tt="none" color={states[state][1]}>
          {states[state][0]}
        </Badge>
        <Text size="xs" className="quiet">
          {remark ?? states[state][2]}
        </Text>
      </Stack>
    ),
  },
  {
    name: 'Verdict',
    isFirm: true,
    cell: ({ last_verdict: verdict }) =>
      verdict === null ? <span className="quiet">Untested</span> : <VerdictBadge verdict={verdict} />,
  },
  {
    name: 'Came',
    isLong: true,
    cell: ({ created_at: at, created_by: who, origin }) => (
      <>
        <RelativeTime at={at} />
        <Text size="xs" className="quiet">
          {origins[origin]}
          {who !== null && `, ${who}`}
        </Text>
      </>
    ),
  },
  {
    name: 'Left',
    isLong: true,
    cell: ({ revoked_at: revoked, retired_at: retired }) => <RelativeTime at={revoked ?? retired} none="–" />,
  },
  { name: 'Reason', isLong: true, cell: ({ reason }) => reason ?? <span className="quiet">–</span> },
];

const rotationColumns: readonly Column<Rotation>[] = [
  {
    name: 'Rotation',
    isFirm: true,
    cell: ({ provider: slug, id }) => (
      <AnchorLink to="/providers/$slug/rotations/$id" params={{ slug, id }} size="sm">
        Number {id}
      </AnchorLink>
    ),
  },
  {
    name: 'Stands',
    isFirm: true,
    cell: ({ step, is_open: isOpen }) => (
      <Badge variant="light" tt="none" color={isOpen ? 'yellow' : step === 'completed' ? 'green' : 'gray'}>
        {stepWords[step]}
      </Badge>
    ),
  },
  {
    name: 'From, to',
    isLong: true,
    isWide: true,
    cell: ({ old_key: old, new_key: next }) => (
      <span className="mono">
        {old?.mask ?? 'none'} → {next.mask ?? 'not made'}
      </span>
    ),
  },
  {
    name: 'Began',
    isLong: true,
    cell: ({ started_at: at, started_by: who }) => (
      <>
        <RelativeTime at={at} />
        <Text size="xs" className="quiet">
          {who}
        </Text>
      </>
    ),
  },
  { name: 'Ended', isFirm: true, cell: ({ ended_at: at }) => <RelativeTime at={at} none="still open" /> },
];

export function VersionsTab({ slug }: { readonly slug: string }) {
  const versions = useQuery(keyVersionsQuery(slug));
  const rotations = useInfiniteQuery(rotationsQuery(slug));
  const found = rotations.data?.pages.flatMap(({ data }) => data) ?? [];
  return (
    <Stack gap="md">
      <Panel title="Versions" description="Every key that the provider has or had here, newest first.">
        <QueryView query={versions} what="The versions" rows={2}>
          {({ data }) =>
            data.length === 0 ? (
              <Text size="sm">No key was ever stored here.</Text>
            ) : (
              <DataTable
                isWithin
                label="Versions of the key"
                rows={data}
                columns={versionColumns}
                keyOf={({ id }) => id}
              />
            )
          }
        </QueryView>
      </Panel>
      <Panel title="Rotations" description="Each is an address of its own, which can be sent to somebody.">
        <QueryView query={rotations} what="The rotations" rows={2}>
          {() =>
            found.length === 0 ? (
              <Text size="sm">The key was not rotated yet.</Text>
            ) : (
              <DataTable
                isWithin
                label="Rotations"
                rows={found}
                columns={rotationColumns}
                keyOf={({ id }) => id}
              />
            )
          }
        </QueryView>
        <MoreButton list={rotations} />
      </Panel>
    </Stack>
  );
}
