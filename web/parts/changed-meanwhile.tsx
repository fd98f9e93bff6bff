/** Somebody else was quicker: nothing was overwritten, and what is there now can be read before one goes on. */
import { Alert, Button, Stack, Text } from '@mantine/core';
import { TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';

export function ChangedMeanwhile({
  children,
  isReading,
  onReadAgain,
}: {
  /** What is another now. */
  readonly children?: ReactNode;
  readonly isReading: boolean;
  readonly onReadAgain: () => void;
}) {
  return (
    <Alert
      color="yellow"
      role="alert"
      icon={<TriangleAlert aria-hidden />}
      title="Somebody has changed this provider meanwhile"
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm">Your changes were not saved, and nothing was overwritten. {children}</Text>
        <Button size="xs" variant="default" loading={isReading} onClick={onReadAgain}>
          Read again
        </Button>
      </Stack>
    </Alert>
  );
}
