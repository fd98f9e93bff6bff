/** A view that broke: the rest of the page still works. */
import { Button } from '@mantine/core';
import { Notice } from '../parts/states.tsx';

export function ViewFault({ error, reset }: { readonly error: unknown; readonly reset: () => void }) {
  // A part of the page that could not be loaded: browsers say so in words of their own.
  const isOldPage = error instanceof Error && /import|fetch|preload/i.test(error.message);
  return (
    <Notice
      isView
      title={isOldPage ? 'Keyward has been updated, or does not answer' : 'This view has failed'}
      action={
        <Button onClick={() => (isOldPage ? location.reload() : reset())}>
          {isOldPage ? 'Load the page again' : 'Try again'}
        </Button>
      }
    >
      {error instanceof Error ? error.message : String(error)}
    </Notice>
  );
}
