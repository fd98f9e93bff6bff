/** Who is signed in, and what they may. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { api, read, rememberCsrfToken } from './client.ts';
import { sessionQuery, wasEndedQuery } from './queries.ts';

export interface Rights {
  readonly name: string;
  /** A viewer may look and change nothing. */
  readonly mayChange: boolean;
}

export function useRights(): Rights {
  const { data } = useQuery(sessionQuery);
  return { name: data?.name ?? '', mayChange: data?.role === 'admin' };
}

/** @returns what ends this session, here and at the server, and forgets all that was read in it */
export function useSignOut(): () => Promise<void> {
  const queries = useQueryClient();
  return async () => {
    await read(api.DELETE('/api/v1/admin/session'));
    rememberCsrfToken(null);
    // First the frame goes, and with it whoever would ask for what is forgotten here.
    queries.setQueryData(wasEndedQuery.queryKey, false);
    queries.setQueryData(sessionQuery.queryKey, null);
    queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' });
  };
}

/** @returns what begins a session; the token is sent once and kept nowhere */
export function useSignIn(): (token: string) => Promise<void> {
  const queries = useQueryClient();
  return async (token) => {
    const session = await read(api.POST('/api/v1/admin/session', { body: { token } }));
    rememberCsrfToken(session.session?.csrf_token ?? null);
    queries.setQueryData(wasEndedQuery.queryKey, false);
    queries.setQueryData(sessionQuery.queryKey, session);
  };
}
