/** Where a key is entered: it is tested first and then stored. What was typed is gone once it is sent. */
import { Button, Checkbox, Group, Select, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, ApiError, read } from '../../api/client.ts';
import { useRefresh } from '../../api/provider-queries.ts';
import type { Provider, SetKeyAnswer } from '../../api/views.ts';
import { KeyField } from '../../parts/key-field.tsx';
import { exactTime } from '../../parts/relative-time.tsx';
import { NotDone } from '../../parts/states.tsx';

type Source = 'environment' | 'database' | 'hybrid';

export function KeyForm({
  provider,
  onStored,
  onCancel,
}: {
  readonly provider: Provider;
  readonly onStored: (answer: SetKeyAnswer) => void;
  readonly onCancel?: () => void;
}) {
  const refresh = useRefresh();
  const [key, setKey] = useState('');
  const [reason, setReason] = useState('');
  const [source, setSource] = useState<Source>(provider.source === 'hybrid' ? 'hybrid' : 'database');
  const [skipTest, setSkipTest] = useState(false);
  const storing = useMutation({
    mutationFn: async (apiKey: string) =>
      read(
        api.POST('/api/v1/admin/providers/{slug}/set-key', {
          params: { path: { slug: provider.slug }, query: { wait: 'applied' } },
          body: {
            api_key: apiKey,
            source,
            skip_test: skipTest,
            ...(reason.trim() !== '' && { reason: reason.trim() }),
          },
        }),
      ),
    onSuccess: (answer) => {
      setKey('');
      storing.reset();
      void refresh();
      onStored(answer);
    },
    onError: (error) => {
      // What may have been stored is not left lying in a field.
      if (error instanceof ApiError && error.isLost) setKey('');
    },
    // What was sent is not kept for a second try by the library.
    gcTime: 0,
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (key !== '') storing.mutate(key);
  };
  const refusal =
    storing.error instanceof ApiError && storing.error.code === 'key_refused'
      ? storing.error.message
      : undefined;
  return (
    <form onSubmit={submit} autoComplete="off">
      <Stack gap="sm">
        <KeyField
          label="Key"
          description="It is tested without spending a token, then stored encrypted. It is never shown again."
          value={key}
          onChange={setKey}
          error={refusal}
        />
        <Select
          label="Serve"
          data={[
            { value: 'database', label: 'this key only' },
            { value: 'hybrid', label: 'this key, and the one of the environment where it fails' },
          ]}
          allowDeselect={false}
          value={source}
          onChange={(value) => setSource(value === 'hybrid' ? 'hybrid' : 'database')}
        />
        <TextInput
          label="Reason"
          description="For the audit trail; may stay empty."
          value={reason}
          maxLength={500}
          onChange={({ currentTarget }) => setReason(currentTarget.value)}
        />
        {storing.isError && refusal === undefined && (
          <NotDone error={storing.error} what="The key was not stored" now={storedNow(provider)} />
        )}
        {storing.error instanceof ApiError && storing.error.code === 'key_proven_dead' && (
          <Checkbox
            label="Store it all the same, without a test"
            description="Calls will fail until the provider accepts the key."
            checked={skipTest}
            onChange={({ currentTarget }) => setSkipTest(currentTarget.checked)}
          />
        )}
        <Group justify="flex-end" mt="xs">
          {onCancel !== undefined && (
            <Button variant="default" onClick={onCancel}>
              Cancel
            </Button>
          )}
          <Button type="submit" loading={storing.isPending} disabled={key === ''}>
            {skipTest ? 'Store' : 'Test and store'}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** For whoever lost the answer: which key is stored tells whether theirs was. */
function storedNow({ display_name: name, stored_key: stored }: Provider): string {
  if (stored === null) return `No key of ${name} is stored: it was not done.`;
  const since = stored.updated_at === null ? '' : `, since ${exactTime(stored.updated_at)}`;
  return `The stored key of ${name} is ${stored.mask ?? 'one that cannot be read'}${since}. If it is the one you entered, it was done; else enter it again.`;
}
