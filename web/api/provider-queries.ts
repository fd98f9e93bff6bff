/** What the page reads of one provider, its key and its rotations; see queries.ts for how the keys begin. */
import { infiniteQueryOptions, queryOptions, useQueryClient } from '@tanstack/react-query';
import { api, ApiError, read } from './client.ts';
import type { KeyPolicy, Rotation, RotationSchedule } from './views.ts';

const at = (slug: string) => ({ params: { path: { slug } } });

/** @returns what asks for everything again that an act of an administrator may have changed */
export function useRefresh(): () => Promise<void> {
  const queries = useQueryClient();
  return async () => {
    await Promise.all(
      ['keys', 'health', 'audit'].map(async (topic) => queries.invalidateQueries({ queryKey: [topic] })),
    );
  };
}

export const providerQuery = (slug: string) =>
  queryOptions({
    queryKey: ['keys', 'provider', slug],
    queryFn: async () => read(api.GET('/api/v1/admin/providers/{slug}', at(slug))),
  });

export const resolutionQuery = (slug: string) =>
  queryOptions({
    queryKey: ['keys', 'resolution', slug],
    queryFn: async () => read(api.GET('/api/v1/admin/providers/{slug}/resolve', at(slug))),
  });

/** Whether the environment of the instance that answers has a key, whatever serves now. */
export const environmentKeyQuery = (slug: string) =>
  queryOptions({
    queryKey: ['keys', 'environment', slug],
    queryFn: async () =>
      read(
        api.GET('/api/v1/admin/providers/{slug}/resolve', {
          params: { path: { slug }, query: { source: 'environment', stored_key: 'absent' } },
        }),
      ),
  });

/** Asked again by itself: that an instance has taken a change up is announced nowhere. */
export const keyStatusQuery = (slug: string) =>
  queryOptions({
    queryKey: ['keys', 'status', slug],
    queryFn: async () => read(api.GET('/api/v1/admin/providers/{slug}/key-status', at(slug))),
    refetchInterval: 10_000,
  });

/**
 * The policy of a key, with the revision under which it may be changed. The revision is read first, so that a
 * change in between is one that is told and not one that is overwritten.
 */
export async function readPolicyToChange(
  slug: string,
): Promise<{ readonly revision: number; readonly policy: KeyPolicy }> {
  const { revision } = await read(api.GET('/api/v1/admin/providers/{slug}', at(slug)));
  return { revision, policy: await read(api.GET('/api/v1/admin/providers/{slug}/key-policy', at(slug))) };
}

export const keyPolicyQuery = (slug: string) =>
  queryOptions({
    queryKey: ['keys', 'policy', slug],
    queryFn: async () => readPolicyToChange(slug),
  });

export const keyVersionsQuery = (slug: string) =>
  queryOptions({
    queryKey: ['health', 'versions', slug],
    queryFn: async () => read(api.GET('/api/v1/admin/providers/{slug}/key-versions', at(slug))),
  });

export const keyTestsQuery = (slug: string) =>
  infiniteQueryOptions({
    queryKey: ['health', 'key-tests', slug],
    queryFn: async ({ pageParam: cursor }) =>
      read(
        api.GET('/api/v1/admin/providers/{slug}/tests', {
          params: { path: { slug }, query: { limit: 100, cursor } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor: cursor }) => cursor ?? undefined,
  });

export const rotationsQuery = (slug: string) =>
  infiniteQueryOptions({
    queryKey: ['health', 'rotations', slug],
    queryFn: async ({ pageParam: cursor }) =>
      read(
        api.GET('/api/v1/admin/providers/{slug}/rotations', {
          params: { path: { slug }, query: { limit: 20, cursor } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor: cursor }) => cursor ?? undefined,
  });

/** How often an open rotation is asked about: the counts of both keys are announced nowhere. */
const followMs = 2_000;

/** @param id of the rotation; `open` for the one that is open. Null where there is none, which is no failure */
export const rotationQuery = (slug: string, id: string) =>
  queryOptions({
    queryKey: ['health', 'rotation', slug, id],
    queryFn: async (): Promise<Rotation | null> => {
      if (id !== 'open')
        return orNull(
          read(api.GET('/api/v1/admin/providers/{slug}/rotations/{id}', { params: { path: { slug, id } } })),
          'rotation_not_found',
        );
      const { data } = await read(
        api.GET('/api/v1/admin/providers/{slug}/rotations', {
          params: { path: { slug }, query: { state: 'open', limit: 1 } },
        }),
      );
      return data[0] ?? null;
    },
    refetchInterval: ({ state: { data } }) => (data?.is_open === true ? followMs : false),
  });

/** Whatever changes it is an event of the trail. */
export const keyManagementQuery = (slug: string) =>
  queryOptions({
    queryKey: ['audit', 'management', slug],
    queryFn: async () => read(api.GET('/api/v1/admin/providers/{slug}/key-management', at(slug))),
  });

/** Null where the key is rotated only when asked. */
export const rotationScheduleQuery = (slug: string) =>
  queryOptions({
    queryKey: ['audit', 'schedule', slug],
    queryFn: async (): Promise<RotationSchedule | null> =>
      orNull(
        read(api.GET('/api/v1/admin/providers/{slug}/rotation-schedule', at(slug))),
        'schedule_not_found',
      ),
  });

export const providerAuditQuery = (slug: string) =>
  infiniteQueryOptions({
    queryKey: ['audit', 'provider', slug],
    queryFn: async ({ pageParam: cursor }) =>
      read(
        api.GET('/api/v1/admin/audit-logs', {
          params: { query: { target: `provider:${slug}`, limit: 50, cursor } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor: cursor }) => cursor ?? undefined,
  });

async function orNull<T>(asked: Promise<T>, code: string): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiError && error.code === code) return null;
    throw error;
  }
}
