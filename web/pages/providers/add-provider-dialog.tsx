/** Adds a provider: any endpoint that speaks the OpenAI API. */
import { Button, Group, Stack, Switch, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { api, ApiError, read } from '../../api/client.ts';
import { useRefresh } from '../../api/provider-queries.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { NotDone } from '../../parts/states.tsx';

export function AddProviderDialog({ onClose }: { readonly onClose: () => void }) {
  const refresh = useRefresh();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [slug, setSlug] = useState<string | null>(null);
  const [baseUrl, setBaseUrl] = useState('');
  const [isPrivate, setPrivate] = useState(false);
  const chosenSlug = slug ?? slugOf(name);
  const adding = useMutation({
    mutationFn: async () =>
      read(
        api.POST('/api/v1/admin/providers', {
          body: {
            slug: chosenSlug,
            display_name: name.trim(),
            source: 'database',
            allow_private_network: isPrivate,
            ...(baseUrl.trim() !== '' && { base_url: baseUrl.trim() }),
          },
        }),
      ),
    onSuccess: async () => {
      await refresh();
      onClose();
      await navigate({ to: '/providers', search: { q: chosenSlug } });
    },
  });
  const faultOf = (field: string): string | undefined =>
    adding.error instanceof ApiError && adding.error.param === field ? adding.error.message : undefined;
  const isTold = ['slug', 'display_name', 'base_url'].some((field) => faultOf(field) !== undefined);
  return (
    <Dialog onClose={onClose} title="Add a provider">
      <form
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          adding.mutate();
        }}
      >
        <Stack gap="sm">
          <TextInput
            label="Name"
            data-autofocus
            required
            value={name}
            error={faultOf('display_name')}
            onChange={({ currentTarget }) => setName(currentTarget.value)}
          />
          <TextInput
            label="Slug"
            description="How callers name it: slug/model."
            required
            classNames={{ input: 'mono' }}
            value={chosenSlug}
            error={faultOf('slug')}
            onChange={({ currentTarget }) => setSlug(currentTarget.value)}
          />
          <TextInput
            label="Base URL"
            description="Up to /v1. May stay empty for a provider that Keyward knows."
            placeholder="https://llm.example.com/v1"
            value={baseUrl}
            error={faultOf('base_url')}
            onChange={({ currentTarget }) => setBaseUrl(currentTarget.value)}
          />
          <Switch
            label="It is in a private network"
            description="Else addresses that are not public are refused."
            checked={isPrivate}
            onChange={({ currentTarget }) => setPrivate(currentTarget.checked)}
          />
          {adding.isError && !isTold && <NotDone error={adding.error} what="The provider was not added" />}
          <Group justify="flex-end" mt="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button
              type="submit"
              loading={adding.isPending}
              disabled={name.trim() === '' || chosenSlug === ''}
            >
              Add
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}
