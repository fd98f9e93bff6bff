/** Proves the new key by one call of one token, instead of waiting for callers. */
import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Rotation } from '../../api/views.ts';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { useStep } from './use-step.ts';

export function SpendButton({ rotation }: { readonly rotation: Rotation }) {
  const step = useStep(rotation);
  const [isAsking, setAsking] = useState(false);
  const [model, setModel] = useState('');
  return (
    <>
      <AdminOnly>
        {(isForbidden) => (
          <Button variant="default" disabled={isForbidden} onClick={() => setAsking(true)}>
            Prove it with one call…
          </Button>
        )}
      </AdminOnly>
      {isAsking && (
        <ConfirmDialog
          title="Prove the new key with one call"
          confirm="Make the call"
          color="verdigris"
          withReason={false}
          onClose={() => setAsking(false)}
          act={async () =>
            step.mutateAsync({
              kind: 'test',
              spend: true,
              model: model.trim() === '' ? undefined : model.trim(),
            })
          }
        >
          One chat of one token is made with the new key, and paid for. Callers notice nothing. What comes of
          it is the proof that the key may do what callers want.
          <TextInput
            mt="sm"
            label="Model"
            description="Empty: the first active one of the provider."
            value={model}
            onChange={({ currentTarget }) => setModel(currentTarget.value)}
          />
        </ConfirmDialog>
      )}
    </>
  );
}
