/** Goes on with a list that comes in pages. */
import { Button, Group } from '@mantine/core';

export function MoreButton({
  list,
  words = 'Show earlier ones',
}: {
  readonly list: {
    readonly hasNextPage: boolean;
    readonly isFetchingNextPage: boolean;
    readonly fetchNextPage: () => Promise<unknown>;
  };
  readonly words?: string;
}) {
  if (!list.hasNextPage) return null;
  return (
    <Group justify="center">
      <Button
        variant="default"
        size="xs"
        loading={list.isFetchingNextPage}
        onClick={() => void list.fetchNextPage()}
      >
        {words}
      </Button>
    </Group>
  );
}
