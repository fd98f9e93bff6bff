/** What only administrators may do: shown to viewers too, out of reach, with the reason. */
import { Tooltip } from '@mantine/core';
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
