/** What can be done with the key of a provider besides the next thing, and the dialogs in which it is done. */
import { ActionIcon, Menu, type ActionIconProps } from '@mantine/core';
import { EllipsisVertical, KeyRound, Trash2 } from 'lucide-react';
import { lazy, Suspense, type ReactNode } from 'react';
import { useRights } from '../../api/session.tsx';
import type { Provider } from '../../api/views.ts';

/** Read when somebody opens one: the list stands sooner. */
const SetKeyDialog = lazy(async () => ({ default: (await import('./set-key-dialog.tsx')).SetKeyDialog }));
const RemoveKeyDialog = lazy(async () => ({
  default: (await import('./remove-key-dialog.tsx')).RemoveKeyDialog,
}));

export type KeyDialogName = 'set' | 'remove';

/** Whether there is a key at all, stored or in the environment. */
export function hasKey({ serves, stored_key: stored }: Provider): boolean {
  return serves.source !== null || stored !== null;
}

export function KeyMenu({
  provider: { display_name: name, stored_key: stored },
  sign,
  replace,
  onChoose,
  children,
}: {
  readonly provider: Provider;
  /** How the button looks that opens it. */
  readonly sign: ActionIconProps;
  /** The words for setting another key. */
  readonly replace: string;
  readonly onChoose: (dialog: KeyDialogName) => void;
  /** Entries between setting and removing. */
  readonly children?: ReactNode;
}) {
  const { mayChange } = useRights();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon {...sign} aria-label={`More for ${name}`}>
          <EllipsisVertical size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {!mayChange && <Menu.Label>A viewer may look and not change</Menu.Label>}
        <Menu.Item
          leftSection={<KeyRound size={16} aria-hidden />}
          disabled={!mayChange}
          onClick={() => onChoose('set')}
        >
          {stored === null ? 'Set a key' : replace}
        </Menu.Item>
        {children}
        <Menu.Item
          color="red"
          leftSection={<Trash2 size={16} aria-hidden />}
          disabled={!mayChange || stored === null}
          onClick={() => onChoose('remove')}
        >
          Remove the key
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

export function KeyDialogs({
  provider,
  open,
  onClose,
}: {
  readonly provider: Provider;
  readonly open: KeyDialogName | null;
  readonly onClose: () => void;
}) {
  return (
    <Suspense>
      {open === 'set' && <SetKeyDialog provider={provider} onClose={onClose} />}
      {open === 'remove' && <RemoveKeyDialog provider={provider} onClose={onClose} />}
    </Suspense>
  );
}
