/** Changes whose a gateway token is and what it may use. A viewer may read it all. */
import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, ApiError, read } from '../../api/client.ts';
import { useRights } from '../../api/session.tsx';
import type { Token } from '../../api/views.ts';
import { AdminOnly, ReadOnlyNote } from '../../parts/admin-only.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { NotDone } from '../../parts/states.tsx';
import { LimitFields } from './limit-fields.tsx';
import { limitChanges, limitFormOf, limitNamed } from './limits.ts';

export function LimitsDialog({ token, onClose }: { readonly token: Token; readonly onClose: () => void }) {
  const { mayChange } = useRights();
  const queries = useQueryClient();
  // As it was when the dialog was opened: what is typed is compared with it, and does not move underneath.
  const [before] = useState(token);
  const [form, setForm] = useState(() => limitFormOf(token));
  const [reason, setReason] = useState('');
  const changes = limitChanges(form, before);
  const saving = useMutation({
    mutationFn: async () =>
      read(
        api.PATCH('/api/v1/admin/tokens/{id}', {
          params: { path: { id: String(before.id) }, query: { wait: 'applied' } },
          body: { ...changes, ...(reason.trim() !== '' && { reason: reason.trim() }) },
        }),
      ),
    onSuccess: async () => {
      onClose();
      await queries.invalidateQueries({ queryKey: ['audit'] });
    },
  });
  const fault = saving.error instanceof ApiError ? saving.error : null;
  const told = limitNamed(fault?.param ?? null);
  return (
    <Dialog title={`Limits of ${before.name}`} onClose={onClose} size="lg">
      <form
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          saving.mutate();
        }}
      >
        <Stack gap="sm">
          <Text size="sm">
            They hold for the next call, on every instance. What goes beyond is refused with 403 or 429; an
            emptied field is no limit.
          </Text>
          <ReadOnlyNote />
          <LimitFields
            form={form}
            isDisabled={!mayChange}
            faultOf={(field) => (field === told ? fault?.message : undefined)}
            onChange={(part) => setForm((now) => ({ ...now, ...part }))}
          />
          {mayChange && (
            <TextInput
              label="Reason"
              description="For the audit trail; may stay empty."
              maxLength={500}
              value={reason}
              onChange={({ currentTarget }) => setReason(currentTarget.value)}
            />
          )}
          {saving.isError && told === undefined && (
            <NotDone error={saving.error} what="The limits were not changed" />
          )}
          <Group justify="flex-end" mt="xs">
            <Button variant="default" onClick={onClose}>
              {mayChange ? 'Cancel' : 'Close'}
            </Button>
            <AdminOnly>
              {(isForbidden) => (
                <Button
                  type="submit"
                  disabled={isForbidden || Object.keys(changes).length === 0}
                  loading={saving.isPending}
                >
                  Save the limits
                </Button>
              )}
            </AdminOnly>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
