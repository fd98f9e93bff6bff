/** Sets the key of a provider: it is tested first, stored, and shown to be served by every instance. */
import { Button, Group, Stack } from '@mantine/core';
import { useState } from 'react';
import type { Provider, SetKeyAnswer } from '../../api/views.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { KeyForm } from './key-form.tsx';
import { KeyStored } from './key-stored.tsx';

export function SetKeyDialog({
  provider,
  onClose,
}: {
  readonly provider: Provider;
  readonly onClose: () => void;
}) {
  const [answer, setAnswer] = useState<SetKeyAnswer | null>(null);
  // As it was when the dialog was opened: what is stored changes behind it.
  const [title] = useState(
    `${provider.stored_key === null ? 'Set' : 'Replace'} the key of ${provider.display_name}`,
  );
  return (
    <Dialog onClose={onClose} title={title}>
      {answer === null ? (
        <KeyForm provider={provider} onStored={setAnswer} onCancel={onClose} />
      ) : (
        <Stack gap="md">
          <KeyStored answer={answer} />
          <Group justify="flex-end">
            <Button data-autofocus onClick={onClose}>
              Done
            </Button>
          </Group>
        </Stack>
      )}
    </Dialog>
  );
}
