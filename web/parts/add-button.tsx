/** Begins something new; for administrators only. */
import { Button } from '@mantine/core';
import { Plus } from 'lucide-react';
import { AdminOnly } from './admin-only.tsx';

export function AddButton({ words, onClick }: { readonly words: string; readonly onClick: () => void }) {
  return (
    <AdminOnly>
      {(isForbidden) => (
        <Button leftSection={<Plus size={16} aria-hidden />} disabled={isForbidden} onClick={onClick}>
          {words}
        </Button>
      )}
    </AdminOnly>
  );
}
