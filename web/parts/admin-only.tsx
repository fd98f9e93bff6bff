/** What only administrators may do: shown to viewers too, out of reach, with the reason. */
import { Text, Tooltip } from '@mantine/core';
import type { ReactElement } from 'react';
import { useRights } from '../api/session.tsx';

export function AdminOnly({ children }: { readonly children: (isForbidden: boolean) => ReactElement }) {
  const { mayChange } = useRights();
  if (mayChange) return children(false);
  return (
    <Tooltip label="A viewer may look and not change. Ask an administrator.">
      <span tabIndex={0}>{children(true)}</span>
    </Tooltip>
  );
}

/** Above fields that a viewer can read and not change. */
export function ReadOnlyNote() {
  const { mayChange } = useRights();
  if (mayChange) return null;
  return (
    <Text size="sm" className="quiet">
      You are signed in as a viewer: you can read these fields, and an administrator can change them.
    </Text>
  );
}
