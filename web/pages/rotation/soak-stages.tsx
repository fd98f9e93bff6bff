/** The stages after the promotion: the old key stands by for a while, and is then taken out. */
import { Button, Group, Text } from '@mantine/core';
import { useState } from 'react';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { Panel } from '../../parts/panel.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { Explanation, type StageOf } from './current-stage.tsx';
import { ForceButton } from './force-button.tsx';
import { useStep } from './use-step.ts';

export function SoakStage({ provider: { slug }, rotation }: StageOf) {
  const step = useStep(rotation);
  const { promoted_at: promotedAt, soak_seconds: soakSeconds } = rotation;
  const over =
    promotedAt === null ? null : new Date(Date.parse(promotedAt) + soakSeconds * 1000).toISOString();
  return (
    <Panel
      title="The new key serves all calls"
      description="The old one stands by: what is refused with the new key is answered with it. When the soak is over, it can be retired."
    >
      <Explanation rotation={rotation} />
      <Text size="sm">
        Nothing has to be done until the soak is over: <RelativeTime at={over} none="not known when" />. This
        page may be left, and come back to.
      </Text>
      <Group gap="xs">
        <Button disabled>Retire the old key</Button>
        <ForceButton
          words="Retire by force…"
          title="Retire the old key before the soak is over"
          confirm="Retire by force"
          nameToType={slug}
          act={async (reason) => step.mutateAsync({ kind: 'retire', force: true, reason })}
        >
          Calls go on with the new key. The old one is deleted here: there is no way back then, and what is
          refused with the new key fails.
        </ForceButton>
      </Group>
    </Panel>
  );
}

export function RetireStage({ provider: { slug }, rotation }: StageOf) {
  const step = useStep(rotation);
  const [isAsking, setAsking] = useState(false);
  return (
    <Panel
      title="Retire the old key"
      description="The soak is over. The old key is deleted here, and revoked at the provider where Keyward made it."
    >
      <Explanation rotation={rotation} />
      <Group gap="xs">
        <AdminOnly>
          {(isForbidden) => (
            <Button disabled={isForbidden} onClick={() => setAsking(true)}>
              Retire the old key
            </Button>
          )}
        </AdminOnly>
      </Group>
      {isAsking && (
        <ConfirmDialog
          title="Retire the old key"
          confirm="Retire the old key"
          nameToType={slug}
          onClose={() => setAsking(false)}
          act={async (reason) => step.mutateAsync({ kind: 'retire', reason })}
        >
          Calls go on with the new key. The old one{' '}
          <span className="mono">{rotation.old_key?.mask ?? ''}</span> is deleted here: after this there is no
          rolling back.
        </ConfirmDialog>
      )}
    </Panel>
  );
}
