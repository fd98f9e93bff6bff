/** Something that can be done with a row: a sign with its words on hover and focus, out of reach for viewers. */
import { ActionIcon, Tooltip } from '@mantine/core';
import type { ReactElement } from 'react';
import { useRights } from '../api/session.tsx';

export function RowAction({
  label,
  icon,
  act,
  isRunning = false,
}: {
  readonly label: string;
  readonly icon: ReactElement;
  readonly act: () => void;
  readonly isRunning?: boolean;
}) {
  const { mayChange } = useRights();
  return (
    <Tooltip label={mayChange ? label : 'A viewer may look and not change'}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={label}
        disabled={!mayChange}
        loading={isRunning}
        onClick={act}
      >
        {icon}
      </ActionIcon>
    </Tooltip>
  );
}
