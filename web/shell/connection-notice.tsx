/** Says that what is shown may be old, while the server cannot be reached. */
import { Alert } from '@mantine/core';
import { CloudOff } from 'lucide-react';
import { useConnection } from '../api/live.ts';

export function ConnectionNotice() {
  if (useConnection() !== 'lost') return null;
  return (
    <Alert
      role="status"
      color="yellow"
      mb="md"
      icon={<CloudOff aria-hidden />}
      title="The connection to Keyward is lost"
    >
      What you see is how it was when it was last heard of. It is asked again by itself.
    </Alert>
  );
}
