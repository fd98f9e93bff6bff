/** The way out of a rotation, in sight for as long as it is open: cancel before the new key serves, roll back after. */
import { Button, Text } from '@mantine/core';
import { Undo2 } from 'lucide-react';
import { useState } from 'react';
import type { Provider, Rotation } from '../../api/views.ts';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { useStep } from './use-step.ts';
import classes from './way-back.module.css';

export function WayBack({
  provider: { display_name: name },
  rotation,
}: {
  readonly provider: Provider;
  readonly rotation: Rotation;
}) {
  const [isAsking, setAsking] = useState(false);
  const step = useStep(rotation);
  const kind = rotation.step === 'soaking' ? 'rollback' : 'cancel';
  // To no key that serves: that takes force, and a reason.
  const noWay = kind === 'rollback' ? rotation.no_way_back : null;
  const isPossible = rotation.next.includes(kind) || noWay !== null;
  const [words, confirm] =
    kind === 'rollback'
      ? noWay === null
        ? ['Roll back', 'Roll back']
        : ['Roll back by force…', 'Roll back by force']
      : ['Cancel the rotation', 'Cancel the rotation'];
  return (
    <aside className={classes['bar']} aria-label="The way back">
      <Text size="sm" className={classes['words']} flex="1 1 12rem">
        {sentenceFor(rotation, isPossible)}
      </Text>
      <AdminOnly>
        {(isForbidden) => (
          <Button
            variant="light"
            color="red"
            leftSection={<Undo2 size={16} aria-hidden />}
            disabled={isForbidden || !isPossible}
            onClick={() => setAsking(true)}
          >
            {words}
          </Button>
        )}
      </AdminOnly>
      {isAsking && (
        <ConfirmDialog
          title={kind === 'rollback' ? `Back to the old key of ${name}` : 'Cancel the rotation'}
          confirm={confirm}
          onClose={() => setAsking(false)}
          needsReason={noWay !== null}
          act={async (reason) => step.mutateAsync({ kind, reason, ...(noWay !== null && { force: true }) })}
        >
          {noWay !== null
            ? `${noWay} Calls to ${name} fail then, until a key is set.`
            : kind === 'rollback'
              ? 'The old key is the stored one again, and serves from the next call on. The new one is retired. No call fails by it.'
              : 'The stored key goes on as before, for all calls. The new one is given up; where Keyward had it made, it is revoked at the provider. No call fails by it.'}
        </ConfirmDialog>
      )}
    </aside>
  );
}

function sentenceFor({ step, no_way_back: noWay }: Rotation, isPossible: boolean): string {
  if (noWay !== null) return noWay;
  if (!isPossible) return 'There is no key to go back to: before this rotation none served.';
  if (step === 'soaking') return 'The old key stands by: one click, and it serves again.';
  return step === 'canary'
    ? 'The old key serves all other calls: one click, and it serves all of them.'
    : 'The stored key serves all calls meanwhile.';
}
