/** Of which provider and which token the usage is shown: part of the address, and taken away again. */
import { Button, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { providersQuery, tokensQuery } from '../../api/queries.ts';
import type { Token } from '../../api/views.ts';
import type { UsageShown } from '../../router.tsx';
import { nameOfToken } from './sums.ts';

export function UsageFilters({
  shown,
  onShow,
  isOfProvider,
}: {
  readonly shown: UsageShown;
  readonly onShow: (shown: UsageShown) => void;
  /** The provider is given. */
  readonly isOfProvider: boolean;
}) {
  const { data: providers = [] } = useQuery(providersQuery);
  const { data: tokens = [] } = useQuery(tokensQuery);
  const { provider, token, ...others } = shown;
  const slugs = new Map(providers.map(({ slug, display_name: name }) => [slug, name]));
  // One that is gone may have been used.
  if (provider !== undefined && !slugs.has(provider)) slugs.set(provider, provider);
  const ids = new Map(callersOf(tokens));
  if (token !== undefined && !ids.has(token)) ids.set(token, nameOfToken(token, null));
  return (
    <>
      {!isOfProvider && (
        <Select
          label="Provider"
          placeholder="All providers"
          clearable
          searchable
          data={Array.from(slugs, ([value, label]) => ({ value, label }))}
          value={provider ?? null}
          onChange={(slug) =>
            onShow({
              ...others,
              ...(slug !== null && { provider: slug }),
              ...(token !== undefined && { token }),
            })
          }
        />
      )}
      <Select
        label="Token"
        placeholder="All tokens"
        clearable
        searchable
        data={Array.from(ids, ([value, label]) => ({ value: String(value), label }))}
        value={token === undefined ? null : String(token)}
        onChange={(id) =>
          onShow({
            ...others,
            ...(provider !== undefined && { provider }),
            ...(id !== null && { token: Number(id) }),
          })
        }
      />
      {isFiltered(shown, isOfProvider) && (
        <Button variant="default" onClick={() => onShow(others)}>
          Show all
        </Button>
      )}
    </>
  );
}

/** Whether a part is shown; all of a provider is no part where that is what is looked at. */
export function isFiltered({ provider, token }: UsageShown, isOfProvider: boolean): boolean {
  return token !== undefined || (provider !== undefined && !isOfProvider);
}

/** Those that can call, the good ones first. */
function callersOf(tokens: readonly Token[]): [number, string][] {
  const gateway = tokens.filter(({ kind }) => kind === 'gateway');
  const good = gateway.filter(({ state }) => state === 'good');
  const ended = gateway.filter(({ state }) => state !== 'good');
  return [
    ...good.map(({ id, name }): [number, string] => [id, name]),
    [0, nameOfToken(0, null)],
    ...ended.map(({ id, name, state }): [number, string] => [id, `${name} (${state})`]),
  ];
}
