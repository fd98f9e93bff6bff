/** Where the key that serves comes from, and why it is that one. */
import { Badge, Text, Tooltip } from '@mantine/core';
import { CornerDownRight, Database, SquareTerminal } from 'lucide-react';
import type { Provider } from '../../api/views.ts';

export function SourceBadge({
  provider: { serves, stored_key: stored, is_active: isActive },
}: {
  readonly provider: Provider;
}) {
  const { source, fallback, reason } = serves;
  const hasNone = source === null && stored === null;
  if (hasNone && isActive)
    return (
      <Text component="span" size="sm" className="quiet">
        Nothing yet
      </Text>
    );
  const words =
    source === null
      ? isActive
        ? 'Nothing serves'
        : 'Inactive'
      : source === 'database'
        ? 'Database'
        : 'Environment';
  const Icon = fallback !== null ? CornerDownRight : source === 'database' ? Database : SquareTerminal;
  return (
    <Tooltip label={sentence(reason)} multiline maw={360}>
      <Badge
        variant={source === null && isActive ? 'light' : 'default'}
        color={source === null ? 'red' : 'gray'}
        tt="none"
        fw={550}
        tabIndex={0}
        leftSection={source === null ? undefined : <Icon size={12} aria-hidden />}
      >
        {fallback === null ? words : `${words}, fallback`}
      </Badge>
    </Tooltip>
  );
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
