/** Takes a step of a rotation, and shows at once where it stands then. A repeated click is one step. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, read } from '../../api/client.ts';
import { rotationQuery, useRefresh } from '../../api/provider-queries.ts';
import type { Rotation } from '../../api/views.ts';

export type Step =
  | { readonly kind: 'test'; readonly spend: boolean; readonly model?: string | undefined }
  | { readonly kind: 'canary'; readonly percent: number; readonly force?: boolean; readonly reason?: string }
  | { readonly kind: 'promote' | 'retire'; readonly force?: boolean; readonly reason?: string | undefined }
  | {
      readonly kind: 'rollback' | 'cancel';
      readonly force?: boolean;
      readonly reason?: string | undefined;
    };

export function useStep({ provider: slug, id }: Rotation) {
  const queries = useQueryClient();
  const refresh = useRefresh();
  return useMutation({
    mutationFn: async (step: Step) => take(slug, id, step),
    onSuccess: (rotation) => {
      queries.setQueryData(rotationQuery(slug, id).queryKey, rotation);
      queries.setQueryData(rotationQuery(slug, 'open').queryKey, rotation.is_open ? rotation : null);
    },
    // Also after a refusal, for somebody else may have moved it on; and where no answer came, for it may have moved.
    onSettled: refresh,
  });
}

async function take(slug: string, id: string, step: Step): Promise<Rotation> {
  const path = { slug, id };
  const params = { path, query: { wait: 'applied' as const } };
  const why = 'reason' in step && step.reason !== undefined ? { reason: step.reason } : {};
  const force = 'force' in step && step.force ? { force: true } : {};
  switch (step.kind) {
    case 'test': {
      const body = { spend: step.spend, ...(step.model !== undefined && { model: step.model }) };
      const asked = api.POST('/api/v1/admin/providers/{slug}/rotations/{id}/test', {
        params: { path },
        body,
      });
      return (await read(asked)).rotation;
    }
    case 'canary': {
      const body = { percent: step.percent, ...force, ...why };
      const asked = api.POST('/api/v1/admin/providers/{slug}/rotations/{id}/canary', { params, body });
      return (await read(asked)).rotation;
    }
    case 'promote': {
      const body = { ...force, ...why };
      const asked = api.POST('/api/v1/admin/providers/{slug}/rotations/{id}/promote', { params, body });
      return (await read(asked)).rotation;
    }
    case 'retire': {
      const body = { ...force, ...why };
      const asked = api.POST('/api/v1/admin/providers/{slug}/rotations/{id}/retire', { params, body });
      return (await read(asked)).rotation;
    }
    case 'rollback':
      return (
        await read(
          api.POST('/api/v1/admin/providers/{slug}/rotations/{id}/rollback', {
            params,
            body: { ...force, ...why },
          }),
        )
      ).rotation;
    default:
      return (
        await read(api.POST('/api/v1/admin/providers/{slug}/rotations/{id}/cancel', { params, body: why }))
      ).rotation;
  }
}
