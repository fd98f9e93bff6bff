/** A step that its proof does not allow: it asks for a reason, which goes into the audit trail. */
import { Button } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';

export function ForceButton({
  words,
  title,
  confirm,
  nameToType,
  act,
  children,
}: {
  readonly words: string;
  readonly title: string;
  readonly confirm: string;
  readonly nameToType?: string;
  readonly act: (reason: string) => Promise<unknown>;
  readonly children: ReactNode;
}) {
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <AdminOnly>
        {(isForbidden) => (
          <Button variant="subtle" color="red" disabled={isForbidden} onClick={() => setAsking(true)}>
            {words}
          </Button>
        )}
      </AdminOnly>
      {isAsking && (
        <ConfirmDialog
          title={title}
          confirm={confirm}
          nameToType={nameToType}
          needsReason
          onClose={() => setAsking(false)}
          act={async (reason) => act(reason ?? '')}
        >
          {children}
        </ConfirmDialog>
      )}
    </>
  );
}
