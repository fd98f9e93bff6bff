/**
 * The events as the list shows them: page by page from where one began, and what comes meanwhile on top. Pages
 * that were read are not read again, however many they are: events never change.
 */
import {
  infiniteQueryOptions,
  queryOptions,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useMemo, useState, useSyncExternalStore } from 'react';
import { api, read } from '../../api/client.ts';
import type { AuditEvent, AuditFilter } from '../../api/views.ts';

/** As much of an event as a row needs: there may be a hundred thousand. */
export interface TrailRow {
  readonly sequence: number;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly outcome: AuditEvent['outcome'];
  readonly reason: string | null;
}

function rowOf({ sequence, occurred_at: at, actor, action, target, outcome, reason }: AuditEvent): TrailRow {
  return { sequence, at, actor: actor.name, action, target: `${target.kind}:${target.id}`, outcome, reason };
}

const pageSize = 200;
const newestSize = 50;

async function readPage(filter: AuditFilter, limit: number, cursor?: string) {
  const page = await read(
    api.GET('/api/v1/admin/audit-logs', { params: { query: { ...filter, limit, cursor } } }),
  );
  return { rows: page.data.map(rowOf), next: page.next_cursor };
}

const trailQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: ['trail', filter],
    queryFn: async ({ pageParam }) => readPage(filter, pageSize, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next,
    // Once it is there nothing reads all of its pages again.
    enabled: ({ state }) => state.data === undefined,
    staleTime: Infinity,
    // With each page all the others would be compared with what they were.
    structuralSharing: false,
  });

/** Asked again whenever something was recorded. */
const newestQuery = (filter: AuditFilter) =>
  queryOptions({
    queryKey: ['audit', 'newest', filter],
    queryFn: async () => readPage(filter, newestSize),
  });

export function useTrail(filter: AuditFilter) {
  const queries = useQueryClient();
  const list = useInfiniteQuery(trailQuery(filter));
  const newest = useQuery(newestQuery(filter));
  const read = useMemo(() => list.data?.pages.flatMap(({ rows }) => rows), [list.data]);
  const first = read?.[0]?.sequence ?? 0;
  const fresh = useMemo(
    () => (read === undefined ? [] : (newest.data?.rows.filter(({ sequence }) => sequence > first) ?? [])),
    [read, newest.data, first],
  );
  // Rows that came on top would push away what somebody is reading: below the top they wait.
  const isAtTop = useIsAtTop();
  const [held, setHeld] = useState<number | null>(null);
  if (isAtTop && held !== null) setHeld(null);
  if (!isAtTop && held === null) setHeld(fresh[0]?.sequence ?? first);
  const shown = useMemo(
    () => (held === null ? fresh : fresh.filter(({ sequence }) => sequence <= held)),
    [fresh, held],
  );
  return {
    /** Undefined until they are there. */
    rows: useMemo(() => read && [...shown, ...read], [read, shown]),
    waiting: fresh.length - shown.length,
    /** More has come than one look shows: the list has to begin anew. */
    hasGap: fresh.length === newestSize && newest.data?.next !== null,
    beginAnew: () => void queries.resetQueries(trailQuery(filter)),
    list,
  };
}

const topPx = 160;

function useIsAtTop(): boolean {
  return useSyncExternalStore(
    (listener) => {
      window.addEventListener('scroll', listener, { passive: true });
      return () => window.removeEventListener('scroll', listener);
    },
    () => window.scrollY < topPx,
  );
}
