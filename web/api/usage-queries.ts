/** What the page reads of the usage. No topic tells when it changes: it is asked for again by itself. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, read } from './client.ts';

/** The last 24 hours of all providers at once. */
export const usageHoursQuery = queryOptions({
  queryKey: ['usage', 'hours'],
  queryFn: async () => read(api.GET('/api/v1/admin/usage/hours')),
  refetchInterval: 60_000,
});

export interface UsageAsked {
  readonly by: 'day' | 'provider' | 'model' | 'token';
  /** The first day, in UTC: `2026-03-29`. The last one is today. */
  readonly from: string;
  /** Of this provider alone. */
  readonly provider?: string | undefined;
  /** Of this token alone, by its number. */
  readonly token?: number | undefined;
}

export const usageQuery = ({ by, from, provider, token }: UsageAsked) =>
  queryOptions({
    queryKey: ['usage', by, from, provider ?? null, token ?? null],
    queryFn: async () =>
      read(
        api.GET('/api/v1/admin/usage', {
          params: { query: { by, from, provider, token_id: token?.toString() } },
        }),
      ),
    refetchInterval: 30_000,
    placeholderData: keepPreviousData,
  });
