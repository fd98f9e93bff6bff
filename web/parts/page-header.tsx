/** The title of a view, what it says in a line, and what can be done; it names the browser's tab too. */
import { Group, Stack, Text, Title } from '@mantine/core';
import { useEffect, type ReactNode } from 'react';

export function PageHeader({
  title,
  summary,
  actions,
  above,
  mark,
}: {
  readonly title: string;
  readonly summary?: ReactNode;
  readonly actions?: ReactNode;
  /** The way back up. */
  readonly above?: ReactNode;
  /** Beside the title. */
  readonly mark?: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Keyward`;
  }, [title]);
  return (
    <Group justify="space-between" align="flex-end" mb="lg" gap="md">
      <Stack gap={4} miw={0} maw="100%">
        {above}
        <Group gap="sm" wrap="nowrap">
          {mark}
          <Title order={1} style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Title>
        </Group>
        {summary !== undefined && (
          <Text component="div" size="sm" className="quiet" style={{ overflowWrap: 'anywhere' }}>
            {summary}
          </Text>
        )}
      </Stack>
      {actions !== undefined && <Group gap="xs">{actions}</Group>}
    </Group>
  );
}
