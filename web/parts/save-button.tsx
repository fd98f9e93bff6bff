/** Saves a form that is part of a view, whose one primary action is another. */
import { Button } from '@mantine/core';
import { AdminOnly } from './admin-only.tsx';

export function SaveButton({
  words,
  isNeeded = true,
  isSaving,
}: {
  readonly words: string;
  /** Something was changed that could be saved. */
  readonly isNeeded?: boolean;
  readonly isSaving: boolean;
}) {
  return (
    <AdminOnly>
      {(isForbidden) => (
        <Button type="submit" variant="default" disabled={isForbidden || !isNeeded} loading={isSaving}>
          {words}
        </Button>
      )}
    </AdminOnly>
  );
}
