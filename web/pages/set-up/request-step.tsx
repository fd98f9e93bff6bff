/** The first request: a gateway token, the request in three languages, and what came back when it was sent. */
import { Alert, Button, Group, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, errorIn, GatewayError, read } from '../../api/client.ts';
import { CopyField } from '../../parts/copy-field.tsx';
import { Failure, NotDone } from '../../parts/states.tsx';
import { languages, snippet, type Language } from './snippets.ts';

export function RequestStep({
  slug,
  example,
}: {
  readonly slug: string;
  /** A model of the provider, as callers name it; null where none is known. */
  readonly example: string | null;
}) {
  const queries = useQueryClient();
  const [model, setModel] = useState(example ?? `${slug}/`);
  const [language, setLanguage] = useState<Language>('curl');
  const making = useMutation({
    mutationFn: async () =>
      read(
        api.POST('/api/v1/admin/tokens', {
          params: { query: { wait: 'applied' } },
          body: { kind: 'gateway', name: 'first application' },
        }),
      ),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['audit'] }),
    gcTime: 0,
  });
  const token = making.data?.token ?? null;
  const sending = useMutation({ mutationFn: async () => sendChat(model, token ?? '') });
  const isModelWhole = /^[^/]+\/.+/.test(model);
  return (
    <Stack gap="md">
      {token === null ? (
        <>
          <Text>An application presents a gateway token. Make one; it is shown this once.</Text>
          {making.isError && <NotDone error={making.error} what="No token was made" />}
          <Group>
            <Button loading={making.isPending} onClick={() => making.mutate()}>
              Make a gateway token
            </Button>
          </Group>
        </>
      ) : (
        <CopyField label="the gateway token" text={token} />
      )}
      <TextInput
        label="Model"
        description={`The provider, a slash, and the model as the provider calls it.${example === null ? '' : ' This one is a suggestion.'}`}
        classNames={{ input: 'mono' }}
        value={model}
        onChange={({ currentTarget }) => setModel(currentTarget.value)}
      />
      <SegmentedControl
        aria-label="Language"
        data={[...languages]}
        value={language}
        onChange={(value) => setLanguage(value)}
      />
      <CopyField label="the request" text={snippet(language, { origin: location.origin, token, model })} />
      {token !== null && (
        <Group>
          <Button loading={sending.isPending} disabled={!isModelWhole} onClick={() => sending.mutate()}>
            Send it now
          </Button>
          <Button component={Link} to="/providers" variant="default">
            To the provider keys
          </Button>
        </Group>
      )}
      {sending.isError && <Failure error={sending.error} what="It was not answered" />}
      {sending.data !== undefined && (
        <Alert color="green" title="It works" role="status">
          <Text size="sm">{sending.data.content}</Text>
          <Text size="sm" className="quiet">
            Served by the key <span className="mono">{sending.data.fingerprint}</span> from the{' '}
            {sending.data.source}.
          </Text>
        </Alert>
      )}
    </Stack>
  );
}

interface ChatAnswer {
  readonly content: string;
  readonly source: string;
  readonly fingerprint: string;
}

/** As an application sends it: with the token, and without the session. */
async function sendChat(model: string, token: string): Promise<ChatAnswer> {
  const response = await fetch('/v1/chat/completions', {
    method: 'POST',
    credentials: 'omit',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }),
  });
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw errorIn(response, body, GatewayError);
  const { choices } = (body ?? {}) as { choices?: { message?: { content?: string } }[] };
  return {
    content: choices?.[0]?.message?.content ?? '',
    source: response.headers.get('x-keyward-key-source') ?? 'unknown',
    fingerprint: response.headers.get('x-keyward-key-fingerprint') ?? 'unknown',
  };
}
