/** The stages at which the new key proves itself: test, canary, promotion. The next one is taken only behind its proof, or by force with a reason. */
import { Alert, Button, Group, NumberInput, Stack } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { CircleX, TriangleAlert } from 'lucide-react';
import { useState } from 'react';
import type { Rotation } from '../../api/views.ts';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { Panel } from '../../parts/panel.tsx';
import { NotDone } from '../../parts/states.tsx';
import { isDead } from '../../parts/verdict.tsx';
import { Explanation, type StageOf } from './current-stage.tsx';
import { ForceButton } from './force-button.tsx';
import { SpendButton } from './spend-button.tsx';
import { shares } from './traffic-panel.tsx';
import { useStep } from './use-step.ts';

export function TestStage(of: StageOf) {
  const {
    provider: { display_name: name },
    rotation,
  } = of;
  const step = useStep(rotation);
  if (isDead(rotation.new_key.last_verdict)) return <DeadKey {...of} />;
  return (
    <Panel
      title="Test the new key"
      description={`${name} is asked whether it accepts the key ${rotation.new_key.mask ?? ''}. That costs nothing. The key serves nobody yet.`}
    >
      <Explanation rotation={rotation} />
      {step.isError && <NotDone error={step.error} what="The key was not tested" />}
      <Group gap="xs">
        <AdminOnly>
          {(isForbidden) => (
            <Button
              disabled={isForbidden}
              loading={step.isPending}
              onClick={() => step.mutate({ kind: 'test', spend: false })}
            >
              Test the new key
            </Button>
          )}
        </AdminOnly>
        <SpendButton rotation={rotation} />
        <CanaryByForce rotation={rotation} />
      </Group>
    </Panel>
  );
}

/** The provider has said that the key is none: no test of it leads on. */
function DeadKey({ provider: { slug, display_name: name }, rotation }: StageOf) {
  const step = useStep(rotation);
  const navigate = useNavigate();
  const replacing = useMutation({
    mutationFn: async () => step.mutateAsync({ kind: 'cancel' }),
    onSuccess: async () => navigate({ to: '/providers/$slug/rotations/new', params: { slug } }),
  });
  return (
    <Panel
      title="The new key is dead"
      description={`${name} does not accept ${rotation.new_key.mask ?? 'it'}. Nothing was switched: the stored key goes on, for all calls.`}
    >
      <Alert
        color="red"
        icon={<CircleX aria-hidden />}
        role="alert"
        title={
          rotation.new_key.last_verdict === 'compromised'
            ? 'The key has leaked, and its provider has blocked it'
            : 'The provider refuses this key'
        }
      >
        {rotation.explanation}
      </Alert>
      {step.isError && <NotDone error={step.error} what="The rotation is still open" />}
      <Group gap="xs">
        <AdminOnly>
          {(isForbidden) => (
            <Button disabled={isForbidden} loading={replacing.isPending} onClick={() => replacing.mutate()}>
              Use another key
            </Button>
          )}
        </AdminOnly>
        <AdminOnly>
          {(isForbidden) => (
            <Button
              variant="default"
              disabled={isForbidden}
              loading={step.isPending && !replacing.isPending}
              onClick={() => step.mutate({ kind: 'test', spend: false })}
            >
              Test it again
            </Button>
          )}
        </AdminOnly>
        <CanaryByForce rotation={rotation} />
      </Group>
    </Panel>
  );
}

function CanaryByForce({ rotation }: Pick<StageOf, 'rotation'>) {
  const step = useStep(rotation);
  return (
    <ForceButton
      words="Canary by force…"
      title="Try the new key without a test that accepts it"
      confirm="Start the canary"
      act={async (reason) =>
        step.mutateAsync({ kind: 'canary', percent: rotation.canary_percent, force: true, reason })
      }
    >
      {rotation.canary_percent} percent of the calls go out with a key that nothing speaks for. What is
      refused with it is asked again with the old one before the caller hears of it, and the canary ends.
    </ForceButton>
  );
}

