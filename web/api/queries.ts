/** What the page reads, each under a key that begins with its topic: live.ts says when a topic has changed. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, ApiError, read, readAll, rememberCsrfToken } from './client.ts';
import type { Alert, Provider, Session, Token, UserKeyFilter } from './views.ts';

export const signInMethodsQuery = queryOptions({
  queryKey: ['session', 'methods'],
  queryFn: async () => read(api.GET('/api/v1/admin/session/methods')),
});

/** Whether somebody was signed in here, and a session that they did not end themselves is over. */
export const wasEndedQuery = queryOptions({
  queryKey: ['session', 'was-ended'],
  queryFn: () => false,
  initialData: false,
  staleTime: Number.POSITIVE_INFINITY,
});

/** Null where nobody is signed in. Who has no cookie is not asked for: that would be a refusal in the audit trail. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ client }): Promise<Session | null> => {
    const wasSignedIn = client.getQueryData<Session | null>(['session']) != null;
    const { has_session: hasSession } = await read(api.GET('/api/v1/admin/session/methods'));
    if (!hasSession) {
      if (wasSignedIn) client.setQueryData(wasEndedQuery.queryKey, true);
      return null;
    }
    try {
      const session = await read(api.GET('/api/v1/admin/session'));
      rememberCsrfToken(session.session?.csrf_token ?? null);
      return session;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        client.setQueryData(wasEndedQuery.queryKey, true);
        return null;
      }
      throw error;
    }
  },
  staleTime: 60_000,
});

export const providersQuery = queryOptions({
  queryKey: ['keys', 'providers'],
  queryFn: async (): Promise<Provider[]> =>
    readAll(async (cursor) =>
      read(
        api.GET('/api/v1/admin/providers', {
          params: { query: { limit: 200, sort: 'display_name', cursor } },
        }),
      ),
    ),
});

export const healthQuery = queryOptions({
  queryKey: ['health'],
  queryFn: async () => read(api.GET('/api/v1/admin/health')),
});

/** What needs somebody: it stands beside Health and alerts on every view. */
export const openAlertsQuery = queryOptions({
  queryKey: ['alerts', 'open'],
  queryFn: async () =>
    read(api.GET('/api/v1/admin/alerts', { params: { query: { state: 'open', limit: 100 } } })),
});

/** @param since the first day, in UTC: `2026-03-29` */
export const dailyTestsQuery = (since: string) =>
  queryOptions({
    queryKey: ['health', 'tests', since],
    queryFn: async () => read(api.GET('/api/v1/admin/health/tests', { params: { query: { since } } })),
  });

export interface AlertListFilter {
  readonly state?: 'open' | 'resolved' | undefined;
  readonly severity?: Alert['severity'] | undefined;
  readonly provider?: string | undefined;
}

export const alertsQuery = (filter: AlertListFilter) =>
  infiniteQueryOptions({
    queryKey: ['alerts', 'list', filter],
    queryFn: async ({ pageParam }) =>
      read(
        api.GET('/api/v1/admin/alerts', { params: { query: { ...filter, limit: 50, cursor: pageParam } } }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor: next }) => next,
  });

export const alertQuery = (id: string) =>
  queryOptions({
    queryKey: ['alerts', 'one', id],
    queryFn: async () => read(api.GET('/api/v1/admin/alerts/{id}', { params: { path: { id } } })),
  });

export const channelsQuery = queryOptions({
  queryKey: ['alerts', 'channels'],
  queryFn: async () => read(api.GET('/api/v1/admin/alert-channels')),
});

export const channelQuery = (id: string) =>
  queryOptions({
    queryKey: ['alerts', 'channels', id],
    queryFn: async () => read(api.GET('/api/v1/admin/alert-channels/{id}', { params: { path: { id } } })),
  });

/** Tokens come and go with events of the trail. */
export const tokensQuery = queryOptions({
  queryKey: ['audit', 'tokens'],
  queryFn: async (): Promise<Token[]> =>
    readAll(async (cursor) =>
      read(api.GET('/api/v1/admin/tokens', { params: { query: { limit: 200, sort: '-id', cursor } } })),
    ),
});

/** Those that users brought, by owner; see live.ts for who else writes them. */
export const userKeysQuery = (filter: UserKeyFilter) =>
  infiniteQueryOptions({
    queryKey: ['audit', 'user-keys', filter],
    queryFn: async ({ pageParam: cursor }) =>
      read(api.GET('/api/v1/admin/user-keys', { params: { query: { ...filter, limit: 100, cursor } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor: next }) => next,
    placeholderData: keepPreviousData,
  });

export const sessionsQuery = queryOptions({
  queryKey: ['audit', 'sessions'],
  queryFn: async () => read(api.GET('/api/v1/admin/sessions', { params: { query: { limit: 200 } } })),
});

export const encryptionKeysQuery = queryOptions({
  queryKey: ['system', 'encryption-keys'],
  queryFn: async () => read(api.GET('/api/v1/admin/encryption-keys')),
  // A change by command goes row by row, and an instance takes up a new ring without a word in the trail.
  refetchInterval: ({ state: { data } }) =>
    data?.keys.some(({ role, rows }) => role !== 'encrypts' && rows > 0) === true ? 2_000 : 10_000,
});

export const statusQuery = queryOptions({
  queryKey: ['system', 'status'],
  queryFn: async () => read(api.GET('/api/v1/admin/status')),
  refetchInterval: 10_000,
});

export const systemQuery = queryOptions({
  queryKey: ['system', 'configuration'],
  queryFn: async () => read(api.GET('/api/v1/admin/system')),
});
