/** The keys that users brought, by owner: masked, with what their providers said last, and the end of each. */
import { Button, Group, Select, Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Search } from 'lucide-react';
import { useState } from 'react';
import { providersQuery, tokensQuery, userKeysQuery } from '../../api/queries.ts';
import type { Token, UserKey, UserKeyFilter } from '../../api/views.ts';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { MoreButton } from '../../parts/more-button.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ProviderName } from '../../parts/provider-name.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { saysNothing } from '../../parts/says-nothing.ts';
import { Notice } from '../../parts/states.tsx';
import { TypedFilter } from '../../parts/typed-filter.tsx';
import { SaidBadge, type Said } from '../../parts/verdict.tsx';
import { RemoveUserKeyDialog } from './remove-user-key-dialog.tsx';

export function UserKeys() {
  const { q, provider } = useSearch({ from: '/callers' });
  const filter: UserKeyFilter = { q, provider };
  const keys = useInfiniteQuery(userKeysQuery(filter));
  const { data: tokens } = useQuery(tokensQuery);
  const { data: providers = [] } = useQuery(providersQuery);
  const [removed, setRemoved] = useState<UserKey | null>(null);
  const nameOf = (slug: string): string => providers.find((one) => one.slug === slug)?.display_name ?? slug;
  const columns = columnsFor(nameOf, setRemoved);
  return (
    <Stack gap="md">
      <FilterBar filter={filter} />
      <QueryView query={keys} what="The keys of users">
        {({ pages }) => {
          const owners = byOwner(pages.flatMap(({ data }) => data));
          return owners.length === 0 ? (
            <Nothing filter={filter} />
          ) : (
            owners.map(({ owner, keys: theirs }) => (
              <Panel key={owner} title={owner} description={<Tokens tokens={tokens} owner={owner} />}>
                <DataTable
                  isWithin
                  label={`Keys of ${owner}`}
                  rows={theirs}
                  columns={columns}
                  keyOf={({ id }) => id}
                />
              </Panel>
            ))
          );
        }}
      </QueryView>
      <MoreButton list={keys} words="Show more" />
      {removed !== null && (
        <RemoveUserKeyDialog
          userKey={removed}
          provider={nameOf(removed.provider)}
          onClose={() => setRemoved(null)}
        />
      )}
    </Stack>
  );
}

/** The list comes by owner: all keys of one stand together. */
function byOwner(keys: readonly UserKey[]): { readonly owner: string; readonly keys: UserKey[] }[] {
  const owners: { owner: string; keys: UserKey[] }[] = [];
  for (const key of keys) {
    const last = owners.at(-1);
    if (last?.owner === key.owner) last.keys.push(key);
    else owners.push({ owner: key.owner, keys: [key] });
  }
  return owners;
}

/** Whoever leaves has tokens too. */
function Tokens({
  tokens,
  owner,
}: {
  /** Undefined until they are known. */
  readonly tokens: readonly Token[] | undefined;
  readonly owner: string;
}) {
  if (tokens === undefined) return '…';
  const theirs = tokens.filter((token) => token.owner === owner && token.state === 'good');
  if (theirs.length === 0) return 'No good gateway token is theirs, so these keys serve nobody.';
  const names = new Intl.ListFormat('en').format(theirs.map(({ name }) => name));
  return `Calls with ${names} take these keys first.`;
}

function columnsFor(
  nameOf: (slug: string) => string,
  onRemove: (key: UserKey) => void,
): readonly Column<UserKey>[] {
  return [
    {
      name: 'Provider',
      width: 'minmax(10rem, 1fr)',
      isTitle: true,
      cell: ({ provider }) => <ProviderName slug={provider} name={nameOf(provider)} />,
    },
    {
      name: 'Key',
      width: 'minmax(9rem, 1fr)',
      cell: ({ mask, key_name: name }) => (
        <>
          <span className="mono">{mask}</span>
          {name !== null && (
            <Text size="xs" className="quiet">
              {name}
            </Text>
          )}
        </>
      ),
    },
    {
      name: 'State',
      width: 'minmax(9rem, 1.5fr)',
      cell: (key) => (
        <>
          <SaidBadge said={stateOf(key)} />
          {key.validation_error !== null && (
            <Text size="xs" className="quiet">
              {key.validation_error}
            </Text>
          )}
        </>
      ),
    },
    {
      name: 'Stored',
      width: 'minmax(6rem, 0.6fr)',
      cell: ({ replaced_at: replaced, created_at: created }) => <RelativeTime at={replaced ?? created} />,
    },
    {
      name: 'Heard of last',
      width: 'minmax(6rem, 0.6fr)',
      cell: ({ last_validated_at: at }) => <RelativeTime at={at} />,
    },
    {
      name: 'Actions',
      width: '5.5rem',
      isUnnamed: true,
      cell: (key) => (
        <AdminOnly>
          {(isForbidden) => (
            <Button
              size="compact-sm"
              variant="subtle"
              color="red"
              disabled={isForbidden}
              onClick={() => onRemove(key)}
              aria-label={`Remove the key of ${key.owner} for ${nameOf(key.provider)}`}
            >
              Remove
            </Button>
          )}
        </AdminOnly>
      ),
    },
  ];
}

function stateOf({
  is_active: isActive,
  is_validated: isValidated,
  validation_error: problem,
  last_validated_at: at,
}: UserKey): Said {
  if (!isActive) return { word: 'Switched off', color: 'gray' };
  if (isValidated) return { word: 'Valid', color: 'green' };
  return problem === null && at === null
    ? { word: 'Untested', color: 'gray' }
    : { word: 'Not valid', color: 'orange' };
}

function Nothing({ filter }: { readonly filter: UserKeyFilter }) {
  const navigate = useNavigate();
  if (saysNothing(filter))
    return (
      <Notice title="No user has brought a key">
        A user whose gateway token names them as its owner keeps keys of their own with it, at{' '}
        <span className="mono">/api/v1/llm/byok/keys</span>. Calls take them before the key of the platform.
      </Notice>
    );
  return (
    <Notice
      title="No key is like this"
      action={
        <Button
          variant="default"
          onClick={() => void navigate({ to: '/callers', search: { tab: 'user-keys' } })}
        >
          Show all
        </Button>
      }
    />
  );
}

function FilterBar({ filter }: { readonly filter: UserKeyFilter }) {
  const navigate = useNavigate();
  const { data: providers = [] } = useQuery(providersQuery);
  const change = (part: Partial<Record<keyof UserKeyFilter, string | null>>): void => {
    const kept = Object.entries({ ...filter, ...part }).filter(([, value]) => value !== null && value !== '');
    void navigate({
      to: '/callers',
      search: { tab: 'user-keys', ...Object.fromEntries(kept) },
      replace: true,
    });
  };
  return (
    <Group gap="sm" role="search" aria-label="Filter the keys">
      <TypedFilter
        label="Whose"
        placeholder="Part of owner or name"
        icon={<Search size={16} aria-hidden />}
        value={filter.q}
        onChange={(q) => change({ q })}
      />
      <Select
        label="For"
        placeholder="Any provider"
        clearable
        searchable
        data={providers.map(({ slug, display_name: label }) => ({ value: slug, label }))}
        value={filter.provider ?? null}
        onChange={(provider) => change({ provider })}
      />
    </Group>
  );
}