export function CanaryStage({ rotation }: StageOf) {
  const isRunning = rotation.step === 'canary';
  return (
    <Panel
      title={isRunning ? 'The new key is being tried' : 'Try the new key on some calls'}
      description="A call that is refused with the new key is answered with the old one, before the caller hears of it; then the canary ends by itself."
    >
      <Explanation rotation={rotation} />
      {!isRunning && <Share rotation={rotation} />}
      <Group gap="xs">
        {isRunning && <Button disabled>Promote the new key</Button>}
        <SpendButton rotation={rotation} />
        <PromoteByForce rotation={rotation} />
      </Group>
      {isRunning && <Share rotation={rotation} />}
    </Panel>
  );
}

/** Starts the canary, or changes the share of the calls on which it is. */
function Share({ rotation }: Pick<StageOf, 'rotation'>) {
  const step = useStep(rotation);
  const [percent, setPercent] = useState<number | string>(rotation.canary_percent);
  const isRunning = rotation.step === 'canary';
  const isGood = Number(percent) > 0 && Number(percent) <= 100;
  const isSame = isRunning && Number(percent) === rotation.canary_percent;
  return (
    <Stack gap="sm">
      {step.isError && (
        <NotDone
          error={step.error}
          what={isRunning ? 'The share was not changed' : 'The canary was not started'}
        />
      )}
      <Group gap="xs" align="flex-end">
        <NumberInput
          label="Share of the calls"
          suffix=" percent"
          min={0.01}
          max={100}
          decimalScale={2}
          w={160}
          value={percent}
          onChange={setPercent}
        />
        <AdminOnly>
          {(isForbidden) => (
            <Button
              variant={isRunning || rotation.next.includes('promote') ? 'default' : 'filled'}
              disabled={isForbidden || !isGood || isSame}
              loading={step.isPending}
              onClick={() => step.mutate({ kind: 'canary', percent: Number(percent) })}
            >
              {isRunning ? 'Change the share' : 'Start the canary'}
            </Button>
          )}
        </AdminOnly>
      </Group>
    </Stack>
  );
}

export function PromoteStage({ rotation }: StageOf) {
  const step = useStep(rotation);
  const { new: fresh, old } = rotation.traffic;
  const hours = Math.round(rotation.soak_seconds / 360) / 10;
  return (
    <Panel
      title="Promote the new key"
      description={`It is accepted, and a call was answered with it. From now on it serves all calls. The old key stays as its fallback for ${hours} hours; what is proven dead is rolled back by itself.`}
    >
      <Explanation rotation={rotation} />
      {fresh.errors > 0 && (fresh.error_rate ?? 0) > (old.error_rate ?? 0) && (
        <Alert color="yellow" icon={<TriangleAlert aria-hidden />} title="More calls fail with the new key">
          {shares.format(fresh.error_rate ?? 0)} of them, against {shares.format(old.error_rate ?? 0)} with
          the old one. Errors are not always of the key: look before you promote.
        </Alert>
      )}
      {step.isError && <NotDone error={step.error} what="Nothing was switched" />}
      <Group gap="xs">
        <AdminOnly>
          {(isForbidden) => (
            <Button
              disabled={isForbidden}
              loading={step.isPending}
              onClick={() => step.mutate({ kind: 'promote' })}
            >
              Promote the new key
            </Button>
          )}
        </AdminOnly>
      </Group>
      <Share key={rotation.step} rotation={rotation} />
    </Panel>
  );
}

function PromoteByForce({ rotation }: { readonly rotation: Rotation }) {
  const step = useStep(rotation);
  return (
    <ForceButton
      words="Promote by force…"
      title="Promote the new key without proof"
      confirm="Promote by force"
      act={async (reason) => step.mutateAsync({ kind: 'promote', force: true, reason })}
    >
      All calls go out with a key with which no call was answered yet. What is refused with it is asked again
      with the old one while the soak lasts, and what is proven dead is rolled back.
    </ForceButton>
  );
}
