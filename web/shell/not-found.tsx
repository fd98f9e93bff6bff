/** An address of the page at which there is nothing. */
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Notice } from '../parts/states.tsx';

export function NotFound() {
  return (
    <Notice
      isView
      title="There is nothing at this address"
      action={
        <Button component={Link} to="/providers">
          To the provider keys
        </Button>
      }
    >
      It may have been mistyped, or what was here has been deleted.
    </Notice>
  );
}
