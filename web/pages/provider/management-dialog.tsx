/** Stores the credential that makes and revokes keys. It is sent once, never shown again, and never serves a caller. */
import { Button, Group, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, read } from '../../api/client.ts';
import { useRefresh } from '../../api/provider-queries.ts';
import type { KeyManagement, Provider } from '../../api/views.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { KeyField } from '../../parts/key-field.tsx';
import { NotDone } from '../../parts/states.tsx';

export function ManagementDialog({
  provider: { slug, display_name: name },
  management: { needs, parameters_needed: needed, credential: stored },
  onClose,
}: {
  readonly provider: Provider;
  readonly management: KeyManagement;
  readonly onClose: () => void;
}) {
  const refresh = useRefresh();
  const [credential, setCredential] = useState('');
  const [baseUrl, setBaseUrl] = useState(stored?.base_url ?? '');
  const [parameters, setParameters] = useState<Readonly<Record<string, string>>>(stored?.parameters ?? {});
  const [reason, setReason] = useState('');
  const storing = useMutation({
    mutationFn: async (secret: string) =>
      read(
        api.PUT('/api/v1/admin/providers/{slug}/key-management', {
          params: { path: { slug } },
          body: {
            credential: secret,
            ...(baseUrl.trim() !== '' && { base_url: baseUrl.trim() }),
            ...(Object.keys(needed).length > 0 && { parameters: { ...parameters } }),
            ...(reason.trim() !== '' && { reason: reason.trim() }),
          },
        }),
      ),
    onSuccess: async () => {
      setCredential('');
      storing.reset();
      await refresh();
      onClose();
    },
    // What was sent is not kept for a second try by the library.
    gcTime: 0,
  });
  return (
    <Dialog onClose={onClose} title={`The management credential of ${name}`}>
      <form
        autoComplete="off"
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          if (credential !== '') storing.mutate(credential);
        }}
      >
        <Stack gap="sm">
          <KeyField
            label="Credential"
            description={`${needs === null ? '' : `It is ${needs}. `}It is stored encrypted, apart from the keys that serve, and never shown again.`}
            value={credential}
            onChange={setCredential}
          />
          {Object.entries(needed).map(([parameter, words]) => (
            <TextInput
              key={parameter}
              label={parameter}
              description={words}
              required
              withAsterisk={false}
              value={parameters[parameter] ?? ''}
              onChange={({ currentTarget }) =>
                setParameters({ ...parameters, [parameter]: currentTarget.value })
              }
            />
          ))}
          <TextInput
            label="Address of the management API"
            description="Empty: where the provider has it."
            classNames={{ input: 'mono' }}
            value={baseUrl}
            onChange={({ currentTarget }) => setBaseUrl(currentTarget.value)}
          />
          <TextInput
            label="Reason"
            description="For the audit trail; may stay empty."
            value={reason}
            maxLength={500}
            onChange={({ currentTarget }) => setReason(currentTarget.value)}
          />
          {storing.isError && <NotDone error={storing.error} what="The credential was not stored" />}
          <Group justify="flex-end" mt="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={storing.isPending} disabled={credential === ''}>
              Store
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
