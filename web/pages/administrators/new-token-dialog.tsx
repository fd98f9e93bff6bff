/** Makes a token, and shows it this once. */
import { Alert, Button, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, ApiError, read } from '../../api/client.ts';
import type { NewToken, Token } from '../../api/views.ts';
import { CopyField } from '../../parts/copy-field.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { NotDone } from '../../parts/states.tsx';

const lifetimes = [
  { value: '30', label: 'in 30 days' },
  { value: '90', label: 'in 90 days' },
  { value: '365', label: 'in a year' },
  { value: '0', label: 'never' },
];

export function NewTokenDialog({
  kind,
  onClose,
}: {
  readonly kind: Token['kind'];
  readonly onClose: () => void;
}) {
  const [made, setMade] = useState<NewToken | null>(null);
  return (
    <Dialog
      title={kind === 'admin' ? 'Make an admin token' : 'Make a gateway token'}
      onClose={onClose}
      isFirm={made !== null}
    >
      {made === null ? (
        <TokenForm kind={kind} onMade={setMade} onClose={onClose} />
      ) : (
        <Stack gap="md">
          <Alert color="yellow" title="It is shown this once">
            <Text size="sm">Keyward keeps a hash of it and cannot show it again. Copy it now.</Text>
          </Alert>
          <CopyField label="the token" text={made.token} />
          <Group justify="flex-end">
            <Button onClick={onClose}>I have copied it</Button>
          </Group>
        </Stack>
      )}
    </Dialog>
  );
}

function TokenForm({
  kind,
  onMade,
  onClose,
}: {
  readonly kind: Token['kind'];
  readonly onMade: (token: NewToken) => void;
  readonly onClose: () => void;
}) {
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [role, setRole] = useState<'admin' | 'viewer'>('viewer');
  const [days, setDays] = useState(kind === 'admin' ? '90' : '0');
  const making = useMutation({
    mutationFn: async () =>
      read(
        api.POST('/api/v1/admin/tokens', {
          params: { query: { wait: 'applied' } },
          body: {
            kind,
            name: name.trim(),
            ...(kind === 'admin' && { role }),
            ...(days !== '0' && {
              expires_at: new Date(Date.now() + Number(days) * 86_400_000).toISOString(),
            }),
          },
        }),
      ),
    onSuccess: (token) => {
      void queries.invalidateQueries({ queryKey: ['audit'] });
      onMade(token);
    },
    gcTime: 0,
  });
  const fault =
    making.error instanceof ApiError && making.error.param === 'name' ? making.error.message : undefined;
  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        making.mutate();
      }}
    >
      <Stack gap="sm">
        <TextInput
          data-autofocus
          label="Name"
          description={kind === 'admin' ? 'Of the person or the program.' : 'Of the application.'}
          required
          value={name}
          error={fault}
          onChange={({ currentTarget }) => setName(currentTarget.value)}
        />
        {kind === 'admin' && (
          <Select
            label="Role"
            allowDeselect={false}
            data={[
              { value: 'viewer', label: 'Viewer: may look' },
              { value: 'admin', label: 'Administrator: may change' },
            ]}
            value={role}
            onChange={(value) => setRole(value === 'admin' ? 'admin' : 'viewer')}
          />
        )}
        <Select
          label="Expires"
          allowDeselect={false}
          data={lifetimes}
          value={days}
          onChange={(value) => setDays(value ?? '0')}
        />
        {making.isError && fault === undefined && <NotDone error={making.error} what="No token was made" />}
        <Group justify="flex-end" mt="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" disabled={name.trim() === ''} loading={making.isPending}>
            Make the token
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
