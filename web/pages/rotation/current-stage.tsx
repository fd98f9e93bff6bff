/** The stage at which a rotation stands: what it means, why it is there, and the one thing to do. */
import { Alert, Button, Group, Loader, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { CircleAlert, CircleCheck, Info } from 'lucide-react';
import { api, read } from '../../api/client.ts';
import { keyManagementQuery, useRefresh } from '../../api/provider-queries.ts';
import type { Provider, Rotation } from '../../api/views.ts';
import { ButtonLink } from '../../parts/links.tsx';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { Panel } from '../../parts/panel.tsx';
import { NotDone } from '../../parts/states.tsx';
import { CanaryStage, PromoteStage, TestStage } from './trial-stages.tsx';
import { RetireStage, SoakStage } from './soak-stages.tsx';
import type { Standing } from './stages.ts';

export interface StageOf {
  readonly provider: Provider;
  readonly rotation: Rotation;
}

export function CurrentStage({ standing, ...of }: StageOf & { readonly standing: Standing }) {
  if (standing.state === 'stopped') return <Ended {...of} />;
  switch (standing.stage) {
    case 'key':
      return <Minting {...of} />;
    case 'test':
      return <TestStage {...of} />;
    case 'canary':
      return <CanaryStage key={of.rotation.step} {...of} />;
    case 'promote':
      return <PromoteStage {...of} />;
    case 'soak':
      return <SoakStage {...of} />;
    case 'retire':
      return <RetireStage {...of} />;
    default:
      return <Completed {...of} isDone={standing.state === 'done'} />;
  }
}

/** Why it stands where it stands, in the words of the server. */
export function Explanation({ rotation: { explanation } }: Pick<StageOf, 'rotation'>) {
  if (explanation === null) return null;
  return (
    <Alert color="gray" icon={<Info aria-hidden />} role="status">
      {explanation}
    </Alert>
  );
}

function Minting({ provider: { display_name: name }, rotation }: StageOf) {
  return (
    <Panel
      title={`${name} makes the new key`}
      description="Its name stood in the database before the provider was asked: whatever happens, it is found again."
    >
      <Group gap="sm" role="status">
        <Loader size="sm" aria-hidden />
        <Text size="sm">Waiting for the provider. This goes on by itself.</Text>
      </Group>
      <Explanation rotation={rotation} />
    </Panel>
  );
}

function Completed({ provider, rotation, isDone }: StageOf & { readonly isDone: boolean }) {
  const { slug, display_name: name } = provider;
  const { old_key: old } = rotation;
  const refresh = useRefresh();
  const management = useQuery(keyManagementQuery(slug)).data;
  const isByApi = management?.credential != null;
  const sweeping = useMutation({
    mutationFn: async () =>
      read(
        api.POST('/api/v1/admin/providers/{slug}/key-management/sweep', {
          params: { path: { slug } },
          // No server sends a retired key any more: who looks does not have to wait.
          body: { grace_seconds: 0 },
        }),
      ),
    onSuccess: refresh,
  });
  return (
    <Panel title={isDone ? 'The rotation is complete' : 'The old key is out of use: end it at the provider'}>
      <Alert
        color={isDone ? 'green' : 'yellow'}
        icon={isDone ? <CircleCheck aria-hidden /> : <CircleAlert aria-hidden />}
        role="status"
      >
        {isDone
          ? old === null
            ? 'The new key serves all calls. There was no stored key before it.'
            : 'The new key serves all calls, and the old one is dead at the provider.'
          : isByApi
            ? `The new key serves all calls. Keyward ends the old one at ${name} when no server uses it any more and its grace is over: within minutes.`
            : `The new key serves all calls. The old one may still be alive at ${name}: revoke ${old?.mask ?? 'it'} there, by hand.`}
        {old?.remark != null && ` ${old.remark}`}
      </Alert>
      {sweeping.isError && <NotDone error={sweeping.error} what="The old key was not revoked" />}
      <Group gap="xs">
        {!isDone && isByApi && (
          <AdminOnly>
            {(isForbidden) => (
              <Button disabled={isForbidden} loading={sweeping.isPending} onClick={() => sweeping.mutate()}>
                Revoke it now
              </Button>
            )}
          </AdminOnly>
        )}
        <ButtonLink
          variant={!isDone && isByApi ? 'default' : 'filled'}
          to="/providers/$slug"
          params={{ slug }}
        >
          To the provider
        </ButtonLink>
      </Group>
    </Panel>
  );
}

const endings: Partial<Readonly<Record<Rotation['step'], readonly [title: string, words: string]>>> = {
  rolled_back: ['The rotation was rolled back', 'The old key serves, as before.'],
  cancelled: ['The rotation was cancelled', 'The stored key serves, as before. The new one is given up.'],
  superseded: [
    'Another change came in between',
    'The key was set past this rotation, which ended with that.',
  ],
  failed: ['The new key was not made', 'The stored key serves, as before.'],
};

function Ended({ provider: { slug }, rotation }: StageOf) {
  const [title, words] = endings[rotation.step] ?? ['The rotation has ended', ''];
  return (
    <Panel title={title}>
      <Stack gap="sm">
        <Text size="sm">{words}</Text>
        <Explanation rotation={rotation} />
        <Group gap="xs">
          <AdminOnly>
            {(isForbidden) =>
              isForbidden ? (
                <Button disabled>Begin another one</Button>
              ) : (
                <ButtonLink to="/providers/$slug/rotations/new" params={{ slug }}>
                  Begin another one
                </ButtonLink>
              )
            }
          </AdminOnly>
          <ButtonLink variant="default" to="/providers/$slug" params={{ slug }}>
            To the provider
          </ButtonLink>
        </Group>
      </Stack>
    </Panel>
  );
}
