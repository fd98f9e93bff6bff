/** Asks before something is lost: says what will happen, and where it is grave asks for a name to be typed. */
import { Button, Group, Stack, Text, TextInput, Textarea, type MantineColor } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent, type ReactNode } from 'react';
import { Dialog } from './dialog.tsx';
import { NotDone } from './states.tsx';

export function ConfirmDialog({
  title,
  children,
  confirm,
  nameToType,
  act,
  onClose,
  withReason = true,
  color = 'red',
  isReady = true,
  needsReason = false,
}: {
  readonly title: string;
  readonly children: ReactNode;
  /** The words on the button that does it. */
  readonly confirm: string;
  /** What has to be typed before it can be done. */
  readonly nameToType?: string | undefined;
  readonly act: (reason: string | undefined) => Promise<unknown>;
  readonly onClose: () => void;
  readonly withReason?: boolean;
  /** Red is for what is lost. */
  readonly color?: MantineColor;
  /** Whether what `children` ask for has been entered. */
  readonly isReady?: boolean;
  /** It cannot be done without one. */
  readonly needsReason?: boolean;
}) {
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState('');
  const doing = useMutation({ mutationFn: act, onSuccess: onClose });
  const isSure =
    isReady &&
    (nameToType === undefined || typed.trim() === nameToType) &&
    (!needsReason || reason.trim() !== '');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (isSure) doing.mutate(reason.trim() === '' ? undefined : reason.trim());
  };
  return (
    <Dialog onClose={onClose} title={title}>
      <form onSubmit={submit}>
        <Stack gap="md">
          <Text component="div" size="sm">
            {children}
          </Text>
          {nameToType !== undefined && (
            <TextInput
              data-autofocus
              label={
                <>
                  Type <span className="mono">{nameToType}</span> to go on
                </>
              }
              value={typed}
              onChange={({ currentTarget }) => setTyped(currentTarget.value)}
              autoComplete="off"
              spellCheck={false}
            />
          )}
          {withReason && (
            <Textarea
              label="Reason"
              description={
                needsReason ? 'It goes into the audit trail.' : 'For the audit trail; may stay empty.'
              }
              required={needsReason}
              withAsterisk={false}
              data-autofocus={nameToType === undefined || undefined}
              autosize
              maxLength={500}
              value={reason}
              onChange={({ currentTarget }) => setReason(currentTarget.value)}
            />
          )}
          {doing.isError && <NotDone error={doing.error} what="It was not done" />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Leave it as it is
            </Button>
            <Button type="submit" color={color} disabled={!isSure} loading={doing.isPending}>
              {confirm}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
